// Package gitconfig reads the file config of a replica, which has the syntax of git's own:
//
//	[user]
//		email-address = ann@example.com
//	[replica "office"]
//		url = http://bugs.example.com/
//		uuid = 10b1e589-83c2-4e27-917c-42dae1b8cf11
//		push-url = file:///srv/bugs
//
// Names of sections and keys are compared ignoring case, names of replicas are not. Of a key that is
// written twice the last counts. Keys that are not known here are ignored. Nothing is ever run, and no other file is read, whatever the file says.
package gitconfig

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/spf13/afero"
)

// MaxSize is the size in bytes of the largest file that is read.
const MaxSize = 1 << 20

// Config is what the file says. The zero Config is that of an empty file.
type Config struct {
	Email    string    // user.email-address: who makes the edits
	Replicas []Replica // sorted by name
}

// Replica is a replica that the user gave a name. Nothing in it has been checked.
type Replica struct {
	Name       string
	URL        string
	UUID       string
	PullURL    string // where to pull from, if not from URL
	PushURL    string // where to push to, if not to URL
	PublishURL string
}

// Replica returns the replica of that name.
func (c *Config) Replica(name string) (Replica, bool) {
	for _, r := range c.Replicas {
		if r.Name == name {
			return r, true
		}
	}
	return Replica{}, false
}

// Read reads the file at path, of at most [MaxSize] bytes. A file that does not exist is an empty one.
func Read(fsys afero.Fs, path string) (Config, error) {
	f, err := fsys.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Config{}, nil
	}
	if err != nil {
		return Config{}, err // it names the path
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, MaxSize+1))
	if err != nil {
		return Config{}, fmt.Errorf("read %s: %w", path, err)
	}
	c, err := Parse(text)
	if err != nil {
		return Config{}, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

// Parse reads the text of a config file, of at most [MaxSize] bytes. An error names line and column.
func Parse(text []byte) (Config, error) {
	if len(text) > MaxSize {
		return Config{}, fmt.Errorf("more than %d bytes", MaxSize)
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	var c Config
	byName := make(map[string]*Replica)
	set := func(section, name, key, value string, _ bool) error {
		section, key = strings.ToLower(section), strings.ToLower(key)
		switch {
		case section == "user" && name == "" && key == "email-address":
			c.Email = value
		case section == "replica" && strings.Contains(name, "\n"):
			return fmt.Errorf("the name of replica %.100q has a line break in it, which git allows in no section", name)
		case section == "replica" && name != "":
			if byName[name] == nil {
				byName[name] = &Replica{Name: name}
			}
			byName[name].set(key, value)
		}
		return nil
	}
	if err := read(text, set); err != nil {
		return Config{}, err
	}
	for _, r := range byName {
		c.Replicas = append(c.Replicas, *r)
	}
	slices.SortFunc(c.Replicas, func(a, b Replica) int { return cmp.Compare(a.Name, b.Name) })
	return c, nil
}

func (r *Replica) set(key, value string) {
	switch key {
	case "url":
		r.URL = value
	case "uuid":
		r.UUID = value
	case "pull-url":
		r.PullURL = value
	case "push-url":
		r.PushURL = value
	case "publish-url":
		r.PublishURL = value
	}
}
