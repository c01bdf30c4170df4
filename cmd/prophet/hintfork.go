package main

import (
	"fmt"
	"strings"

	"prophet/replica"
	psync "prophet/sync"
)

// hintFork says what to do where others' edits have one name. Each command in it works as it is printed, in a line of its own.
func hintFork(fork *replica.ForkError) string {
	byHand := fmt.Sprintf("run this instead, which keeps both edits, each under a name of its own:\n  prophet reidentify -r %s %s", asReplica(fork.Here), fork.There)
	switch {
	case fork.Maker && psync.ReadOnly(fork.There):
		return "let the owner of the copy pull from you, which gives it a new identity, and publish it again; then do this again.\nOnly if its owner is gone, " + byHand
	case fork.Maker:
		return fmt.Sprintf("if %s is the copy, run this, which gives it a new identity; then do this again:\n  prophet pull -r %s %s\nOnly if its owner is gone, %s",
			fork.There, asReplica(fork.There), fork.Here, byHand)
	case writable(fork.KnownHere) && writable(fork.KnownThere) && fork.KnownHere != fork.KnownThere:
		one, other := fork.KnownHere, fork.KnownThere
		return fmt.Sprintf("%s and %s are the copies; run these, of which the first gives one of them a new identity; then do this again:\n  prophet pull -r %s %s\n  prophet pull -r %s %s\nOnly if their owners are gone, %s",
			one, other, asReplica(other), one, asReplica(fork.Here), other, byHand)
	}
	return fmt.Sprintf("neither is one of the copies%s: let one copy pull from the other, which gives it a new identity, pull from that one here, and do this again.\nOnly if their owners are gone, %s", foundAt(fork), byHand)
}

// hintForged says what to do where a replica has what somebody made up. An honest one can have taken it up, and loses nothing by a comparison.
func hintForged(forged *psync.ForgedError) string {
	if forged.ID.IsZero() || psync.ReadOnly(forged.There) {
		return "do not pull from there"
	}
	return fmt.Sprintf(`do not pull from there; if it took that up from somebody else, its owner mends it by "prophet reidentify -r %s %s"`, asReplica(forged.There), forged.Here)
}

// foundAt says where one of the copies is, if that is known.
func foundAt(fork *replica.ForkError) string {
	for _, known := range []string{fork.KnownHere, fork.KnownThere} {
		if plain(known) {
			return fmt.Sprintf(", of which one was found at %s", known)
		}
	}
	return ""
}

// asReplica is a location as --replica takes it.
func asReplica(location string) string {
	if dir, err := psync.LocalPath(location); err == nil && !psync.ReadOnly(location) {
		return dir
	}
	return location
}

// writable reports whether a location that a replica noted can be named to pull there.
func writable(known string) bool { return plain(known) && !psync.ReadOnly(known) }

// plain reports whether a location that a replica noted, which may be another's, can stand in a command that is copied into a shell.
func plain(known string) bool {
	special := func(c rune) bool {
		return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("/._-:+@%", c))
	}
	return known != "" && known[0] != '-' && strings.IndexFunc(known, special) < 0
}
