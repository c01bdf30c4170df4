package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"syscall"

	"prophet/changeset"

	"github.com/urfave/cli/v2"
)

// fileFlag is the flag of the commands that take properties.
func fileFlag() cli.Flag {
	return &cli.StringSliceFlag{Name: "file", Usage: "read the value of a property from a file, `NAME=PATH`; - is standard input"}
}

// properties returns what the words name=value and the --file flags name=PATH give. A value is
// taken as it is; an empty one is in the map, and removes the property.
func (e *env) properties(ctx context.Context, words, files []string) (map[string]string, error) {
	props := make(map[string]string)
	for _, word := range words {
		name, value, err := cutProperty(word, props)
		if err != nil {
			return nil, err
		}
		if err := changeset.CheckValue(name, value); err != nil {
			return nil, usagef("%w", err)
		}
		props[name] = value
	}
	return props, e.readProperties(ctx, files, props)
}

// readProperties adds the properties that --file flags name to props.
func (e *env) readProperties(ctx context.Context, files []string, props map[string]string) error {
	stdin := ""
	for _, word := range files {
		name, path, err := cutProperty(word, props)
		switch {
		case !strings.Contains(word, "="):
			return withHint(usagef("--file: %.300q is not NAME=PATH", word), "write --file NAME=PATH: the property, and the file that its value is read from")
		case err != nil:
			return fmt.Errorf("--file: %w", err)
		case path == "":
			return usagef("--file: a path is missing after %.300q", word)
		case path == "-" && stdin != "":
			return usagef("--file: both %s and %s are to be read from standard input", stdin, name)
		case path == "-":
			stdin = name
		}
		if props[name], err = e.readValue(ctx, name, path); err != nil {
			return err
		}
	}
	return nil
}

// cutProperty splits a word at its first "=" into the name of a property, which is not among those given before, and what follows.
func cutProperty(word string, given map[string]string) (name, rest string, err error) {
	name, rest, ok := strings.Cut(word, "=")
	if !ok {
		return "", "", withHint(usagef("%.300q is not a property", word), "write NAME=VALUE, or NAME= to remove one")
	}
	if err := changeset.CheckProperty(name); err != nil {
		return "", "", usagef("%w", err)
	}
	if strings.HasSuffix(name, "!") && rest != "" { // an empty value takes away such a property of another program
		return "", "", withHint(usagef("%.300q names a property %q, which is hardly meant", word, name), "there is no NAME!=VALUE: it is NAME=VALUE")
	}
	if _, twice := given[name]; twice {
		return "", "", usagef("property %q is given twice", name)
	}
	return name, rest, nil
}

// readValue reads the value of a property from a file, or from standard input if path is "-".
func (e *env) readValue(ctx context.Context, name, path string) (string, error) {
	in, label := e.Stdin, "standard input"
	if path != "-" {
		label = e.path(path)
		f, err := e.openGiven(ctx, label)
		if errors.Is(err, syscall.EISDIR) {
			return "", withHint(fmt.Errorf("read the value of %s: %s is a directory", name, label), "name the file in it that holds the value")
		}
		if errors.Is(err, fs.ErrNotExist) {
			return "", withHint(fmt.Errorf("read the value of %s: %w", name, err), "look how the file is called, and where it is")
		}
		if err != nil {
			return "", fmt.Errorf("read the value of %s: %w", name, err) // err names the path
		}
		defer f.Close()
		in = f
	}
	value, err := io.ReadAll(io.LimitReader(in, changeset.MaxValue+1))
	if err != nil {
		return "", fmt.Errorf("read %s: %w", label, err)
	}
	if len(value) > changeset.MaxValue {
		return "", fmt.Errorf("%s: more than %d bytes, which a property may have at most", label, changeset.MaxValue)
	}
	if err := changeset.CheckValue(name, string(value)); err != nil {
		return "", fmt.Errorf("%s: %w", label, err)
	}
	return string(value), nil
}
