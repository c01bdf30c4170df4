package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"prophet/replica"
)

func typesCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:     "types",
		Usage:    "list the record types, with counts and the properties in use",
		Category: aboutReplica,
		Description: `
Lists each type that has records, how many there are, and their properties, each
with the number of records that have it, the most frequent first.

  prophet types
  prophet types --json`,
		Action: func(c *cli.Context) error {
			if _, err := arguments(c, 0, 0); err != nil {
				return err
			}
			return runTypes(c.Context, e, typesOptions{globalsOf(c)})
		},
	}
}

type typesOptions struct{ globals }

// typeDoc is the JSON of a type.
type typeDoc struct {
	Props   map[string]int `json:"props"` // how many records have the property
	Records int            `json:"records"`
	Type    string         `json:"type"`
}

func runTypes(ctx context.Context, e *env, o typesOptions) error {
	r, err := e.open(o.globals)
	if err != nil {
		return err
	}
	counts, err := r.CountTypes(ctx)
	if err != nil {
		return err
	}
	p := e.printer(o.globals)
	if p.json {
		return printTypesJSON(p, counts)
	}
	t := p.table("TYPE", "RECORDS", "PROPERTIES")
	for _, c := range counts {
		if err := t.Row(c.Type, fmt.Sprint(c.Records), propCounts(c.Props)); err != nil {
			return err
		}
	}
	return t.Flush()
}

func printTypesJSON(p *printer, counts []replica.TypeCount) error {
	for _, c := range counts {
		if err := p.writeJSON(typeDoc{c.Props, c.Records, c.Type}); err != nil {
			return err
		}
	}
	return nil
}

// propCounts lists properties as "status 12, owner 3", the most frequent first.
func propCounts(props map[string]int) string {
	names := slices.SortedFunc(maps.Keys(props), func(a, b string) int {
		return cmp.Or(-cmp.Compare(props[a], props[b]), cmp.Compare(a, b))
	})
	for i, name := range names {
		names[i] = fmt.Sprintf("%s %d", name, props[name])
	}
	return strings.Join(names, ", ")
}
