package main

// synonyms are what other programs call things, with what to do here instead.
var synonyms = map[string]string{
	"add":      `"prophet create TYPE NAME=VALUE" makes a record`,
	"new":      `"prophet create TYPE NAME=VALUE" makes a record`,
	"edit":     `"prophet update ID NAME=VALUE" changes a record, "prophet update ID --edit" in your editor`,
	"set":      `"prophet update ID NAME=VALUE" changes a record`,
	"rm":       `"prophet delete ID" deletes a record`,
	"remove":   `"prophet delete ID" deletes a record`,
	"undelete": `"prophet restore ID" brings a deleted record back, "prophet search --deleted" lists them`,
	"undo":     `"prophet revert CHANGESET" undoes a changeset, "prophet log" lists them`,
	"find":     `"prophet search" lists records`,
	"grep":     `"prophet search --match REGEX" looks in all values`,
	"trash":    `"prophet search --deleted" lists deleted records, "prophet restore ID" brings one back`,
	"get":      `"prophet show ID" shows a record`,
	"merge":    `"prophet pull" merges, "prophet resolve" decides what is in conflict then`,
	"status":   `"prophet info" says what this replica is, "prophet conflicts" what is to be decided`,
	"diff":     `"prophet digest URL" compares two replicas, "prophet history ID --graph" shows what was done to a record`,
	"sync":     `"prophet pull" brings what others have, "prophet push" brings them what is here`,
	"fetch":    `"prophet pull" brings what others have`,
	"backup":   `"prophet clone URL DIR" makes a second replica, and "prophet pull" there brings it up to date`,
}
