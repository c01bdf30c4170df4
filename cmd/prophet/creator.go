package main

import (
	"cmp"

	"prophet/internal/gitconfig"
)

// creator returns who makes an edit: user.email-address of the replica's config, else PROPHET_EMAIL, else
// EMAIL, else the user's name at this machine.
func (e *env) creator(c gitconfig.Config) string {
	if who := cmp.Or(c.Email, e.Getenv("PROPHET_EMAIL"), e.Getenv("EMAIL")); who != "" {
		return who
	}
	user := cmp.Or(e.Getenv("USER"), e.Getenv("LOGNAME"), e.Getenv("USERNAME"), "unknown")
	return user + "@" + cmp.Or(e.Host, "localhost")
}
