//go:build !linux

package shm

// Use leaves temporary files where they are usually.
func Use() error { return nil }
