package main

import (
	"prophet/replica"
	psync "prophet/sync"
)

// noteTwin says that a replica elsewhere has the UUID of the one here still, after a pull or push that moved nothing: one is a copy or a backup of the other, and only one
// of them was edited since. A published or exported copy has it by rights, and so has what a web server shows.
func (x *exchange) noteTwin(ours, theirs *replica.Replica, location string, rep *psync.Report) {
	if theirs.UUID() != ours.UUID() || theirs.Latest() == 0 || len(rep.Moved) > 0 || psync.ReadOnly(location) || theirs.CheckEditable() != nil || ours.CheckEditable() != nil {
		return
	}
	dir := asReplica(location)
	x.p.notef(`%s has the UUID of this replica: one is a copy of the other. If it is a backup, all is well, as long as nobody edits it; to edit both, give one a UUID of its own first: "prophet reidentify -r %s"`, dir, shellWord(dir))
}
