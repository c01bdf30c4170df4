// Package crowd tests what happens when many work at once: readers of a mirror in the middle of its publication, and writers and readers of one replica.
package crowd
