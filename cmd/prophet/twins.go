package main

import (
	"prophet/replica"
	psync "prophet/sync"
)

// warnOfForce says what --force does where two replicas are of different databases.
func (x *exchange) warnOfForce(to, from *replica.Replica) {
	if !x.force || to.Database() == from.Database() {
		return
	}
	are := "are"
	if x.dryRun {
		are = "would be"
	}
	x.p.warnf("%s is of another database, %s: all its records, edits, votes and rules %s mixed into %s, which stays database %s, and nothing takes them out again",
		from.Where(), from.Database(), are, to.Where(), to.Database())
}

// noteTwin says that a replica elsewhere has the UUID of the one here still, after a pull or push that moved nothing: one is a copy or a backup of the other, and only one
// of them was edited since. A published or exported copy has it by rights, and so has what a web server shows.
func (x *exchange) noteTwin(ours, theirs *replica.Replica, location string, rep *psync.Report) {
	if theirs.UUID() != ours.UUID() || theirs.Latest() == 0 || len(rep.Moved) > 0 || psync.ReadOnly(location) || theirs.CheckEditable() != nil {
		return
	}
	dir := asReplica(location)
	x.p.notef(`%s has the UUID of this replica: one is a copy of the other. If it is a backup, all is well, as long as nobody edits it; to edit both, give one a UUID of its own first: "prophet reidentify -r %[1]s"`, dir)
}
