// Package replicatest is what tests of several packages share: a file system that counts, replicas of a given size.
package replicatest

import (
	"fmt"
	"maps"
	"os"
	"sync"

	"github.com/spf13/afero"
)

// Counting is a file system that counts what is done to it. Two runs that do the same to
// replicas of different sizes count the same, if their cost does not depend on the size.
type Counting struct {
	afero.Fs
	mu     sync.Mutex
	counts Counts
}

// Counts is what was done: how often what, and how many bytes were read and written.
type Counts struct {
	By    map[string]int
	Bytes int64
}

// Ops is how many operations there were.
func (c Counts) Ops() (n int) {
	for _, k := range c.By {
		n += k
	}
	return n
}

func (c Counts) String() string {
	return fmt.Sprintf("%d operations %v, %d bytes", c.Ops(), c.By, c.Bytes)
}

// Count returns a counting file system over another one.
func Count(fsys afero.Fs) *Counting {
	return &Counting{Fs: fsys, counts: Counts{By: map[string]int{}}}
}

// Reset forgets what was counted.
func (c *Counting) Reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counts = Counts{By: map[string]int{}}
}

// Counts returns what was counted since the last Reset.
func (c *Counting) Counts() Counts {
	c.mu.Lock()
	defer c.mu.Unlock()
	return Counts{maps.Clone(c.counts.By), c.counts.Bytes}
}

func (c *Counting) count(op string, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counts.By[op]++
	c.counts.Bytes += int64(n)
}

func (c *Counting) Open(name string) (afero.File, error) {
	c.count("open", 0)
	f, err := c.Fs.Open(name)
	return c.wrap(f, err)
}

func (c *Counting) OpenFile(name string, flag int, perm os.FileMode) (afero.File, error) {
	c.count("open", 0)
	f, err := c.Fs.OpenFile(name, flag, perm)
	return c.wrap(f, err)
}

func (c *Counting) Create(name string) (afero.File, error) {
	c.count("create", 0)
	f, err := c.Fs.Create(name)
	return c.wrap(f, err)
}

func (c *Counting) wrap(f afero.File, err error) (afero.File, error) {
	if err != nil {
		return nil, err
	}
	return &countingFile{f, c}, nil
}

func (c *Counting) Stat(name string) (os.FileInfo, error) {
	c.count("stat", 0)
	return c.Fs.Stat(name)
}

func (c *Counting) Mkdir(name string, perm os.FileMode) error {
	c.count("mkdir", 0)
	return c.Fs.Mkdir(name, perm)
}

func (c *Counting) MkdirAll(name string, perm os.FileMode) error {
	c.count("mkdir", 0)
	return c.Fs.MkdirAll(name, perm)
}

func (c *Counting) Remove(name string) error {
	c.count("remove", 0)
	return c.Fs.Remove(name)
}

func (c *Counting) Rename(from, to string) error {
	c.count("rename", 0)
	return c.Fs.Rename(from, to)
}

// countingFile counts what is done to an open file.
type countingFile struct {
	afero.File
	c *Counting
}

// Unwrap gives the file beneath, for whoever needs to lock it.
func (f *countingFile) Unwrap() afero.File { return f.File }

func (f *countingFile) Read(p []byte) (int, error) {
	n, err := f.File.Read(p)
	f.c.count("read", n)
	return n, err
}

func (f *countingFile) ReadAt(p []byte, off int64) (int, error) {
	n, err := f.File.ReadAt(p, off)
	f.c.count("read", n)
	return n, err
}

func (f *countingFile) Write(p []byte) (int, error) {
	n, err := f.File.Write(p)
	f.c.count("write", n)
	return n, err
}

func (f *countingFile) WriteAt(p []byte, off int64) (int, error) {
	n, err := f.File.WriteAt(p, off)
	f.c.count("write", n)
	return n, err
}

func (f *countingFile) Readdirnames(n int) ([]string, error) {
	names, err := f.File.Readdirnames(n)
	f.c.count("list", len(names))
	return names, err
}

func (f *countingFile) Readdir(n int) ([]os.FileInfo, error) {
	infos, err := f.File.Readdir(n)
	f.c.count("list", len(infos))
	return infos, err
}

func (f *countingFile) Sync() error {
	f.c.count("flush", 0)
	return f.File.Sync()
}
