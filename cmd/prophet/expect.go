package main

import (
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"prophet/changeset"
	"prophet/replica"
)

// ifFlag is the flag of the commands that do something only if properties have certain values.
func ifFlag() cli.Flag {
	return &cli.StringSliceFlag{Name: "if", Usage: "only if the property has that value still, `NAME=VALUE`, and none with NAME=; it may be given several times"}
}

// conditions returns what the --if flags say: values by property.
func conditions(words []string) (map[string]string, error) {
	props := map[string]string{}
	for _, word := range words {
		name, value, err := cutProperty(word, props)
		if err != nil {
			return nil, fmt.Errorf("--if: %w", err)
		}
		if err := changeset.CheckValue(name, value); err != nil {
			return nil, usagef("--if: %w", err)
		}
		props[name] = value
	}
	return props, nil
}

// named gives an error of a condition that does not hold the name that people have for the record.
func named(r *replica.Replica, err error) error {
	var unmet *replica.UnmetError
	if !errors.As(err, &unmet) {
		return err
	}
	id, lerr := r.LocalID(unmet.Record)
	if lerr != nil {
		return lerr
	}
	return unmetError(recordName(id, unmet.Record), shortID(id, unmet.Record.UUID), unmet)
}

// unmetError says which condition does not hold, and what the property is.
func unmetError(name, id string, unmet *replica.UnmetError) error {
	want, now := "empty", "empty"
	if unmet.Want != "" {
		want = fmt.Sprintf("%.200q", unmet.Want)
	}
	if unmet.Now != "" {
		now = fmt.Sprintf("%.200q", unmet.Now)
	}
	if unmet.Conflict {
		return &failure{exitUnmet, fmt.Sprintf(`"prophet resolve %s" decides`, id),
			fmt.Errorf("%s of %s is in conflict: %s holds for now, and nothing for certain; nothing was done", unmet.Prop, name, now)}
	}
	return &failure{exitUnmet, "", fmt.Errorf("%s of %s is %s, not %s; nothing was done", unmet.Prop, name, now, want)}
}
