//go:build unix

package durable

import "syscall"

// doNotWait lets nobody wait for the other end of a named pipe. With a regular file it means nothing.
const doNotWait = syscall.O_NONBLOCK
