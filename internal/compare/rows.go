package main

import "context"

// row is a line of the table of work.
type row struct {
	name    string
	measure func(ctx context.Context, s *scene) (outcome, error)
}

// rows are in the order in which they are measured: those that add to what others have come after them.
var rows = []row{
	{"import", importRow},
	{"disk", diskRow},
	{"clone", cloneRow},
	{"tracker", trackerRow},
	{"v1", v1CloneRow},
	{"nothing", nothingRow},
	{"ten", tenRow},
	{"create", createRow},
	{"version", versionRow},
	{"search", searchRow},
	{"history", historyRow},
	{"conflicts", conflictsRow},
	{"fsck", fsckRow},
}
