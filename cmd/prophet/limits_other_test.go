//go:build !linux

package main

// limitProcess does nothing: what was taken is looked at afterwards.
func limitProcess(_, _ uint64) {}
