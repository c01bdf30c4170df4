package main

import (
	"errors"
	"fmt"
	"path/filepath"

	"prophet/cas"
	"prophet/internal/durable"
	"prophet/replica"
)

// hintElsewhere says what to do about damage in another replica than the one that the command works on, "" if there is none, or if it is in a mirror.
func (e *env) hintElsewhere(err error) string {
	if errors.Is(err, replica.ErrCutOff) || !isDamage(err) {
		return ""
	}
	where := whereOf(err)
	dir, local := localDir(where)
	if where == "" || !local || filepath.Clean(dir) == e.at || e.isMirror(where) {
		return ""
	}
	if errors.Is(err, replica.ErrUncounted) {
		return fmt.Sprintf(`the damage is there: "prophet fsck -r %s --repair" keeps them`, shellWord(dir))
	}
	return fmt.Sprintf(`the damage is there: "prophet fsck -r %s" lists all of it`, shellWord(dir))
}

// isDamage reports whether an error says that a file of a replica is damaged, or an object gone.
func isDamage(err error) bool {
	var damage *replica.DamageError
	var corrupt *cas.CorruptError
	var missing *cas.MissingError
	return errors.As(err, new(*durable.ShortError)) || errors.As(err, &damage) || errors.As(err, &corrupt) || errors.As(err, new(*cas.LargeError)) || errors.As(err, &missing)
}

// whereOf returns the location of the replica that is damaged, or could not be read or opened, "" if the error does not say that.
func whereOf(err error) string {
	var damage *replica.DamageError
	var faulty *replica.FaultyError
	var reach *reachError
	switch {
	case errors.As(err, &damage) && damage.Where != "":
		return damage.Where
	case errors.As(err, &faulty):
		return faulty.Where
	case errors.As(err, &reach):
		return reach.location
	}
	return ""
}
