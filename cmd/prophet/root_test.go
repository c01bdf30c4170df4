package main

import (
	"path"
	"testing"

	"prophet/internal/crashfs"
)

func TestTheDirectoryThatACommandMakesSurvivesAPowerCut(t *testing.T) {
	disk := crashfs.New()
	for _, tt := range []struct {
		words []string
		made  string
	}{
		{[]string{"init", "/home/ann/bugs"}, "/home/ann/bugs/replica-version"},
		{[]string{"create", "-r", "/home/ann/bugs", "Ticket"}, "/home/ann/bugs/changesets.idx"},
		{[]string{"clone", "/home/ann/bugs", "/srv/team/bugs"}, "/srv/team/bugs/replica-version"},
		{[]string{"export", "-r", "/home/ann/bugs", "/media/stick/bugs"}, "/media/stick/bugs/replica-version"},
		{[]string{"publish", "-r", "/home/ann/bugs", "/var/www"}, "/var/www/prophet.json"},
		{[]string{"publish", "--flat", "-r", "/home/ann/bugs", "/var/flat/bugs"}, "/var/flat/bugs/replica-version"},
	} {
		w := newWorld()
		w.Fs = disk
		if code := run(t.Context(), w.env, tt.words); code != exitDone {
			t.Fatalf("%v: exit code %d, %s", tt.words, code, w.err)
		}
		left := disk.Survivor(crashfs.PowerCut, 0)
		for name := tt.made; name != "/"; name = path.Dir(name) {
			if _, err := left.Stat(name); err != nil {
				t.Errorf("%v: after a power cut: %v", tt.words, err)
			}
		}
	}
}
