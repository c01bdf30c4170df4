package simulation

import (
	"fmt"
	"slices"
	"strings"
	"time"

	psync "prophet/sync"
)

// History is what happens among some replicas of one database.
type History struct {
	Seed    uint64 // it was drawn with, for messages
	Mixture string // of actions from which it was drawn, for figures
	Members []Member
	Lines   []string // of a foreign source that everybody can import
	Steps   []Step
}

// Member is one replica and the person who works on it.
type Member struct {
	Name  string
	Ahead time.Duration // of its clock
	Late  bool          // it is not there until a step makes it: a clone or a copy
	Old   bool          // it uses the original
	Aside bool          // only those who use the original pull from it
}

// Action is what happens in a step.
type Action string

// The actions. In brackets: the fields of the step that they use beside Who.
const (
	Create      Action = "create"       // a record, if it does not live there (Record, Writes)
	Update      Action = "update"       // a record that lives (Record, Writes)
	UpdateTwo   Action = "update two"   // those of two records that live, in one changeset (Record, Also, Writes)
	Delete      Action = "delete"       // a record that lives (Record)
	Restore     Action = "restore"      // a record that does not live, with the properties given alone (Record, Writes)
	Decide      Action = "decide"       // an open conflict, if there is one (Pick, Settings)
	Set         Action = "set"          // a setting (Record, Writes)
	Vote        Action = "vote"         // of an outsider, on an open conflict; it comes to the replica without an edit (Cut: which outsider; Also: whose vote it says it is; Pick, Settings)
	Pull        Action = "pull"         // (Whom, Prefer)
	PullPart    Action = "pull part"    // a pull that is cancelled (Whom, Cut: after so many batches)
	PullCrash   Action = "pull crash"   // a pull that crashes (Whom, Cut: at that file operation; Pick: odd: the power fails, even: it is killed)
	PullVotes   Action = "pull votes"   // the votes alone (Whom)
	Push        Action = "push"         // a pull by the other one, in the process of this one (Whom: to it; Prefer)
	Publish     Action = "publish"      // a mirror
	PullMirror  Action = "pull mirror"  // from a published mirror (Whom)
	Clone       Action = "clone"        // a member that is late comes to be (Whom)
	CloneMirror Action = "clone mirror" // from a mirror (Whom)
	Import      Action = "import"       // the first lines of the foreign source (Pick, Prefer)
	Backup      Action = "backup"       // keep a copy of all files
	PutBack     Action = "put back"     // the copy
	Copy        Action = "copy"         // a member that is late comes to be with cp -r (Whom)
	Reidentify  Action = "reidentify"   // take a new identity, as after a copy
)

// Actions are all of them.
var Actions = []Action{Create, Update, UpdateTwo, Delete, Restore, Decide, Set, Vote, Pull, PullPart, PullCrash, PullVotes, Push,
	Publish, PullMirror, Clone, CloneMirror, Import, Backup, PutBack, Copy, Reidentify}

// Step is one thing that happens. It is a no-op where what it needs is not there.
type Step struct {
	N            int // its number in the history as it was drawn, from 1
	At           int // seconds since the beginning, by a clock that is right
	Do           Action
	Who, Whom    int // members; Whom is pulled from, or pushed to
	Record, Also int // records, by number
	Writes       []Write
	Pick         int  // one of the things that there are to choose from
	Settings     bool // choose among what is about settings, if anything is
	Prefer       psync.Prefer
	Cut          int
}

// Write is a property and its new value; "" removes it.
type Write struct{ Prop, Value string }

// without returns the history less the steps that drop names.
func (h *History) without(drop func(i int) bool) *History {
	less := *h
	less.Steps = nil
	for i, s := range h.Steps {
		if !drop(i) {
			less.Steps = append(less.Steps, s)
		}
	}
	return &less
}

