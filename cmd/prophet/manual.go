package main

import (
	"fmt"
	"strings"
)

// The groups of commands, in the order of the overview.
const (
	aboutReplica   = "A replica"
	aboutRecords   = "Records"
	aboutConflicts = "Conflicts"
	aboutExchange  = "Exchange with others"
	aboutProphet   = "About prophet"
)

var categories = []string{aboutReplica, aboutRecords, aboutConflicts, aboutExchange, aboutProphet}

const introduction = `
prophet keeps a database in a directory that travels. Everybody who works on it
has a whole copy, a replica, and edits it offline. Replicas exchange changesets
in any order and over any path, and end up equal. When two people changed the
same property, both values are kept until somebody decides. "prophet help start"
shows the first steps.

Usage: prophet COMMAND [FLAG | ARGUMENT] ...
`

// exitCodesFooter ends the page of every command.
const exitCodesFooter = `Exit codes: 0 done, 1 failed, 2 wrong usage, 3 done and conflicts were opened,
4 no such record, 5 no replica, 6 another database, 7 --if does not hold,
8 others write. "prophet help exit-codes" has more. Results go to standard
output, all else to standard error.
`

// topic is a page of the manual that is not about one command.
type topic struct{ name, usage, text string }

func topics() []topic {
	return []topic{
		{"start", "the first steps", startPage},
		{"merge", "what becomes of edits that clash, and who decides", mergePage},
		{"votes", "decisions for others who meet the same conflict", votesPage},
		{"mirror", "replicas on a web server", mirrorPage},
		{"rsync", "mirrors on other machines", rsyncPage},
		{"claims", "several processes at one replica, and who gets what", claimsPage},
		{"copies", "backups, copies by cp -r, and two replicas with one UUID", copiesPage},
		{"exit-codes", "what the exit code of a command says", exitCodesPage()},
		{"replica", "how the replica to work on is found", replicaPage},
		{"config", "names of other replicas, who makes an edit, which editor", configPage},
		{"properties", "how properties are written and removed", propertiesPage},
		{"tests", "how records are searched for", testsPage},
		{"output", "what is printed where, and in what form", outputPage},
	}
}

func exitCodesPage() string {
	var b strings.Builder
	b.WriteString("The exit codes of every command:\n\n")
	for code, meaning := range exitCodes {
		fmt.Fprintf(&b, "  %d  %s\n", code, meaning)
	}
	b.WriteString(`
A command that fails prints a line that begins with "prophet: error:" to
standard error, and perhaps what to do: a line that begins with "prophet: hint:"
and may go on in lines that are indented. pull and push with --all print that
for each replica that fails, go on with the next, and say in a last error line
how many failed. Their exit code is that of the first that failed, even if
conflicts were opened, which are listed all the same. A command whose output
goes to a pipe that is closed early ends silently, with 0.

Code 5 says that there is no replica to work on: the directory that --replica or
PROPHET_REPO names is none, or, where none is named, the working directory and
those above it are none. It is also given where the other replica, for pull,
push, clone, digest or reidentify, is named by a directory or a web server that
has neither a replica nor a mirror there. If that directory does not exist, or
the server cannot be reached, the code is 1.

Code 3 is not given for conflicts that "prophet rules" settles. They are listed
and counted apart, as in "1 conflict opened, 2 conflicts settled by rules".

Code 8 of "prophet fsck" says that somebody published to the mirror each time
that it was checked: whether it is damaged is not known, and --wait is no help.

A dry run (pull, push or import with --dry-run) opens no conflicts: it ends with
0 whatever it says that it would open. So does a clone: the conflicts that it
lists were there before.

Resolve ends with 3 if it was to decide all conflicts, with --all or by asking,
and some are left; with --property, if some about those properties are. Told
what shall hold of one record, it decides that and ends with 0, whatever else is
in conflict about the record.

Ctrl-C ends a command in an orderly way: what was reported done stays done, the
rest is as before, and the next run goes on from there. The exit code is 1. A
second Ctrl-C ends it at once, for which shells give 130; that too loses nothing
that was reported done.
`)
	return b.String()
}

