package main

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/replica"
)

// evil is text that a terminal would obey, or that a person would take for something else: C0, C1, DEL, an operating system command, marks that turn the direction of
// writing, what cannot be seen, and line breaks.
const evil = "\x1b]52;c;cm0=\a\x1b[2J\x00\x08\x7f\u0085\u009b31m\u202egpj\u2066x\u2069\u200b\u200e\ufeff\u2028\U000e0041\r\nprophet: error: eve"

// colors are what the program itself says to a terminal: in a word diff, and where it asks.
var colors = regexp.MustCompile("\x1b\\[(31|32)?m")

// evilChange is a change to a record, by a peer.
func evilChange(origin uuid.UUID, seq uint32, rec changeset.RecordID, kind changeset.Kind, props map[string]string, parents ...changeset.ID) *changeset.Changeset {
	c := &changeset.Changeset{ID: changeset.ID{Origin: origin, Seq: seq}, Created: "2026-11-21 09:00:00" + evil, Creator: changeset.Text("eve" + evil)}
	ch := changeset.Change{Record: rec, Kind: kind, Parents: append([]changeset.ID{}, parents...), Props: map[string]changeset.PropChange{}}
	for name, value := range props {
		ch.Props[name] = changeset.PropChange{Old: changeset.Text("old" + evil), New: changeset.Text(value)}
	}
	c.Changes = []changeset.Change{ch}
	return c
}

