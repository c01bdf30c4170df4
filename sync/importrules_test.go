package sync_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"

	"prophet/changeset"
	"prophet/internal/crashfs"
	psync "prophet/sync"
)

// setting writes a change to a settings record in the form of a source.
func setting(op string, u uuid.UUID, props string) string {
	return fmt.Sprintf(`{"op":%q,"type":%q,"uuid":"%s","props":{%s}}`, op, changeset.SettingsType, u, props)
}

func TestImportTakesNoRuleThatNobodyCanRead(t *testing.T) {
	votes := uuid.NewSHA1(database, []byte("merge:Ticket:votes"))
	const label, sum = `"label":"merge:Ticket:votes"`, `"content":"[\"sum\"]"`
	right := line(setting("create", votes, label+","+sum))
	for _, test := range []struct{ text, want string }{
		{right + line(setting("update", votes, `"note":"x"`)) + line(setting("delete", votes, "")), ""},
		{line(setting("create", votes, `"label":"default_status","content":"new"`)), ""},
		{line(setting("create", votes, label+`,"content":"sum"`)), `line 1, changes[0].props: rule of Ticket votes: "sum" is not the content of a rule, such as ["latest"]`},
		{line(change("create", 1), setting("create", votes, label)), `line 1, changes[1].props: rule of Ticket votes: "" is not`},
		{right + line(setting("update", votes, `"content":"[\"most\"]"`)), `line 2, changes[0].props: rule of Ticket votes: "most" is no rule`},
		{line(setting("create", record(1).UUID, label+","+sum)), `line 1, changes[0].props: rule of Ticket votes: it is kept in settings record ` + votes.String() + ` and in no other`},
	} {
		r := newReplica(t, crashfs.New(), "alice")
		_, err := psync.Import(context.Background(), r, "bugs", source(t, "bugs.jsonl", test.text), psync.ImportOptions{})
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want) || r.Latest() > 0) {
			t.Errorf("%s: %d changesets and %v, want %q", test.text, r.Latest(), err, test.want)
		}
	}
}
