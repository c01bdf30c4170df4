package hostile

import (
	"bytes"
	"fmt"
	"strings"

	"prophet/changeset"
)

// attacksByContent are those by the bytes of a changeset.
func attacksByContent() []Attack {
	return []Attack{
		both("wrong hash", "is damaged: its SHA-1 is", func(m *Mirror) {
			m.write(m.last(), append(bytes.Clone(m.file(m.last())), ' '))
		}),
		both("right hash, another changeset", "it holds changeset "+lie(2).ID.String()+", row", func(m *Mirror) {
			m.addBytes(main, lie(1).ID, lie(2).Encode())
		}),
		raw("right hash, no JSON", "want an object", func() []byte { return []byte("%PDF-1.4") }),
		raw("right hash, an empty file", "an object is expected", func() []byte { return []byte{} }),
		raw("no UTF-8", "not valid UTF-8", func() []byte { return like(1, "made up", "made \xff up") }),
		raw("half of a surrogate pair", "both halves of a surrogate pair", func() []byte { return like(1, "made up", `\ud800`) }),
		raw("JSON nested a million deep", "nested more than 32 deep", func() []byte {
			return like(1, `"created"`, `"x":`+strings.Repeat("[", 1_000_000)+strings.Repeat("]", 1_000_000)+`,"created"`)
		}),
		raw("objects nested in what is skipped", "nested more than 32 deep", func() []byte {
			return like(1, `"created"`, `"x":`+strings.Repeat(`{"a":`, 100_000)+`1`+strings.Repeat("}", 100_000)+`,"created"`)
		}),
		raw("a key twice", `the key "created" is there twice`, func() []byte {
			return like(1, `"created"`, `"created":"1","created"`)
		}),
		raw("600,000 keys in what is skipped", "an object with more than 500000 keys", func() []byte {
			return like(1, `"created"`, `"x":{`+numbered(600_000, `"%d":0`)+`},"created"`)
		}),
		raw("600,000 properties", "more than 500000", func() []byte {
			return like(1, `"summary":`, numbered(600_000, `"%d":{}`)+`,"summary":`)
		}),
		raw("100,001 changes", "more than 100000", func() []byte {
			return like(1, `"changes":{`, `"changes":{`+numbered(100_001, `"00000000-0000-4000-8000-%012d":{"change_type":"delete","record_type":"T"}`)+`,`)
		}),
		raw("a property whose name has 5,000 bytes", "its name has 5000 bytes, want 1 to 4096", func() []byte {
			return like(1, `"summary"`, `"`+strings.Repeat("n", 5000)+`"`)
		}),
		raw("a creator of 5,000 bytes", "5000 bytes, at most 4096", func() []byte {
			return like(1, `"mallory"`, `"`+strings.Repeat("m", 5000)+`"`)
		}),
		raw("a sequence number beyond 2³²", "is not a number from 1 to 4294967295", func() []byte {
			return like(1, `"original_sequence_no":1`, `"original_sequence_no":4294967297`)
		}),
		raw("a sequence number of a million digits", "4096 are allowed", func() []byte {
			return like(1, `"original_sequence_no":1`, `"original_sequence_no":`+strings.Repeat("1", 1_000_000))
		}),
		raw("a flag that is neither", "is neither true nor false", func() []byte { return like(1, `"is_resolution":null`, `"is_resolution":2`) }),
		both("100,000 changes that touch 100,000 records, for which the disk is too small", "file too large", func(m *Mirror) {
			m.addBytes(main, lie(1).ID, like(1, `"changes":{`, `"changes":{`+numbered(99_999, `"00000000-0000-4000-8000-%012d":{"change_type":"add_file","parents":[],"prop_changes":{"a":{"new_value":"1"}},"record_type":"T"}`)+`,`))
		}).long().kept(),
		{Name: "two changesets of which the second is damaged", Lie: func(m *Mirror) {
			m.add(main, lie(1))
			m.addBytes(main, lie(2).ID, lie(3).Encode())
		}, Clone: "it holds changeset", Pull: "it holds changeset"},
		harmless("values that are numbers, and keys that nobody knows", "as the original writes them: a number is its text, the keys are left out", func(m *Mirror) {
			m.addBytes(main, lie(1).ID, like(1, `"made up"`, `-1.5e7,"rm":["-rf"]`))
		}),
		harmless("a record of which a changeset writes 10,000 properties", "within the limits: it costs what it has", func(m *Mirror) {
			m.addBytes(main, lie(1).ID, like(1, `"summary":`, numbered(10_000, `"p%d":{"new_value":"1","old_value":null}`)+`,"summary":`))
		}),
	}
}

// numbered returns n texts with numbers in them, comma-separated.
func numbered(n int, format string) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

// attacksByName are those by a type, a UUID or a name that would be a path somewhere.
func attacksByName() []Attack {
	typ := func(name, typ, fault string) Attack {
		return raw("type "+name, fault, func() []byte { return like(1, `"Ticket"`, `"`+typ+`"`) })
	}
	record := lie(1).Changes[0].Record.UUID.String()
	key := func(name, key, fault string) Attack {
		return raw("record UUID "+name, fault, func() []byte { return like(1, `"`+record+`"`, `"`+key+`"`) })
	}
	const letters = "use the letters a to z"
	list := []Attack{
		typ("..", "..", letters),
		typ("../../etc", "../../etc", letters),
		typ("/etc", "/etc", letters),
		typ(`C:\`, `C:\\`, letters),
		typ("with NUL", `a\u0000b`, letters),
		typ("with a slash", "a/b", letters),
		typ("with an escape sequence", `a\u001b[2J`, letters),
		typ("of 300 characters", strings.Repeat("t", 300), "at most 100 characters"),
		typ("that is empty", "", "a type must not be empty"),
		typ("that begins with a point", ".git", letters),
		typ("that ends in a point", "Ticket.", `must not end in "."`),
		typ("that is not ASCII", "Tıcket", letters),
		key("..", "..", "is not a UUID"),
		key("../../../../../../tmp/x", "../../../../../../tmp/x", "is not a UUID"),
		key("in braces", "{"+record+"}", "is not a UUID"),
		key("as a URN", "urn:uuid:"+record, "is not a UUID"),
		key("without hyphens", strings.ReplaceAll(record, "-", ""), "is not a UUID"),
		key("with NUL", record[:35]+`\u0000`, "is not a UUID"),
		raw("a record twice, in upper and in lower case", "is there twice", func() []byte {
			return like(1, `"changes":{`, `"changes":{"`+strings.ToUpper(record)+`":{"change_type":"delete","record_type":"Ticket"},`)
		}),
		harmless("types that differ in case alone", "two records of two types; where a file system does not tell them apart, the records of both are listed under either", func(m *Mirror) {
			a, b := lie(1), lie(2)
			b.Changes[0].Record.Type = "tICKET"
			m.add(main, a, b)
		}),
		harmless("names of properties that are paths, or escape sequences", "no file is named after a property, and nothing is shown as it is", func(m *Mirror) {
			c := lie(1)
			for _, name := range []string{"../../x", "/etc/passwd", "\x00", "\x1b]52;c;cm0=\a", "\u202e", "__proto__", strings.Repeat("n", 300)} {
				c.Changes[0].Props[name] = changeset.PropChange{New: changeset.Text(name)}
			}
			m.add(main, c)
		}),
	}
	for _, device := range []string{"con", "NUL.txt", "Com1", "lpt9.x"} {
		list = append(list, typ("of a device, "+device, device, "Windows keeps this name for a device"))
	}
	return list
}
