package replica_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/spf13/afero"

	"prophet/changeset"
	"prophet/internal/replicatest"
	"prophet/replica"
)

// visited is a replica that took up a changeset numbered 7 of a stranger, and noted that it read two rows of that peer.
func visited(t *testing.T) (r *replica.Replica, fsys afero.Fs, peer uuid.UUID) {
	t.Helper()
	fsys, rec := noted(t)
	r, peer = replicatest.Open(t, fsys, replica.Options{}), uuid.New()
	visit(t, r, rec, peer, 7)
	return r, fsys, peer
}

// visit takes up a changeset of a peer.
func visit(t *testing.T, r *replica.Replica, rec changeset.RecordID, peer uuid.UUID, seq uint32) {
	t.Helper()
	if err := r.Update(t.Context(), func(tx *replica.Tx) error {
		_, err := tx.Integrate(&changeset.Changeset{ID: changeset.ID{Origin: peer, Seq: seq}, Created: "2001-01-01 00:00:00", Changes: []changeset.Change{{
			Record: rec, Kind: changeset.Update, Parents: headsOf(t, r, rec), Props: map[string]changeset.PropChange{"n": {New: changeset.Text("1")}}}}})
		tx.SetPeer(replica.Peer{UUID: peer, Read: 2})
		tx.SetVotesPeer(replica.Peer{UUID: peer})
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

func TestNotesOnPeersThatCannotBeReadAreReported(t *testing.T) {
	const anew = "; the next pull from that peer reads its log from the beginning, and writes it anew (harmless)\n"
	for _, tt := range []struct{ file, text, want string }{
		{"prophet/peers/PEER", "junk", "prophet/peers/PEER: invalid character 'j' looking for beginning of value" + anew},
		{"resolutions/prophet/peers/PEER", "", "resolutions/prophet/peers/PEER: unexpected end of JSON input" + anew},
		{"prophet/peers/PEER", `{"uuid":"10b1e589-83c2-4e27-917c-42dae1b8cf11"}`, "prophet/peers/PEER: it is about 10b1e589-83c2-4e27-917c-42dae1b8cf11" + anew},
		{"prophet/peers/bob", "{}", "prophet/peers/bob: a stray file: its name is not that of a peer (harmless)\n"},
		{"local_metadata/last-changeset-from-PEER", "x", "local_metadata/last-changeset-from-PEER: sequence number \"x\" is not a number from 1 to 4294967295; " +
			"programs of the original go by it: a repair sets it to 7\n"},
		{"local_metadata/last-changeset-from-PEER", "77", "local_metadata/last-changeset-from-PEER: it says 77, the log has changesets of that replica up to 7, and no more was read there: " +
			"programs of the original would take none of those between: a repair sets it to 7 (harmless)\n"},
		{"resolutions/local_metadata/Last-Changeset-From-PEER", "", "resolutions/local_metadata/Last-Changeset-From-PEER: sequence number \"\" is not a number from 1 to 4294967295; " +
			"programs of the original go by it: a repair sets it to 0\n"},
		{"prophet/mirror", "junk", "prophet/mirror: it cannot be read; empty the file, and the next publication writes it\n"},
		{"prophet/mirror", strings.Repeat(" ", 5000), "prophet/mirror: it cannot be read; empty the file, and the next publication writes it\n"},
	} {
		_, fsys, peer := visited(t)
		sound(t, fsys)
		named := func(s string) string { return strings.ReplaceAll(s, "PEER", peer.String()) }
		if err := afero.WriteFile(fsys, named(tt.file), []byte(tt.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if found := problems(t, fsys); found != named(tt.want) {
			t.Errorf("fsck says\n%swant\n%s", found, named(tt.want))
		}
		if _, sets, ok := strings.Cut(tt.want, "a repair sets it to "); ok {
			mend(t, fsys)
			if b, err := afero.ReadFile(fsys, named(tt.file)); err != nil || string(b) != strings.TrimSuffix(strings.TrimSpace(sets), " (harmless)") {
				t.Errorf("%s: a repair set it to %q, %v; want %q", tt.file, b, err, sets)
			}
		}
	}
}

func TestAListOfPeersWarnsOfOneThatCannotBeRead(t *testing.T) {
	_, fsys, peer := visited(t)
	change(t, fsys, "prophet/peers/"+peer.String(), func([]byte) []byte { return []byte("junk") })
	said := ""
	r, err := replica.Open(fsys, replica.Options{Where: "bugs", Warn: func(s string) { said += s }})
	if err != nil {
		t.Fatal(err)
	}
	peers, err := r.Peers()
	if err != nil || len(peers) != 1 || peers[0].UUID != peer || peers[0].Read != 0 || peers[0].Damaged() == nil {
		t.Errorf("the peers are %+v, %v", peers, err)
	}
	if want := "bugs/prophet/peers/" + peer.String() + " is damaged: invalid character"; !strings.HasPrefix(said, want) {
		t.Errorf("said %q", said)
	}
}

func TestAMarkOfTheOriginalThatCannotBeReadIsWrittenAnew(t *testing.T) {
	for _, text := range []string{"x", "", "-1", strings.Repeat("9", 5000)} {
		_, fsys, peer := visited(t)
		mark := "local_metadata/last-changeset-from-" + peer.String()
		change(t, fsys, mark, func([]byte) []byte { return []byte(text) })
		said := ""
		r, err := replica.Open(fsys, replica.Options{Warn: func(s string) { said += s }})
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Update(t.Context(), func(tx *replica.Tx) error { tx.SetPeer(replica.Peer{UUID: peer, Read: 3}); return nil }); err != nil {
			t.Fatal(err)
		}
		if b, err := afero.ReadFile(fsys, mark); err != nil || string(b) != "7" {
			t.Errorf("%.20q became %q, %v", text, b, err)
		}
		if !strings.HasPrefix(said, mark+" is damaged: ") || !strings.HasSuffix(said, "; it is written anew") {
			t.Errorf("said %q", said)
		}
		sound(t, fsys)
	}
}

// TestAPeerThatWentBackLowersItsMark: the original would take nothing of it before it has as many rows again.
func TestAPeerThatWentBackLowersItsMark(t *testing.T) {
	_, fsys, peer := visited(t)
	note := func(read uint32, want string) {
		t.Helper()
		if err := replicatest.Open(t, fsys, replica.Options{}).Update(t.Context(), func(tx *replica.Tx) error { tx.SetPeer(replica.Peer{UUID: peer, Read: read}); return nil }); err != nil {
			t.Fatal(err)
		}
		if b, err := afero.ReadFile(fsys, "local_metadata/last-changeset-from-"+peer.String()); err != nil || string(b) != want {
			t.Errorf("read up to %d: it is %q, %v; want %s", read, b, err, want)
		}
	}
	note(12, "12")
	note(9, "9")
	note(1, "7")
	sound(t, fsys)
}

func TestALogThatWasTurnedBackLowersAMarkThatCannotBeRead(t *testing.T) {
	replicatest.WithLooseEdits(t)
	_, fsys, peer := visited(t)
	mark := "local_metadata/last-changeset-from-" + peer.String()
	change(t, fsys, mark, func([]byte) []byte { return []byte("x") })
	change(t, fsys, "latest-sequence-no", func([]byte) []byte { return []byte("4") })
	change(t, fsys, "changesets.idx", func(b []byte) []byte { return b[:4*44] })
	grow(t, replicatest.Open(t, fsys, replica.Options{}), 1)
	if b, err := afero.ReadFile(fsys, mark); err != nil || string(b) != "0" {
		t.Errorf("it became %q, %v", b, err)
	}
}
