package main

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// copyMain stands in for rsync where a story has RSYNC=copying: it knows the options that prophet gives it, and takes the directory remote/HOST/PATH, in that of WORK, for HOST:PATH. It adds a
// line for each run to the file runs there. While there is a file fails, it copies as many files as that says and ends with 255.
func copyMain() {
	c := copying{work: os.Getenv("WORK")}
	i := slices.Index(os.Args, "--")
	if i < 0 || len(os.Args) != i+3 {
		c.end(1, "copying: wrong arguments")
	}
	c.options, c.from, c.to = os.Args[1:i], os.Args[i+1], os.Args[i+2]
	switch {
	case c.has("--files-from=-"):
		c.log("send")
		c.send()
	case c.has("--recursive"):
		c.log("fetch")
		c.fetch()
	default:
		c.log("make")
		if err := os.Mkdir(c.place(c.to), 0o777); err != nil {
			c.end(11, "copying: "+err.Error())
		}
	}
}

// hashed is the end of a path that is told by a hash or a UUID.
var hashed = regexp.MustCompile(`[0-9a-f]/[0-9a-f]/[0-9a-f-]{36,40}$`)

type copying struct {
	work     string
	options  []string
	from, to string
}

func (c *copying) has(option string) bool { return slices.Contains(c.options, option) }

// place returns the directory that stands for host:path.
func (c *copying) place(to string) string {
	host, name, _ := strings.Cut(to, ":")
	return filepath.Join(c.work, "remote", host, name)
}

func (c *copying) end(code int, said string) {
	fmt.Fprintln(os.Stderr, said)
	os.Exit(code)
}

func (c *copying) must(err error) {
	if err != nil {
		c.end(11, "copying: "+err.Error())
	}
}

func (c *copying) log(words ...any) {
	f, err := os.OpenFile(filepath.Join(c.work, "runs"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	c.must(err)
	_, err = fmt.Fprintln(f, words...)
	c.must(err)
	c.must(f.Close())
}

// left returns how many files may be copied before it fails.
func (c *copying) left() int {
	text, err := os.ReadFile(filepath.Join(c.work, "fails"))
	if err != nil {
		return 1 << 30
	}
	n := 0
	_, err = fmt.Sscan(string(text), &n)
	c.must(err)
	return n
}

func (c *copying) send() {
	list, err := io.ReadAll(os.Stdin)
	c.must(err)
	left := c.left()
	for _, name := range strings.Split(string(list), "\x00") {
		if left--; left < 0 {
			c.end(255, "Connection to www closed by \x1b[31mremote host.")
		}
		to := filepath.Join(c.place(c.to), name)
		text, err := os.ReadFile(name)
		if os.IsNotExist(err) && c.has("--delete-missing-args") {
			c.log("  remove", hashed.ReplaceAllString(name, "NAME"))
			_ = os.Remove(to)
			continue
		}
		c.must(err)
		c.log("  copy", hashed.ReplaceAllString(name, "NAME"))
		c.must(os.MkdirAll(filepath.Dir(to), 0o777))
		c.must(os.WriteFile(to, text, 0o666))
	}
}

func (c *copying) fetch() {
	from := c.place(c.from)
	if _, err := os.Stat(from); err != nil {
		c.end(23, "copying: "+err.Error())
	}
	for _, name := range c.named(".") {
		c.must(os.Remove(name))
	}
	for _, name := range c.named(from) {
		text, err := os.ReadFile(filepath.Join(from, name))
		c.must(err)
		c.must(os.MkdirAll(filepath.Dir(name), 0o777))
		c.must(os.WriteFile(name, text, 0o666))
	}
}

// named lists the files below a directory that the rules do not leave out.
func (c *copying) named(dir string) (names []string) {
	c.must(filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == dir {
			return err
		}
		name, err = filepath.Rel(dir, name)
		switch {
		case err != nil:
		case d.IsDir() && !c.included(filepath.ToSlash(name)+"/"):
			return filepath.SkipDir
		case !d.IsDir() && c.included(filepath.ToSlash(name)):
			names = append(names, name)
		}
		return err
	}))
	return names
}

// included reports whether a file, or a directory with a slash at the end, is one that the rules include.
func (c *copying) included(name string) bool {
	return slices.ContainsFunc(c.options, func(option string) bool {
		rule, ok := strings.CutPrefix(option, "--include=/")
		if below, all := strings.CutSuffix(rule, "**"); ok && all {
			return strings.HasPrefix(name, below)
		}
		is, _ := path.Match(rule, name)
		return ok && is
	})
}