const replicaPage = `
The replica that a command works on is, in this order:

  1. the directory that --replica (-r) names;
  2. the directory that the environment variable PROPHET_REPO names;
  3. the working directory, or the nearest directory above it that is a replica.

A replica is a directory with a file replica-version. The directory
"resolutions" inside a replica has one too, but is not a replica to work on.

A command that makes a replica takes its directory as an argument or by
--replica; two different ones are wrong usage.

"prophet help config" is about the file config in a replica.
`

const configPage = `
The file config in a replica is the user's own and never travels. No other file
is read. It has the syntax of git's, and every line of it may be missing:

  [user]
      email-address = ann@example.com
  [replica "office"]
      url = http://bugs.example.com/
      pull-url = http://bugs.example.com/
      push-url = /net/office/bugs
      publish-url = /net/www/bugs
      uuid = 10b1e589-83c2-4e27-917c-42dae1b8cf11

Commands take the name of a replica, "office", for its URL. pull uses pull-url,
else url; push uses push-url, else url; publish uses publish-url, which may be a
place as in "prophet help rsync". Paths start from the directory of the replica.
uuid is only shown, by info. A URL with a password belongs here: one from the
command line is not remembered. Nothing here names a program to be run.

The creator of an edit is user.email-address, else the environment variable
PROPHET_EMAIL, else EMAIL, else the user's name at this machine: USER, LOGNAME
or USERNAME, else "unknown", then "@" and the name of the machine.

The editor is the one that the environment variable VISUAL names, else EDITOR,
else vi.
`

const propertiesPage = `
A property is written NAME=VALUE. The first "=" ends the name; the value is
taken as it is, with all that follows. NAME= removes the property: an empty
value and none are the same.

  prophet create Ticket status=new summary="It crashes = bad"
  prophet update 12 owner=
  prophet update 12 --file body=notes.txt --file log=-

--file NAME=PATH reads the value from a file, byte for byte, with the line break
at its end if it has one; "-" is standard input, for one property at most.

Flags may stand before and after arguments. After "--" every word is a property,
so that one whose name begins with "-" can be written.

A name has 1 to 255 bytes without control characters. A value has at most 4 MiB.
Both are UTF-8; a value has no NUL character.
`

const testsPage = `
A search takes an optional type and any number of tests, all of which must hold:

  prophet search Ticket status=open priority ge 3 and summary=~'(?i)crash'

A test is one word, NAME OPERATOR VALUE without space, or three words. The word
"and" may stand between two tests. The operators, and their names, which need no
quotes in a shell:

  =   eq       equal                  <   lt   less
  !=  ne       not equal              <=  le   less or equal
  =~  match    the regexp matches     >   gt   greater
  !~  nomatch  it does not            >=  ge   greater or equal

The first word is the type if it holds no operator's symbol and the second word
is not an operator. A value that begins with =, < or > is written as a word of
its own.

Two values that are both decimal numbers, such as 10, -2 and 3.50, compare as
numbers, exactly; all others by their bytes. So "version=1.1" finds 1.10 too;
version=~'^1\.1$' does not. A property that a record lacks is empty: "owner="
finds records without an owner. It is neither less nor greater than anything.

Regexps are those of the Go language; they match anywhere in the value.

When a list is sorted by a property, numbers come first, by size, then texts, by
their bytes, then records that lack it.
`

const outputPage = `
Results go to standard output; errors, notes and progress go to standard error.

On a terminal, lists are tables that fit its width: long values are cut.
Elsewhere values are whole, columns are separated by tabs, and there is no
header. In both, characters that a terminal would obey or that cannot be seen
are shown as \n, \t, \x1b or \u202e.

--json prints what there is, exactly: a document on one line, or one object a
line for lists, and nothing for an empty list. Keys are sorted. Fields are added
in later versions, never renamed. dump prints one document over many lines.

Nullifications and resolutions are bookkeeping: changesets that belong to one
replica and no pull brings. pull, push, clone and import count what came,
without them. publish writes them too, and counts them as rows of bookkeeping.
fsck and info count all rows of the log as changesets, and export says rows.

--quiet leaves out notes, progress, and lines that only confirm what was done.
Progress is shown on a terminal only. Where the environment variable TERM is
"dumb", lists are as in a pipe, and there are no colours and no progress;
resolve asks all the same. Colours, which only resolve uses, can be turned off
with NO_COLOR=1.

Times are UTC, as the changesets have them.
`
