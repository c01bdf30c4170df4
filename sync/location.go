package sync

import (
	"net/url"
	"strings"
)

// Shown returns a location as it may be shown and remembered: without the user name and password that a URL may hold. Even one that cannot
// be parsed shows none.
func Shown(location string) string {
	scheme, rest, ok := strings.Cut(location, "://")
	if !ok {
		return location
	}
	if u, err := url.Parse(location); err == nil && u.User == nil {
		return location
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	// A password with a slash in it is wrong, and is none of the readers' business either.
	if at := strings.LastIndexByte(rest, '@'); at >= end && !parses(location) {
		end = at + 1
	}
	host := rest[strings.LastIndexByte(rest[:end], '@')+1:]
	return scheme + "://" + host
}

func parses(location string) bool {
	_, err := url.Parse(location)
	return err == nil
}