// evilWorld is a world with two replicas of a database in which every text is evil that anybody can choose, and an import file.
func evilWorld(t *testing.T) *world {
	t.Helper()
	w := newWorld()
	eve, mal := uuid.MustParse("65766500-0000-4000-8000-000000000000"), uuid.MustParse("6d616c00-0000-4000-8000-000000000000")
	a := changeset.RecordID{Type: "Ticket", UUID: uuid.MustParse("aaaaaaaa-0000-4000-8000-000000000000")}
	b := changeset.RecordID{Type: "Ticket", UUID: uuid.MustParse("bbbbbbbb-0000-4000-8000-000000000000")}
	rule := changeset.RecordID{Type: changeset.SettingsType, UUID: uuid.MustParse("cccccccc-0000-4000-8000-000000000000")}
	props := map[string]string{"summary": "sum" + evil, "n" + evil: "v" + evil, "text": "one" + evil + "\n\ntwo " + evil + "\nthree", "status": "new" + evil, "creator": "eve" + evil}
	first := evilChange(eve, 1, a, changeset.Create, props)
	made := []*changeset.Changeset{
		first, evilChange(eve, 2, b, changeset.Create, props),
		evilChange(eve, 3, rule, changeset.Create, map[string]string{"label": "merge:Ticket:" + evil, "content": evil}),
		evilChange(eve, 4, a, changeset.Update, map[string]string{"status": "eve" + evil, "n" + evil: "eve" + evil, "text": "ONE" + evil + "\n\ntwo"}, first.ID),
		evilChange(mal, 1, a, changeset.Update, map[string]string{"status": "mal" + evil, "n" + evil: "mal" + evil, "text": "one\n\nTWO" + evil}, first.ID),
		evilChange(mal, 2, b, changeset.Delete, nil, changeset.ID{Origin: eve, Seq: 2}),
	}
	for _, dir := range []string{"/home/ann/bugs", "/home/ann/e" + evilName, "/home/ann/other"} {
		r, err := replica.Init(t.Context(), afero.NewBasePathFs(w.Fs, dir), replica.Identity{Database: eve, Votes: mal}, replica.Options{Where: dir})
		if err != nil {
			t.Fatal(err)
		}
		some := made
		if dir == "/home/ann/other" {
			some = made[:1]
		}
		err = r.Update(t.Context(), func(tx *replica.Tx) error {
			for _, c := range some {
				if _, err := tx.Integrate(c); err != nil {
					return err
				}
			}
			tx.SetPeer(replica.Peer{UUID: mal, Place: replica.Place{URL: "/srv/" + evil}})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	w.write(t, "/home/ann/lines", `{"type":"Ticket","uuid":"dddddddd-0000-4000-8000-000000000000","op":"create","props":{"a":"\u001b[2J"},"creator":"\u202e"}`+"\n"+evil)
	w.write(t, "/home/ann/bugs/config", "[user]\n\temail-address = \"ann\x1b[2J\u202e\"\n[replica \"e\x1b[2Jvil\u202e\"]\n\turl = /srv/\x1b[2J\u202e\n\tuuid = "+eve.String()+"\n")
	w.vars["EMAIL"] = "ann" + evil
	return w
}

// evilName is what of evil a file can be called.
var evilName = strings.NewReplacer("\x00", "", "/", "").Replace(evil)

// evilLines are command lines, at least one of each command. Each is run in a world of its own.
var evilLines = map[string][][]string{
	"init":       {{"init", "new" + evilName}, {"init", "bugs"}},
	"create":     {{"create", "-r", "bugs", "Ticket", "a=" + evil}, {"create", "-r", "bugs", "T" + evil, "a=b"}, {"create", "-r", "bugs", "Ticket", "n" + evil + "=b"}},
	"show":       {{"show", "-r", "bugs", "1"}, {"show", "-r", "bugs", "2"}, {"show", "-r", "bugs", evil}, {"show", "-r", "e" + evilName, "1"}},
	"update":     {{"update", "-r", "bugs", "1", "status=" + evil}, {"update", "-r", "bugs", "1", "summary=x", "--if", "summary=" + evil}, {"update", "-r", "bugs", evil, "a=b"}},
	"delete":     {{"delete", "-r", "bugs", "1"}, {"delete", "-r", "bugs", evil}},
	"restore":    {{"restore", "-r", "bugs", "2"}, {"restore", "-r", "bugs", "1", "--at", "1"}},
	"search":     {{"search", "-r", "bugs"}, {"search", "-r", "bugs", "status=" + evil}, {"search", "-r", "bugs", "--deleted"}, {"search", "-r", "bugs", evil}},
	"history":    {{"history", "-r", "bugs", "1"}, {"history", "-r", "bugs", "1", "--graph"}, {"history", "-r", "bugs", "2"}},
	"revert":     {{"revert", "-r", "bugs", "4"}, {"revert", "-r", "bugs", "1", "--dry-run"}, {"revert", "-r", "bugs", evil}},
	"log":        {{"log", "-r", "bugs"}, {"log", "-r", "bugs", evil}},
	"types":      {{"types", "-r", "bugs"}},
	"info":       {{"info", "-r", "bugs"}, {"info", "-r", "e" + evilName}, {"info", "-r", "bugs", "--forget", "/srv/" + evil}},
	"digest":     {{"digest", "-r", "bugs"}, {"digest", "-r", "bugs", "other"}, {"digest", "-r", "bugs", "--record", "1"}, {"digest", "-r", "bugs", "--record", "1", "other"}, {"digest", "-r", "bugs", "--records", "Ticket", "other"}, {"digest", "-r", "bugs", evil}},
	"dump":       {{"dump", "-r", "bugs"}},
	"fsck":       {{"fsck", "-r", "bugs"}, {"fsck", "-r", "e" + evilName}},
	"conflicts":  {{"conflicts", "-r", "bugs"}},
	"resolve":    {{"resolve", "-r", "bugs"}, {"resolve", "-r", "bugs", "1"}, {"resolve", "-r", "bugs", "--all", "--take", "latest"}, {"resolve", "-r", "bugs", "1", "--property", "status", "--take", evil}},
	"rules":      {{"rules", "-r", "bugs"}, {"rules", "-r", "bugs", "Ticket", "n" + evil, "max"}, {"rules", "-r", "bugs", "Ticket", "status", evil}},
	"clone":      {{"clone", "e" + evilName, "new"}, {"clone", "bugs", "new" + evilName}, {"clone", "http://" + evil, "new"}, {"clone", evil + "://x", "new"}},
	"pull":       {{"pull", "-r", "other", "bugs"}, {"pull", "-r", "other", "e" + evilName}, {"pull", "-r", "other", "bugs", "--dry-run"}, {"pull", "-r", "bugs", "--all"}, {"pull", "-r", "other", "bugs", "--prefer", "from"}, {"pull", "-r", "bugs", "e\x1b[2Jvil\u202e"}},
	"push":       {{"push", "-r", "bugs", "other"}, {"push", "-r", "bugs", "/srv/" + evil}},
	"import":     {{"import", "-r", "bugs", "lines"}, {"import", "-r", "bugs", "--as", evil, "lines"}, {"import", "-r", "bugs", evil}},
	"export":     {{"export", "-r", "bugs", "new" + evilName}},
	"publish":    {{"publish", "-r", "bugs", "new" + evilName}, {"publish", "-r", "bugs", "other"}},
	"reidentify": {{"reidentify", "-r", "bugs"}, {"reidentify", "-r", "bugs", "e" + evilName}},
	"gc":         {{"gc", "-r", "bugs"}, {"gc", "-r", "bugs", evil}},
	"unpack":     {{"unpack", "-r", "bugs"}, {"unpack", "-r", "bugs", evil}},
	"version":    {{"version"}, {"version", evil}},
	"help":       {{"help"}, {"help", evil}, {evil}, {"show", "--" + evil}},
}

func TestNothingThatATerminalWouldObeyReachesIt(t *testing.T) {
	for _, c := range commands(newWorld().env) {
		if evilLines[c.Name] == nil {
			t.Errorf("%s is not tried", c.Name)
		}
	}
	for _, lines := range evilLines {
		for _, words := range lines {
			for _, how := range []string{"terminal", "pipe", "json", "json on a terminal"} {
				tryEvil(t, words, how)
			}
		}
	}
}

// tryEvil runs a command in a world of its own.
func tryEvil(t *testing.T, words []string, how string) {
	t.Helper()
	w := evilWorld(t)
	onTerminal := strings.Contains(how, "terminal")
	if onTerminal {
		w.OutWidth, w.ErrWidth, w.Terminal, w.Asks = 80, 80, true, true
		w.Stdin = strings.NewReader("?\nd\n1\n" + evil + "\n2\ns\nq\n")
	}
	exact := strings.HasPrefix(how, "json") || words[0] == "dump"
	if strings.HasPrefix(how, "json") {
		words = slices.Concat(words, []string{"--json"})
	}
	run(t.Context(), w.env, words)
	out, err := w.out.String(), w.err.String()
	if onTerminal {
		err = strings.ReplaceAll(err, "\r", "") // of progress
	}
	if raw := unsafe.FindString(err); raw != "" {
		t.Errorf("%q, %s: stderr has %q: %q", words, how, raw, err)
	}
	if raw := unsafe.FindString(colors.ReplaceAllString(out, "")); raw != "" && (onTerminal || !exact) {
		t.Errorf("%q, %s: stdout has %q: %q", words, how, raw, out)
	}
	if strings.Contains("\n"+out, "\nprophet: error: eve") || strings.Contains(err, "\nprophet: error: eve") {
		t.Errorf("%q, %s: a value looks like a message: %q %q", words, how, out, err)
	}
	if exact {
		for line := range strings.Lines(out) {
			if words[0] != "dump" && !json.Valid([]byte(line)) {
				t.Errorf("%q, %s: no JSON: %q", words, how, line)
			}
		}
		if words[0] == "dump" && !json.Valid([]byte(out)) {
			t.Errorf("%q, %s: no JSON: %q", words, how, out)
		}
	}
}
