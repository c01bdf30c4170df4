package sync_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/crashfs"
	"prophet/internal/replicatest"
	"prophet/replica"
	psync "prophet/sync"
)

// An import makes of its lines the very changesets that it made before, so it has what a replica lost of them, whether anything is left of it or not.
func TestAnImportBringsBackWhatWasLostOfItsLines(t *testing.T) {
	text := line(change("create", 1, "status", "new")) + line(change("update", 1, "status", "open")) + "\n" + line(change("create", 2, "status", "new"), change("update", 1, "owner", "bob")) + line(change("delete", 2))
	more := line(change("update", 1, "status", "closed"))
	disk := crashfs.New()
	whole := newReplica(t, disk, "ann")
	importText(t, whole, text)
	edit(t, whole, 1, map[string]string{"owner": "ann"})
	replicatest.Loosen(t, disk)
	rows, err := whole.Log().Collect(1, 4)
	if err != nil {
		t.Fatal(err)
	}
	for _, withVersions := range []bool{true, false} {
		for _, row := range rows {
			when := fmt.Sprintf("row %d, with versions %t", row.Seq, withVersions)
			damaged := disk.Survivor(crashfs.Kill, 0)
			gone := []string{changeset.ObjectPath(changeset.ChangesetObjects, row.Key)}
			for name := range files(t, damaged) {
				if strings.HasPrefix(strings.TrimPrefix(name, "/"), "cas/"+changeset.RecordObjects) && !withVersions {
					gone = append(gone, name)
				}
			}
			for _, name := range gone {
				if err := damaged.Remove(name); err != nil {
					t.Fatal(err)
				}
			}
			if err := replica.Repair(t.Context(), damaged, replica.Options{}, replica.RepairOptions{}); err != nil {
				t.Fatal(err)
			}
			r := replicatest.Open(t, damaged, replica.Options{Where: "ann"})
			if lost, err := r.Log().Lost(); len(lost) != 1 || err != nil {
				t.Fatalf("%s: %d are lost, %v", when, len(lost), err)
			}
			said := ""
			options := psync.ImportOptions{Warn: func(text string) { said += text + "\n" }}
			if report, err := psync.Import(context.Background(), r, "bugs", source(t, "bugs.jsonl", text+more), psync.ImportOptions{DryRun: true, Warn: options.Warn}); err != nil || report.Integrated != 1 || report.Restored != 1 ||
				!strings.HasPrefix(said, "1 of the changesets that ann has lost would come back from bugs.jsonl\n") {
				t.Errorf("%s: a rehearsal: %+v, %v, said %s", when, report, err, said)
			}
			other := strings.Split(text+more, "\n")
			other[row.ID.Seq-1] = strings.NewReplacer("new", "odd", `"open"`, `"odd"`, "delete", "update").Replace(other[row.ID.Seq-1])
			for _, dry := range []bool{true, false} {
				_, err := psync.Import(context.Background(), r, "bugs", source(t, "bugs.jsonl", strings.Join(other, "\n")), psync.ImportOptions{DryRun: dry})
				if want := fmt.Sprintf("bugs.jsonl line %d: the past of a source does not change", row.ID.Seq); err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%s, dry %t: another line: %v, want %s", when, dry, err, want)
				}
			}
			report, err := psync.Import(context.Background(), r, "bugs", source(t, "bugs.jsonl", text+more), options)
			if err != nil || report.Restored != 1 || report.Integrated != 1 || !strings.Contains(said, "1 of the changesets that ann had lost came back from bugs.jsonl") {
				t.Errorf("%s: %+v, %v, said %s", when, report, err, said)
				continue
			}
			replicatest.Sound(t, damaged, when)
			was, missing := afero.ReadFile(disk, gone[0])
			if is, _, err := r.Log().RawChangeset(row); string(is) != string(was) || err != nil || missing != nil {
				t.Errorf("%s: the changeset that came back is %q, %v; it was %q, %v", when, is, err, was, missing)
			}
			wantProps(t, r, 1, map[string]string{"status": "closed", "owner": "ann"})
		}
	}
}
