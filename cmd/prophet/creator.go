package main

import (
	"cmp"
	"path/filepath"

	"prophet/internal/gitconfig"
	"prophet/replica"
)

// creator returns who makes an edit: user.email-address of the replica's config, else PROPHET_EMAIL, else
// EMAIL, else the user's name at this machine.
func (e *env) creator(c gitconfig.Config) string {
	return cmp.Or(e.namedCreator(c), cmp.Or(e.Getenv("USER"), e.Getenv("LOGNAME"), e.Getenv("USERNAME"), "unknown")+"@"+cmp.Or(e.Host, "localhost"))
}

// namedCreator is creator, "" if nobody has said who that is.
func (e *env) namedCreator(c gitconfig.Config) string {
	return cmp.Or(c.Email, e.Getenv("PROPHET_EMAIL"), e.Getenv("EMAIL"))
}

// noteCreator says, where nobody has said who makes the edits in a new replica, whom they will name.
func (e *env) noteCreator(p *printer, dir string) error {
	c, err := e.config(dir)
	if err == nil && e.namedCreator(c) == "" {
		e.noteSigned(p, "will be", c, dir)
	}
	return err
}

// noteSigned says whom the edits name, or will.
func (e *env) noteSigned(p *printer, is string, c gitconfig.Config, dir string) {
	p.notef("what you edit %s signed %s; to have your address there, set EMAIL, or write email-address under [user] into %s", is, e.creator(c), filepath.Join(dir, "config"))
}

// noteNewCreator is noteCreator for the edit that a command is about to make, by the config that was read, unless the last edit that was made in the replica names the same. It says so
// at the end of the command, if there is such an edit then.
func (e *env) noteNewCreator(p *printer, c gitconfig.Config, dir string, r *replica.Replica) {
	if e.namedCreator(c) != "" || e.lastCreator(r) == e.creator(c) {
		return
	}
	e.atEnd = func() {
		if e.lastCreator(r) == e.creator(c) {
			e.noteSigned(p, "is", c, dir)
		}
	}
}

// lastCreator returns whom the last edit that was made in the replica names, "" if that is not among the last rows of the log, or cannot be read, which only
// makes that people are told once more.
func (e *env) lastCreator(r *replica.Replica) string {
	const most = 100
	for row, err := range r.Log().Backward(r.Latest()-min(r.Latest(), most), r.Latest()) {
		if err != nil {
			return ""
		}
		if row.ID.Origin != r.UUID() {
			continue
		}
		c, err := r.Log().Changeset(row)
		if err != nil {
			return ""
		}
		if !c.Bookkeeping() {
			return c.Creator.Text
		}
	}
	return ""
}
