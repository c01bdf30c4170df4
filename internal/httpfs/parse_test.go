package httpfs

import (
	"net/http"
	"testing"
	"time"
)

func TestParseContentRange(t *testing.T) {
	for _, tc := range []struct {
		in                 string
		first, last, total int64
		ok                 bool
	}{
		{"bytes 0-43/440", 0, 43, 440, true},
		{"bytes 44-87/*", 44, 87, -1, true},
		{"bytes 0-0/1", 0, 0, 1, true},
		{"bytes 9223372036854775806-9223372036854775806/9223372036854775807", 1<<63 - 2, 1<<63 - 2, 1<<63 - 1, true},
		{"", 0, 0, 0, false},
		{"bytes */440", 0, 0, 0, false},
		{"bytes 0-43", 0, 0, 0, false},
		{"bytes 43-0/440", 0, 0, 0, false},
		{"bytes 0-440/440", 0, 0, 0, false},
		{"bytes +0-43/440", 0, 0, 0, false},
		{"bytes 0--1/440", 0, 0, 0, false},
		{"bytes 0-43/", 0, 0, 0, false},
		{"rows 0-43/440", 0, 0, 0, false},
		{"bytes 0-9223372036854775808/*", 0, 0, 0, false},
	} {
		first, last, total, err := parseContentRange(tc.in)
		if first != tc.first || last != tc.last || total != tc.total || (err == nil) != tc.ok {
			t.Errorf("parseContentRange(%q) = %d, %d, %d, %v", tc.in, first, last, total, err)
		}
	}
}

func FuzzParseContentRange(f *testing.F) {
	f.Add("bytes 0-43/440")
	f.Add("bytes 44-87/*")
	f.Fuzz(func(t *testing.T, s string) {
		first, last, total, err := parseContentRange(s)
		if err == nil && (first < 0 || last < first || (total >= 0 && last >= total)) {
			t.Errorf("parseContentRange(%q) = %d, %d, %d", s, first, last, total)
		}
	})
}

func TestParseRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, tc := range []struct {
		in   string
		want time.Duration
	}{
		{"", 0},
		{"0", 0},
		{"7", 7 * time.Second},
		{"-7", 0},
		{"soon", 0},
		{"99999999999999999999", 0},
		{now.Add(90 * time.Second).Format(http.TimeFormat), 90 * time.Second},
		{now.Add(-90 * time.Second).Format(http.TimeFormat), 0},
	} {
		if got := parseRetryAfter(tc.in, now); got != tc.want {
			t.Errorf("parseRetryAfter(%q) = %v, want %v", tc.in, got, tc.want)
		}
	}
}

func TestWaitsDoubleAndVary(t *testing.T) {
	for try, most := range map[int]time.Duration{1: 500 * time.Millisecond, 2: time.Second, 3: 2 * time.Second} {
		seen := map[time.Duration]bool{}
		for range 100 {
			d := wait(try, 0)
			if d <= most/2 || d > most {
				t.Errorf("wait after try %d is %v, want more than %v and at most %v", try, d, most/2, most)
			}
			seen[d] = true
		}
		if len(seen) < 10 {
			t.Errorf("wait after try %d took %d values in 100", try, len(seen))
		}
	}
	if d := wait(1, 20*time.Second); d != 20*time.Second {
		t.Errorf("the server asked for 20 s, wait is %v", d)
	}
}

func TestWebPagesAreKnownByTheirBeginning(t *testing.T) {
	for _, tc := range []struct {
		start string
		page  bool
	}{
		{"<!DOCTYPE html><html>", true},
		{"\n  <HTML lang=en>", true},
		{"\xef\xbb\xbf<!doctype HTML>", true},
		{"<?xml version=\"1.0\"?><Error>", true},
		{"", false},
		{"7", false},
		{`{"html":"<html>"}`, false},
		{"\x00\x00\x00\x01<html>", false},
		{"<htmlish", false},
	} {
		if err := checkNoPage([]byte(tc.start)); (err != nil) != tc.page {
			t.Errorf("checkNoPage(%q) = %v", tc.start, err)
		}
	}
}
