package hostile

import (
	"fmt"
	"strings"

	"github.com/google/uuid"

	"prophet/changeset"
	"prophet/replica"
)

// attacksByNotes are those by what is ours in a mirror, beside format 1.
func attacksByNotes() []Attack {
	return []Attack{
		both("prophet.json of a million databases", "larger than the 1048576 bytes", func(m *Mirror) {
			databases := make([]string, 1_000_000)
			for i := range databases {
				databases[i] = uuid.NewSHA1(mallory, fmt.Append(nil, i)).String()
			}
			m.files["prophet.json"] = index(databases)
		}).ofAll(),
		both("prophet.json of 20,000 databases", "it holds 20000 databases", func(m *Mirror) {
			databases := make([]string, 20_000)
			for i := range databases {
				databases[i] = uuid.NewSHA1(mallory, fmt.Append(nil, i)).String()
			}
			m.files["prophet.json"] = index(databases)
		}).ofAll(),
		both("prophet.json that names a path", "is not a UUID", func(m *Mirror) { m.files["prophet.json"] = index([]string{"../../etc"}) }).ofAll(),
		both("prophet.json that names a URL", "is not a UUID", func(m *Mirror) { m.files["prophet.json"] = index([]string{"http://example.com/"}) }).ofAll(),
		both("prophet.json that is nested deep", "exceeded max depth", func(m *Mirror) {
			m.files["prophet.json"] = []byte(`{"prophet":1,"x":` + strings.Repeat("[", 500_000))
		}).ofAll(),
		both("prophet.json of tomorrow", "it is of version 9", func(m *Mirror) { m.files["prophet.json"] = []byte(`{"prophet":9}`) }).ofAll(),
		both("prophet.json that names a database which is not there", "there is no replica", func(m *Mirror) {
			m.files["prophet.json"] = index([]string{mallory.String()})
		}).ofAll(),
		harmless("a mark that names other rows", "the rows are looked at", func(m *Mirror) {
			m.add(main, lie(1))
			m.text(replica.MirrorMark, replica.Mark{Changesets: changeset.Row{Seq: 7, ID: lie(1).ID}}.String())
		}),
		harmless("a mark that is junk", "told, and the rows are looked at", func(m *Mirror) {
			m.add(main, lie(1))
			m.text(replica.MirrorMark, "\x1b]0;x\a{")
		}),
		both("a mark that is endless", "larger than the 1048576 bytes", func(m *Mirror) {
			m.answer(replica.MirrorMark, repeat(make([]byte, 1<<16)))
			m.add(main, lie(1))
		}),
		harmless("a digest that lies", "only \"prophet digest\" shows it, as what the mirror says of itself", func(m *Mirror) {
			m.add(main, lie(1))
			m.write("prophet/digests", make([]byte, 72))
		}),
		harmless("prophet/rows in a mirror", "who has it says that nothing is to be adopted; nothing else is read of it", func(m *Mirror) {
			m.write("prophet/rows", make([]byte, 8*100))
			m.add(main, lie(1))
		}),
		both("a list of representations whose objects are missing", "file does not exist", func(m *Mirror) { m.represent(lie(1).ID, [20]byte{1}) }).kept(),
		harmless("a list of representations that names another edit", "what is no representation of an edit that is known is passed over", func(m *Mirror) {
			c := by(m.Alice, 1)
			m.represent(c.ID, m.object(main, c.Encode()))
		}),
		harmless("a list of representations that names what nobody knows", "passed over", func(m *Mirror) {
			m.represent(lie(1).ID, m.object(main, lie(1).Encode()))
		}),
		both("a list of representations of 4,294,967,295 rows", "a pull takes up 2097152", func(m *Mirror) {
			m.represent(lie(1).ID, [20]byte{1})
			m.text(replica.LatestRepresentationFile, "4294967295")
		}).kept(),
		both("a list of representations that is endless", "larger than the 134217728 bytes", func(m *Mirror) {
			m.represent(lie(1).ID, [20]byte{1})
			m.text(replica.LatestRepresentationFile, "2000000")
			m.answer(replica.RepresentationsFile, repeat(make([]byte, 1<<16)))
		}).long().kept(),
		both("former UUIDs without end", "larger than the", func(m *Mirror) {
			m.addOwn()
			m.answer("prophet/former-uuids", repeat([]byte(mallory.String()+"\n")))
		}),
		both("former UUIDs that are none", "is not a UUID", func(m *Mirror) {
			m.addOwn()
			m.text("prophet/former-uuids", "all of them\n")
		}),
		harmless("former UUIDs of others", "what its rows above tell of parents is believed of the mirror's own rows alone, and only where the bytes have none", func(m *Mirror) {
			m.add(main, lie(1))
			m.text("prophet/former-uuids", m.Alice.String()+" 1\n"+mallory.String()+"\n")
		}),
	}
}

