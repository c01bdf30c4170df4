package sync_test

import (
	"crypto/sha1"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"
	"testing"

	"github.com/spf13/afero"

	"prophet/internal/crashfs"
	"prophet/internal/webtest"
	"prophet/replica"
	psync "prophet/sync"
)

// This is what a client of the original does with a published replica, with nothing of ours in it: it fetches six kinds of files by
// their names, and replays the log.

// v1Client reads the replica below a URL.
type v1Client struct {
	url     string
	fetched []string
}

func (c *v1Client) get(name string) ([]byte, error) {
	c.fetched = append(c.fetched, name)
	resp, err := http.Get(c.url + "/" + name)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", name, resp.Status)
	}
	return io.ReadAll(resp.Body)
}

// v1State is the records by type and UUID.
type v1State map[string]map[string]string

// v1Changeset is as much of a changeset as replaying it takes, and as telling whose it is.
type v1Changeset struct {
	Seq     json.Number `json:"original_sequence_no"`
	Origin  string      `json:"original_source_uuid"`
	Changes map[string]struct {
		Kind  string `json:"change_type"`
		Type  string `json:"record_type"`
		Props map[string]struct {
			New *string `json:"new_value"`
		} `json:"prop_changes"`
	} `json:"changes"`
}

// read returns what stands in the small files of a log, and the state that replaying it gives. prefix is that of the log, "" or "resolutions/".
func (c *v1Client) read(prefix string) (database, id string, state v1State, err error) {
	var small [3][]byte
	for i, name := range []string{"database-uuid", "replica-uuid", "latest-sequence-no"} {
		if small[i], err = c.get(prefix + name); err != nil {
			return "", "", nil, err
		}
	}
	latest, err := strconv.Atoi(string(small[2]))
	if err != nil || latest == 0 {
		return string(small[0]), string(small[1]), v1State{}, err
	}
	index, err := c.get(prefix + "changesets.idx")
	if err == nil && len(index) < latest*44 {
		err = fmt.Errorf("%d bytes of index for %d changesets", len(index), latest)
	}
	state = v1State{}
	for n := 0; n < latest && err == nil; n++ {
		err = c.replay(prefix, n+1, index[n*44:(n+1)*44], state)
	}
	return string(small[0]), string(small[1]), state, err
}

// replay fetches the changeset of a row and applies it.
func (c *v1Client) replay(prefix string, n int, row []byte, state v1State) error {
	key := hex.EncodeToString(row[24:])
	b, err := c.get(prefix + "cas/changesets/" + key[:1] + "/" + key[1:2] + "/" + key)
	if err != nil {
		return err
	}
	if sum := sha1.Sum(b); hex.EncodeToString(sum[:]) != key {
		return fmt.Errorf("row %d: the SHA-1 of %s is %x", n, key, sum)
	}
	var cs v1Changeset
	if err := json.Unmarshal(b, &cs); err != nil {
		return fmt.Errorf("row %d: %w", n, err)
	}
	if got := binary.BigEndian.Uint32(row); int(got) != n {
		return fmt.Errorf("row %d bears the number %d", n, got)
	}
	u := hex.EncodeToString(row[4:20])
	origin := u[:8] + "-" + u[8:12] + "-" + u[12:16] + "-" + u[16:20] + "-" + u[20:]
	if seq := fmt.Sprint(binary.BigEndian.Uint32(row[20:])); cs.Origin != origin || string(cs.Seq) != seq {
		return fmt.Errorf("row %d: changeset %s:%s under the name %s:%s", n, cs.Origin, cs.Seq, origin, seq)
	}
	for uuid, change := range cs.Changes {
		name := change.Type + " " + uuid
		switch change.Kind {
		case "add_file", "update_file":
			if state[name] == nil {
				state[name] = map[string]string{}
			}
			for prop, pc := range change.Props {
				if pc.New == nil || *pc.New == "" {
					delete(state[name], prop)
				} else {
					state[name][prop] = *pc.New
				}
			}
		case "delete":
			delete(state, name)
		}
	}
	return nil
}

// shownBy is what a log of ours shows, as a v1 client would say it.
func shownBy(t *testing.T, l *replica.Log) v1State {
	t.Helper()
	state := v1State{}
	types, err := l.Types()
	if err != nil {
		t.Fatal(err)
	}
	for _, typ := range types {
		for rec, err := range l.Records(typ) {
			if err != nil {
				t.Fatal(err)
			}
			if props, ok, err := l.Props(rec); err != nil {
				t.Fatal(err)
			} else if ok {
				state[typ+" "+rec.UUID.String()] = props
			}
		}
	}
	return state
}

func (s v1State) equal(other v1State) bool {
	return maps.EqualFunc(s, other, func(a, b map[string]string) bool { return maps.Equal(a, b) })
}

func TestClientOfTheOriginalReadsWhatWePublish(t *testing.T) {
	w := newWorkshop(t, crashfs.New())
	w.fill()
	for _, tc := range []struct {
		name  string
		write func(dest afero.Fs) (below string)
	}{
		{"published", func(dest afero.Fs) string { return "/" + w.publish(dest, psync.PublishOptions{}).Path }},
		{"published flat", func(dest afero.Fs) string { w.publish(dest, psync.PublishOptions{Flat: true}); return "" }},
		{"exported", func(dest afero.Fs) string { w.check(psync.Export(t.Context(), w.ann, dest, nil)); return "" }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dest := crashfs.New()
			below := tc.write(dest)
			srv := webtest.Static(t, dest)
			client := &v1Client{url: srv.URL + below}
			for _, part := range []struct {
				prefix string
				want   *replica.Log
			}{{"resolutions/", w.ann.Resolutions()}, {"", w.ann.Log()}} {
				database, id, state, err := client.read(part.prefix)
				if err != nil {
					t.Fatal(err)
				}
				if database != part.want.Database().String() || id != part.want.UUID().String() {
					t.Errorf("%sdatabase %q, replica %q", part.prefix, database, id)
				}
				if want := shownBy(t, part.want); !state.equal(want) || len(want) == 0 {
					t.Errorf("%sreplayed to\n%v\nwant\n%v", part.prefix, state, want)
				}
			}
			if n := int(w.ann.Latest() + w.ann.Resolutions().Latest()); len(client.fetched) != n+8 || srv.Requests() != int64(n+8) {
				t.Errorf("%d files were fetched for %d changesets", len(client.fetched), n)
			}
		})
	}
}

// A replica that the original wrote, republished by us, reads the same to a client of the original.
func TestClientOfTheOriginalReadsItsReplicasFromOurMirrors(t *testing.T) {
	eachFixture(t, func(t *testing.T, from *replica.Replica, want expected, _ []string, _ afero.Fs) {
		dest := crashfs.New()
		if _, err := psync.Publish(t.Context(), from, dest, psync.PublishOptions{Flat: true}); err != nil {
			t.Fatal(err)
		}
		client := &v1Client{url: webtest.Static(t, dest).URL}
		_, _, state, err := client.read("")
		if err != nil {
			t.Fatal(err)
		}
		if _, _, _, err := client.read("resolutions/"); err != nil {
			t.Fatal(err)
		}
		records := v1State{}
		for typ, all := range want.Records {
			for uuid, props := range all {
				records[typ+" "+uuid] = props
			}
		}
		if !state.equal(records) {
			t.Errorf("replayed to\n%v\nwant\n%v", state, records)
		}
	})
}
