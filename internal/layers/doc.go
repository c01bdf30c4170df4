// Package layers holds a test and no code: that the packages of prophet import each other
// only downwards, and that files, the environment and the terminal are touched where they may be.
//
// The table of who may import whom is in layers_test.go. It says of the code what docs/design.md says:
//
//	sync → replica → resolution → changeset
//	       replica → cas → internal/durable
//
// with cmd/prophet above them all. The test parses the sources itself, all of them, whatever their build tags.
package layers
