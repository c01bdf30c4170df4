// Package durable is the one place that creates, renames, appends, flushes and locks files.
package durable
