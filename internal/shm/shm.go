// Package shm has the temporary files of tests lie in memory, where flushing costs nothing: tests that are not about the disk take a third of the time there.
package shm
