//go:build !linux

package durable

// holder returns who has the lock of a file: on Linux alone that can be found out.
func holder(string) string { return somebody }
