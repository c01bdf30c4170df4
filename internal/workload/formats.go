package workload

import (
	"crypto/md5"
	"fmt"
	"io"
	"strings"
	"time"
)

// WriteLines writes the JSON Lines that prophet imports. Nothing in them needs an escape.
func (s Source) WriteLines(w io.Writer) error {
	for c := range s.All() {
		op := "create"
		if c.Update {
			op = "update"
		}
		_, err := fmt.Fprintf(w, `{"created":"%s","creator":"%s","changes":[{"op":"%s","type":"%s","uuid":"%s","props":{`,
			c.Created().Format(time.DateTime), Email, op, Type, c.Record)
		if err != nil {
			return err
		}
		for p, name := range Names {
			fmt.Fprintf(w, `%s"%s":"%s"`, strings.Repeat(",", min(p, 1)), name, c.Values[p])
		}
		fmt.Fprintf(w, "}}]}\n")
	}
	return nil
}

// Path is where the record is kept in a git repository: below 256 directories, as git keeps its own objects, because a commit writes each directory above what it changes.
func (c Changeset) Path() string {
	id := c.Record.String()
	return Type + "/" + id[:2] + "/" + id
}

// File is the record as a text with a line a property: "status: open".
func (c Changeset) File() string {
	var b strings.Builder
	for p, name := range Names {
		fmt.Fprintf(&b, "%s: %s\n", name, c.Values[p])
	}
	return b.String()
}

// WriteStream writes what git fast-import reads, a commit a changeset, on the branch main. The first is made on top of the commit named by from, if that is not "".
func (s Source) WriteStream(w io.Writer, from string) error {
	for c := range s.All() {
		if err := c.WriteCommit(w, "main", from); err != nil {
			return err
		}
		from = ""
	}
	return nil
}

// WriteCommit writes the changeset as a commit to the branch, on top of the commit named by from, or else of the last one that went there before.
func (c Changeset) WriteCommit(w io.Writer, branch, from string) error {
	message := fmt.Sprintf("Changeset %d\n", c.Number)
	if from != "" {
		from = "from " + from + "\n"
	}
	file := c.File()
	_, err := fmt.Fprintf(w, "commit refs/heads/%s\ncommitter %s <%s> %d +0000\ndata %d\n%s%sM 100644 inline %s\ndata %d\n%s\n",
		branch, Author, Email, c.Created().Unix(), len(message), message, from, c.Path(), len(file), file)
	return err
}

// FossilFields are Fossil's names of properties for those in Names, in the same order: its tickets have these from the start.
var FossilFields = [5]string{"comment", "foundin", "resolution", "status", "title"}

// FossilID is what Fossil's tickets have in place of a UUID: 40 digits.
func (c Changeset) FossilID() string {
	return strings.ReplaceAll(c.Record.String(), "-", "") + "00000000"
}

// Artifact is the changeset as a change of a Fossil ticket.
func (c Changeset) Artifact() string {
	var b strings.Builder
	fmt.Fprintf(&b, "D %s\n", c.Created().Format("2006-01-02T15:04:05.000"))
	for p, name := range FossilFields {
		fmt.Fprintf(&b, "J %s %s\n", name, strings.ReplaceAll(c.Values[p], " ", `\s`))
	}
	fmt.Fprintf(&b, "K %s\nU %s\n", c.FossilID(), Author)
	return fmt.Sprintf("%sZ %x\n", b.String(), md5.Sum([]byte(b.String())))
}
