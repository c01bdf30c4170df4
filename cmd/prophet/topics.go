package main

const startPage = `
Make a database, with its first replica, which is a directory. Records have a
type and properties, which are made up as they are needed.

  export EMAIL=ann@example.com
  prophet init bugs
  cd bugs
  prophet create Ticket summary="Printer on fire" status=new
  prophet search Ticket status=new
  prophet show 1
  prophet update 1 status=open

Somebody else takes a copy, from a directory, a stick, or a web server on which
a mirror lies, and works on it offline. Then you get each other's edits:

  prophet clone /net/ann/bugs bugs
  prophet pull
  prophet push

Nothing can be pushed to a web server: see "prophet help mirror". If both have
changed the same property, a pull lists it and ends with exit code 3. Nothing is
lost, and nothing waits: one value holds until somebody decides.

  prophet conflicts
  prophet resolve

A mistake is taken back by another edit. Nothing leaves the log.

  prophet log
  prophet revert LATEST
  prophet delete 1
  prophet search --deleted
  prophet restore 1

More: "prophet help merge", "mirror" and "copies", and docs/tutorial.md, where
the sources of prophet are.
`

const mergePage = `
A pull and a push merge at once, and never ask. What two people changed in
different properties, or one after the other, is no conflict.

If two people wrote different values to one property, and neither had seen the
other's edit, both values are rivals. One of them holds for now, the same one in
every replica, whoever pulled first:

  1. what somebody decided where the same rivals met ("prophet help votes");
  2. what the rule for the property says ("prophet help rules");
  3. else what was written last, by the clock of whoever wrote it.

The conflict is listed by "prophet conflicts" until somebody decides: with
"prophet resolve", or by writing the property with "prophet update". A decision
is an edit like any other and travels. Two people who decide apart have a
conflict again.

A record that one person edited and another one deleted lives until somebody
decides. "prophet history ID --graph" draws who had seen what.

Replicas that have the same changesets show the same: "prophet digest URL"
compares. docs/merge.md, where the sources of prophet are, has the rules in full
and proves that.
`

const votesPage = `
A decision on a conflict is kept twice: as an edit, and as a vote, in the
directory "resolutions" of the replica. The edit settles the conflict wherever
it comes. The vote is for those who meet the same rivals without the edit, such
as users of the original Prophet: the answer with most votes holds there for
now, before any rule, until somebody decides. Each replica has one vote on the
same rivals. Whether a record lives is never voted on.

Votes are made by "prophet resolve" and by every edit that decides something.
They travel by pull, push, clone and publish, which count them apart from the
changesets. "prophet digest" has a digest of them, "prophet dump" lists them
under "resolutions".
`

const mirrorPage = `
A mirror is a copy of a replica as files that any web server can serve. Others
clone it and pull from it; nobody can push to it.

  prophet publish /var/www/bugs
  prophet clone https://www.example.com/bugs

The web server may be on another machine: "prophet help rsync".

"publish" again brings it up to date: it writes what is new and nothing else.
Readers in the middle of that see the state before or the state after it, also
through caches that show them some files as they were and some as they are. What
is older than the last ten publications they do not find together.

Where files of a mirror are missing or damaged, readers are told so. "publish
--check" compares all of them, and writes again what is missing or wrong.

A server or browser that guesses what a file is may take somebody's text for a
web page: let the header "X-Content-Type-Options: nosniff" be sent with all of
a mirror.

To get your edits back from readers, they publish mirrors of their own, and you
pull from there, or they push to a directory that you both reach.

A mirror belongs to the replica that published it and has its UUID. It is not to
be edited, and is no peer of that replica. What another replica publishes goes
to another directory. "prophet export" writes such a copy once, for a stick say.
`

