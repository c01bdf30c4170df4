package main

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"prophet/replica"
)

func TestTheHintOnADifferenceLeadsToWhatDiffers(t *testing.T) {
	bob, err := replica.Init(t.Context(), afero.NewMemMapFs(), replica.Identity{}, replica.Options{Where: "/home/bob"})
	if err != nil {
		t.Fatal(err)
	}
	c := &comparison{peer: "../bob", other: bob}
	for _, tt := range []struct {
		differ []string
		want   string
	}{
		{[]string{"state", "votes", "settings"}, `"prophet digest ../bob --types" says in which types of records`},
		{[]string{"settings"}, `"prophet digest ../bob --records __prophet_db_settings" says in which`},
		{[]string{"votes"}, `compare what "prophet dump" and "prophet dump -r /home/bob" have under "resolutions"`},
	} {
		if got := c.whereToLook(tt.differ); got != tt.want {
			t.Errorf("%v: got %s, want %s", tt.differ, got, tt.want)
		}
	}
}

func TestPairedPutsEqualKeysSideBySide(t *testing.T) {
	for _, tt := range []struct{ here, there, want string }{
		{"", "", ""},
		{"a b", "", "a- b-"},
		{"", "a", "-a"},
		{"a c d", "b c e", "a- -b cc d- -e"},
		{"a b", "a b", "aa bb"},
	} {
		var got []string
		for a, b := range paired(strings.Fields(tt.here), strings.Fields(tt.there), func(s string) string { return s }) {
			pair := ""
			for _, s := range []*string{a, b} {
				if s == nil {
					s = new(string)
					*s = "-"
				}
				pair += *s
			}
			got = append(got, pair)
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%q, %q: got %q", tt.here, tt.there, got)
		}
	}
}

func TestDifferentPropertiesHaveBothValues(t *testing.T) {
	d := &recordDifferenceDoc{Props: map[string]differentValueDoc{}}
	d.compare(map[string]string{"a": "1", "b": "2", "c": "3"}, map[string]string{"b": "2", "c": "4", "d": "5"})
	if !slices.Equal(d.Differ, []string{"a", "c", "d"}) || !slices.Equal(slices.Sorted(maps.Keys(d.Props)), d.Differ) {
		t.Fatalf("got %v, %v", d.Differ, d.Props)
	}
	if a, c, e := d.Props["a"], d.Props["c"], d.Props["d"]; *a.Here != "1" || a.There != nil || *c.Here+*c.There != "34" || e.Here != nil || *e.There != "5" {
		t.Errorf("got %v, %v, %v", a, c, e)
	}
}
