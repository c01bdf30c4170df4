//go:build !unix

package durable

// doNotWait is nothing where there are no named pipes among the files.
const doNotWait = 0