const rsyncPage = `
"publish" also writes mirrors on other machines, with your own rsync, by ssh or
to an rsync that serves there:

  prophet publish www:bugs
  prophet publish ann@www.example.com:/srv/bugs
  prophet publish www.example.com::module/bugs
  prophet publish rsync://www.example.com/module/bugs

The words are rsync's: a path without a slash in front starts from where one
logs in. The directory is made if the one above it exists. What has a colon
before its first slash is such a place; a directory here is written ./a:b. As
publish-url, in the file config, such a place has a name.

A copy of the mirror is kept here, in the directory of the user's cache
(XDG_CACHE_HOME, usually ~/.cache, prophet/publish there). It may be removed;
then the mirror is fetched whole once. Each time small files are fetched first,
to see whether the mirror is as it was left. Then what is new is sent, in three
runs of rsync or a few more, each of what the ones before make safe to read: so
whoever reads in the middle, or after the connection broke, sees the state
before or the state after. The next publish goes on. "publish --check" fetches
what is damaged there, and sends it anew.

The program is rsync on PATH, or what the environment variable RSYNC names;
ssh is what RSYNC_RSH names, as for rsync. ssh asks for a password in each run,
unless there is a key or its configuration has ControlMaster. Both machines need
rsync 3.1 or later.

Nobody but this machine should publish to that place at a time: nothing keeps
two machines apart there.
`

const copiesPage = `
A replica is a directory, and a copy of it, by "cp -r" or from a backup, is the
same replica twice: both have one UUID, under which all their edits are named.

To have a second replica to work on, clone it: "prophet clone bugs laptop". To
make a copy that was made already into one, before it is edited:

  cp -r bugs laptop
  prophet reidentify -r laptop

To back a replica up, copy it, or clone it and pull there. Where a backup was
put back, pull from others before you edit: what was lost comes back, and the
replica gets a new UUID. A copy that was made while somebody wrote there may
have files of different moments: check it with "prophet fsck", and if that finds
something, make it again.

A backup that is copied over a replica, instead of into an empty directory,
leaves there what it lacks. "prophet fsck --repair" takes that up, but not where
the replica was edited before: then fsck names packs that no list names, with
edits that the log does not have. Where nobody else has these, take them up in a
copy of that backup, with all packs that fsck names, and pull them from there:

  cp -r backup other
  cp bugs/prophet/parts/SHA256.pack other/prophet/parts/
  prophet fsck -r other --repair
  prophet pull -r bugs other

If the replica has got a new UUID since the backup, copy bugs/local_metadata
into "other", too, before the repair. After the pull "prophet gc -r bugs"
removes the packs, and "other" can go.

If both copies were edited, one name stands for two edits. A pull between the
two takes them apart, and nothing is lost. Somebody else who has one edit of
each gets an error that names the copies and what to run.
`

const claimsPage = `
Any number of processes can work on one replica at a time. Who writes waits for
whoever writes already; who reads waits for nobody, and sees what was committed.
After a second of waiting a command says for whom it waits, on standard error.

--wait DURATION bounds the waiting, each time, for the replica or mirror that is
written to. If it is over, the exit code is 8 and nothing was done, but for what
a pull, push, clone or import had committed before; run it again to go on. With
--wait 0 a command does not wait at all. A lock ends with its process, however
that ends. A process that is stopped, by Ctrl-Z say, has its lock still.

"update --if" and "delete --if" let several workers share out work. The
condition is checked when nobody else can write, on what is committed, and what
is written is written in the same moment: of all who try, one gets 0, the others
get 7. A worker in a shell:

  prophet search Job status=new --columns id | while read id; do
    if prophet update -q "$id" --if status=new status=taken owner=$$; then
      do_work "$id" && prophet update -q "$id" status=done
    elif [ $? -ne 7 ]; then
      exit 1
    fi
  done

A property in conflict has no value for certain: no condition on it holds. That
holds in one replica. Two people who claim one job in two replicas both get it,
and have a conflict when they meet. So workers that must not do work twice share
one replica.

Several users of one machine can share a replica, and a mirror in a directory,
if they have a group in common, here "team", and let it write what they write.
Whoever makes the replica hands the group on with its directories:

  umask 002
  mkdir bugs && chgrp team bugs && chmod g+s bugs
  prophet init bugs

All of them have "umask 002" from then on where they use it, in ~/.profile say.
With another umask the others are told "permission denied". What is there
already gets the group and the rights from the user who made it, or from root:

  chgrp -R team bugs && chmod -R g+w bugs
  find bugs -type d -exec chmod g+s {} +
`
