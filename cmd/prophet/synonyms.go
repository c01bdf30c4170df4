package main

// synonyms are what other programs call things, with what to do here instead.
var synonyms = map[string]string{
	"add":      `"prophet create" makes a record`,
	"new":      `"prophet create" makes a record`,
	"edit":     `"prophet update" changes a record, "prophet update --edit" in your editor`,
	"set":      `"prophet update" changes a record`,
	"rm":       `"prophet delete" deletes a record`,
	"remove":   `"prophet delete" deletes a record`,
	"undelete": `"prophet restore ID" brings a deleted record back, "prophet search --deleted" lists them`,
	"undo":     `"prophet revert" undoes a changeset`,
	"find":     `"prophet search" lists records`,
	"grep":     `"prophet search --match REGEX" looks in all values`,
	"trash":    `"prophet search --deleted" lists deleted records, "prophet restore ID" brings one back`,
	"get":      `"prophet show" shows a record`,
	"merge":    `"prophet pull" merges, "prophet resolve" decides what is in conflict then`,
	"status":   `"prophet info" says what this replica is, "prophet conflicts" what is to be decided`,
	"diff":     `"prophet digest URL" compares two replicas, "prophet history ID --graph" shows what was done to a record`,
	"sync":     `"prophet pull" brings what others have, "prophet push" brings them what is here`,
	"fetch":    `"prophet pull" brings what others have`,
	"backup":   `"prophet clone" makes a second replica, and "prophet pull" there brings it up to date`,
}