// String tells the history as a story.
func (h *History) String() string {
	var b strings.Builder
	var names []string
	for i, m := range h.Members {
		if h.mentions(i) {
			names = append(names, m.String())
		}
	}
	fmt.Fprintf(&b, "seed %d: %s\n", h.Seed, strings.Join(names, ", "))
	if slices.ContainsFunc(h.Steps, func(s Step) bool { return s.Do == Import }) {
		for i, line := range h.Lines {
			fmt.Fprintf(&b, "    line %d: %s\n", i+1, strings.TrimSpace(line))
		}
	}
	for _, s := range h.Steps {
		fmt.Fprintf(&b, "%3d. %s\n", s.N, h.words(s))
	}
	return b.String()
}

func (m Member) String() string {
	var notes []string
	if m.Ahead != 0 {
		notes = append(notes, m.Ahead.String()+" ahead")
	}
	if m.Old {
		notes = append(notes, "uses the original")
	}
	if m.Aside {
		notes = append(notes, "only such pull from it")
	}
	if len(notes) == 0 {
		return m.Name
	}
	return m.Name + " (" + strings.Join(notes, ", ") + ")"
}

// mentions reports whether a step has to do with a member.
func (h *History) mentions(i int) bool {
	return slices.ContainsFunc(h.Steps, func(s Step) bool { return s.Who == i || s.Whom == i && s.meets() })
}

// meets reports whether the step has to do with another member.
func (s Step) meets() bool {
	switch s.Do {
	case Pull, PullPart, PullCrash, PullVotes, Push, PullMirror, Clone, CloneMirror, Copy:
		return true
	}
	return false
}

// words says what a step does.
func (h *History) words(s Step) string {
	who, whom := h.Members[s.Who].Name, h.Members[s.Whom].Name
	ticket := fmt.Sprint("ticket ", s.Record)
	does := map[Action]string{
		Create:      fmt.Sprintf("creates %s with%s", ticket, writes(s.Writes)),
		Update:      fmt.Sprintf("sets%s of %s", writes(s.Writes), ticket),
		UpdateTwo:   fmt.Sprintf("sets%s of %s and of ticket %d in one changeset", writes(s.Writes), ticket, s.Also),
		Delete:      "deletes " + ticket,
		Restore:     fmt.Sprintf("restores %s with%s", ticket, writes(s.Writes)),
		Decide:      fmt.Sprintf("decides a conflict (choice %d)", s.Pick),
		Set:         fmt.Sprintf("sets%s of setting %d", writes(s.Writes), s.Record),
		Vote:        fmt.Sprintf("gets a vote of outsider %d on a conflict, in the name of outsider %d (choice %d)", s.Cut, s.Also, s.Pick),
		Pull:        "pulls from " + whom + prefers(s.Prefer),
		PullPart:    fmt.Sprintf("pulls from %s, but stops after %d batches", whom, s.Cut),
		PullCrash:   fmt.Sprintf("pulls from %s, but %s at change %d of its files", whom, crashes(s), s.Cut),
		PullVotes:   "takes the votes of " + whom + " alone",
		Push:        "pushes to " + whom + prefers(s.Prefer),
		Publish:     "publishes a mirror",
		PullMirror:  "pulls from the mirror of " + whom,
		Clone:       "comes with a clone of " + whom,
		CloneMirror: "comes with a clone of the mirror of " + whom,
		Import:      fmt.Sprintf("imports %d lines%s", s.Pick, prefers(s.Prefer)),
		Backup:      "makes a backup",
		PutBack:     "puts the backup back",
		Reidentify:  "takes a new identity",
		Copy:        "comes with a copy of all files of " + whom,
	}[s.Do]
	return fmt.Sprintf("%s %s %s", time.Unix(int64(s.At), 0).UTC().Format("15:04:05"), who, does)
}

func writes(ws []Write) string {
	var b strings.Builder
	for _, w := range ws {
		fmt.Fprintf(&b, " %s=%s", w.Prop, w.Value)
	}
	return b.String()
}

func prefers(p psync.Prefer) string {
	if p == psync.PreferNone {
		return ""
	}
	return ", prefers " + string(p)
}

func crashes(s Step) string {
	if s.Pick%2 == 1 {
		return "the power fails"
	}
	return "is killed"
}
