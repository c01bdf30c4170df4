package hostile

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"strings"
	"time"

	"prophet/changeset"
)

// attacksByHTTP are those by the way in which the server answers.
func attacksByHTTP() []Attack {
	all := func(h http.HandlerFunc) func(m *Mirror) { return func(m *Mirror) { m.serve[""] = h } }
	object := func(h http.HandlerFunc) func(m *Mirror) {
		return func(m *Mirror) {
			for seq := range uint32(40) {
				m.add(main, lie(seq+1))
			}
			for _, row := range m.rows(main) {
				if row.ID.Origin == mallory {
					m.answer(changeset.ObjectPath(changeset.ChangesetObjects, row.Key), h)
				}
			}
		}
	}
	redirect := func(to string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", to)
			w.WriteHeader(http.StatusFound)
		}
	}
	return []Attack{
		both("an endless small file", "larger than the 1048576 bytes", func(m *Mirror) {
			m.answer(changeset.LatestFile, repeat(bytes.Repeat([]byte("9"), 1<<16)))
		}).ofAll(),
		both("forty endless changesets at once", "larger than the 67108864 bytes", object(repeat(make([]byte, 1<<20)))).heavy(),
		both("a changeset that announces 2⁶² bytes", "larger than the 67108864 bytes", object(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "4611686018427387904")
			w.Write([]byte("{"))
		})),
		both("a gzip bomb", "larger than the 67108864 bytes", object(bomb(make([]byte, 1<<20), 1<<12))).heavy(),
		both("a gzip bomb in place of a small file", "larger than the 1048576 bytes", func(m *Mirror) {
			m.answer(changeset.LatestFile, bomb(bytes.Repeat([]byte("1"), 1<<20), 1<<10))
		}).ofAll(),
		both("gzip that has no end and holds nothing", "larger than the 1048576 bytes", func(m *Mirror) {
			var empty bytes.Buffer
			z := gzip.NewWriter(&empty)
			z.Close()
			m.answer(changeset.LatestFile, encoded("gzip", repeat(bytes.Repeat(empty.Bytes(), 1000))))
		}).ofAll(),
		both("a compression that nobody knows", "compressed the file in a way that we cannot read", object(encoded("br", repeat([]byte("x"))))),
		both("compression in compression", "compressed the file in a way that we cannot read", object(encoded("gzip, gzip", repeat([]byte("x"))))),
		both("a redirect to file:///etc/passwd", "which is another scheme", all(redirect("file:///etc/passwd"))),
		both("a redirect to another host", "which is another host", all(redirect("http://192.0.2.1/"))),
		both("a redirect to the machine's own metadata", "which is another host", all(redirect("http://169.254.169.254/latest/meta-data/"))),
		both("a redirect to another port", "which is another port", all(redirect("http://mirror.example:1/"))),
		both("a redirect to gopher", "which is another scheme", all(redirect("gopher://127.0.0.1/_x"))),
		both("a redirect in a circle", "redirects more than 5 times", all(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, r.URL.Path, http.StatusFound)
		})),
		both("a redirect without end", "redirects more than 5 times", all(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, r.URL.Path+"x", http.StatusFound)
		})),
		both("a redirect to 100 KB of address", "file does not exist|server response headers exceeded|tried 4 times", all(redirect("/"+strings.Repeat("x", 100<<10)))),
		both("a header without end", "server response headers exceeded", all(func(w http.ResponseWriter, r *http.Request) {
			for i := range 1000 {
				w.Header().Set(fmt.Sprintf("X-%d", i), strings.Repeat("y", 1000))
			}
		})),
		both("a part that is another one", "the server sent bytes", func(m *Mirror) {
			m.count(main, uint32(len(m.rows(main))+1))
			m.answer(changeset.IndexFile, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Range", "bytes 5-9/9223372036854775807")
				w.WriteHeader(http.StatusPartialContent)
				w.Write([]byte("12345"))
			})
		}),
		both("a byte now and then", "fewer than 512 bytes came in 30s", func(m *Mirror) {
			m.answer(changeset.LatestFile, drip(time.Second))
		}).long(),
		both("no answer at all", "the server does not answer", func(m *Mirror) {
			m.answer(changeset.LatestFile, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		}).long(),
		both("a server that is busy for ever", "tried 4 times: the server answered 503", all(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Retry-After", "20")
			w.WriteHeader(http.StatusServiceUnavailable)
		})).long(),
		both("a server that is busy for a year", "asks to come back in 8760h", all(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Retry-After", "31536000")
			w.WriteHeader(http.StatusServiceUnavailable)
		})),
		both("escape sequences in every header", "the server answered with the unknown status 599", all(func(w http.ResponseWriter, r *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				return
			}
			fmt.Fprintf(conn, "HTTP/1.1 599 \x1b]0;owned\a\x1b[2J\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
			conn.Close()
		})),
		both("no HTTP at all", "malformed HTTP", all(func(w http.ResponseWriter, r *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				return
			}
			fmt.Fprint(conn, "\x1b]0;owned\a\x1b[2J SSH-2.0-x\r\n\r\n")
			conn.Close()
		})),
		both("an address in an error text with escape sequences", "which is another host", all(redirect("http://evil\u202e.example/%1b[2J"))),
	}
}

// drip sends a byte at a time.
func drip(every time.Duration) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := w.Write([]byte("1")); err != nil {
				return
			}
			http.NewResponseController(w).Flush()
			time.Sleep(every)
		}
	}
}

// bomb answers with so many times the bytes, compressed.
func bomb(b []byte, times int) http.HandlerFunc {
	var packed bytes.Buffer
	z, _ := gzip.NewWriterLevel(&packed, gzip.BestSpeed)
	z.Write(b)
	z.Close()
	return encoded("gzip", func(w http.ResponseWriter, r *http.Request) {
		for range times { // members, one after another, are one file
			if _, err := w.Write(packed.Bytes()); err != nil {
				return
			}
		}
	})
}

func encoded(how string, h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", how)
		h(w, r)
	}
}
