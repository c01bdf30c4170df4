package changeset

import (
	"encoding/json"
	"testing"
)

// benchChangesets are changesets of the original, about 500 bytes each, and benchBytes their size.
func benchChangesets(b *testing.B) (files [][]byte, size int64) {
	for _, o := range objects(b, ChangesetObjects) {
		files = append(files, o.bytes)
		size += int64(len(o.bytes))
	}
	return files, size
}

// plainChangeset is what encoding/json would be given.
type plainChangeset struct {
	Changes map[string]struct {
		ChangeType  string   `json:"change_type"`
		Parents     []string `json:"parents,omitempty"`
		PropChanges map[string]struct {
			New *string `json:"new_value"`
			Old *string `json:"old_value"`
		} `json:"prop_changes"`
		RecordType string `json:"record_type"`
	} `json:"changes"`
	Created         string  `json:"created"`
	Creator         *string `json:"creator"`
	IsNullification any     `json:"is_nullification"`
	IsResolution    any     `json:"is_resolution"`
	Seq             any     `json:"original_sequence_no"`
	Origin          string  `json:"original_source_uuid"`
}

// Each iteration decodes or encodes every changeset of the fixtures.

func BenchmarkDecode(b *testing.B) {
	files, size := benchChangesets(b)
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		for _, f := range files {
			if _, err := Decode(f); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkDecodeByEncodingJSON(b *testing.B) {
	files, size := benchChangesets(b)
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		for _, f := range files {
			var c plainChangeset
			if err := json.Unmarshal(f, &c); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	files, size := benchChangesets(b)
	var all []*Changeset
	for _, f := range files {
		all = append(all, mustDecode(b, string(f)))
	}
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		for _, c := range all {
			c.Encode()
		}
	}
}

func BenchmarkEncodeByEncodingJSON(b *testing.B) {
	files, size := benchChangesets(b)
	all := make([]plainChangeset, len(files))
	for i, f := range files {
		if err := json.Unmarshal(f, &all[i]); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		for i := range all {
			if _, err := json.Marshal(&all[i]); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkDecodeRecord(b *testing.B) {
	all := objects(b, RecordObjects)
	b.ReportAllocs()
	for b.Loop() {
		for _, o := range all {
			if _, err := DecodeRecord(o.bytes); err != nil {
				b.Fatal(err)
			}
		}
	}
}
