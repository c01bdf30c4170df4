package replica

import "testing"

// TestTheLastPeerIsReadAsItWasNoted: the checksum says that the bytes are right, so any name of a directory may stand there.
func TestTheLastPeerIsReadAsItWasNoted(t *testing.T) {
	for _, url := range []string{"https://example.com/bugs", "/srv/b\xfcgs", "/srv/two\nlines", "/srv/\x01", "/srv/end ", "/srv/x\ncrc32c 00000000"} {
		got, bare, err := parseLastPeer(string(appendLastPeer(nil, url)))
		if got != url || bare || err != nil {
			t.Errorf("%q comes back as %q, bare %v: %v", url, got, bare, err)
		}
	}
}

// TestALastPeerWithoutAChecksum: what an older version wrote counts where it can be a place.
func TestALastPeerWithoutAChecksum(t *testing.T) {
	for text, want := range map[string]string{"/srv/bugs\n": "/srv/bugs", "/srv/bugs": "/srv/bugs", "/srv/b\xfcgs\n": "", "/srv/two\nlines\n": "", "/srv/\x01\n": "", "": ""} {
		got, bare, err := parseLastPeer(text)
		if got != want || (err == nil) != (want != "") || want != "" && !bare {
			t.Errorf("%q is read as %q, bare %v: %v", text, got, bare, err)
		}
	}
}
