package replicatest

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"math/big"
	"testing"

	"prophet/changeset"
	"prophet/replica"
)

// Digest computes the digests of a replica from what its records are, and shares no code with what it tests. Values must not hold U+2028 or U+2029, which
// encoding/json escapes.
func Digest(t testing.TB, r *replica.Replica) replica.Digests {
	t.Helper()
	return replica.Digests{
		State:    digest(t, r.Log(), func(typ string) bool { return typ != changeset.SettingsType }),
		Votes:    digest(t, r.Resolutions(), func(string) bool { return true }),
		Settings: digest(t, r.Log(), func(typ string) bool { return typ == changeset.SettingsType }),
	}
}

func digest(t testing.TB, l *replica.Log, wanted func(typ string) bool) (d replica.Digest) {
	t.Helper()
	types, err := l.Types()
	if err != nil {
		t.Fatal(err)
	}
	sum := new(big.Int)
	for _, typ := range types {
		if !wanted(typ) {
			continue
		}
		for rec, err := range l.Records(typ) {
			if err != nil {
				t.Fatal(err)
			}
			props, ok, err := l.Props(rec)
			if err != nil {
				t.Fatal(err)
			}
			if ok {
				sum.Add(sum, hash(t, rec, props))
			}
		}
	}
	sum.Mod(sum, new(big.Int).Lsh(big.NewInt(1), 256)).FillBytes(d[:])
	return d
}

func hash(t testing.TB, rec changeset.RecordID, props map[string]string) *big.Int {
	t.Helper()
	var b bytes.Buffer
	b.WriteString(rec.Type + "\n" + rec.UUID.String() + "\n")
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(props); err != nil {
		t.Fatal(err)
	}
	h := sha256.Sum256(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
	return new(big.Int).SetBytes(h[:])
}
