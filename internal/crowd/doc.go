// Package crowd tests what happens when many work at once: readers of a mirror in the middle of its publication, and writers and readers of one replica.
//
// A mirror is read with -torn N moments for each way to read it, less than 0 for all there are, and -seed N for the random numbers. Writers and readers work for as
// long as -crowd says:
//
//	go test ./internal/crowd -run Mirror -torn -1 -seed 2 -v -timeout 2h
//	go test ./internal/crowd -run ManyWrite -crowd 1m -race -v
package crowd