// addOwn adds a changeset without parents that would be the mirror's own, if mallory were one of its former UUIDs.
func (m *Mirror) addOwn() {
	n := uint32(len(m.rows(main)) + 1)
	m.addBytes(main, lie(n).ID, like(n, `"parents":[],`, ``))
}

// kept says that what came before the lie stays.
func (a Attack) kept() Attack {
	a.Kept = true
	return a
}

// represent makes a list of representations with one row.
func (m *Mirror) represent(id changeset.ID, key [20]byte) {
	m.write(replica.RepresentationsFile, changeset.AppendRow(nil, changeset.Row{Seq: 1, ID: id, Key: key}))
	m.text(replica.LatestRepresentationFile, "1")
	m.text(replica.MirrorMark, "")
}

// attacksByTime are those by what the mirror said before.
func attacksByTime() []Attack {
	return []Attack{
		{Name: "a mirror that shows yesterday's state", Old: true, Lie: func(m *Mirror) { m.replaced(m.Yesterday) },
			Harmless: "a clone knows no other", Pull: "shows an earlier state than it did before"},
		{Name: "a mirror that shrank", Old: true, Lie: func(m *Mirror) { m.setMarked(m.rows(main)[:2]) },
			Harmless: "a clone knows no other", Pull: "shows an earlier state than it did before"},
		{Name: "a mirror that has nothing any more", Old: true, Lie: func(m *Mirror) { m.setMarked(nil) },
			Harmless: "a clone knows no other", Pull: "shows an earlier state than it did before"},
		{Name: "a mirror that rewrote its last edits", Old: true, Lie: func(m *Mirror) { m.replaced(m.Rewritten) },
			Harmless: "a clone knows no other", Pull: "is not the one that was read up to", Alone: true},
		{Name: "a mirror that left out an edit in the middle", Old: true, Lie: func(m *Mirror) {
			rows := m.rows(main)
			rows = append(rows[:len(rows)-2], rows[len(rows)-1])
			rows[len(rows)-1].Seq--
			m.setMarked(rows)
		}, Clone: "parent", Pull: "went back|shows an earlier state"},
		{Name: "a mirror that exchanged a row", Old: true, Lie: func(m *Mirror) {
			rows := m.rows(main)
			c := lie(1)
			rows[len(rows)-1] = changeset.Row{Seq: uint32(len(rows)), ID: c.ID, Key: m.object(main, c.Encode())}
			m.setMarked(rows)
		}, Harmless: "a clone knows no other", Pull: "is not the one that was read up to"},
		{Name: "resolutions that went back", Old: true, Lie: func(m *Mirror) {
			m.setRows(votes, nil)
			m.setMarked(m.rows(main))
		}, Harmless: "a clone knows no other", Pull: "its log of resolutions ends with row 0"},
	}
}

// setMarked makes the log be these rows, and the mark tell of them.
func (m *Mirror) setMarked(rows []changeset.Row) {
	m.setRows(main, rows)
	var mark replica.Mark
	if len(rows) > 0 {
		mark.Changesets = rows[len(rows)-1]
	}
	if v := m.rows(votes); len(v) > 0 {
		mark.Resolutions = v[len(v)-1]
	}
	m.text(replica.MirrorMark, mark.String())
}
