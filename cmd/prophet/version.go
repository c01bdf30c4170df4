package main

import (
	"context"
	"runtime"
	"runtime/debug"

	"github.com/urfave/cli/v2"

	"prophet/replica"
)

// version is replaced when a release is built: go build -ldflags "-X main.version=1.2.3".
var version = "0.4.0"

func versionCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:     "version",
		Usage:    "print the version of this program",
		Category: aboutProphet,
		Description: `
Prints the version and where it was built from. --json adds the formats of
replicas that it reads and writes.`,
		Action: func(c *cli.Context) error {
			if _, err := arguments(c, 0, 0); err != nil {
				return err
			}
			return runVersion(c.Context, e, versionOptions{globalsOf(c)})
		},
	}
}

type versionOptions struct{ globals }

// versionDoc is the JSON of version.
type versionDoc struct {
	Formats  []string `json:"formats"`  // of replicas
	Go       string   `json:"go"`       // the compiler
	Platform string   `json:"platform"` // operating system and processor
	Revision string   `json:"revision"` // of the source; empty if the build did not know it
	Version  string   `json:"version"`
}

func runVersion(_ context.Context, e *env, o versionOptions) error {
	doc := versionDoc{
		Formats:  []string{replica.FormatLoose, replica.FormatParts},
		Go:       runtime.Version(),
		Platform: runtime.GOOS + "/" + runtime.GOARCH,
		Revision: revision(),
		Version:  version,
	}
	p := e.printer(o.globals)
	if p.json {
		return p.writeJSON(doc)
	}
	if doc.Revision != "" {
		return p.linef("prophet %s (%.12s, %s, %s)", doc.Version, doc.Revision, doc.Go, doc.Platform)
	}
	return p.linef("prophet %s (%s, %s)", doc.Version, doc.Go, doc.Platform)
}

// revision returns the commit that the program was built from, if the build noted it.
func revision() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value
		}
	}
	return ""
}
