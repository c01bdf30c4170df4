package main

import (
	"fmt"

	"github.com/google/uuid"

	psync "prophet/sync"
)

// movedDoc is the JSON of changesets that were moved because two replicas had one UUID, or of a replica that got a new one.
type movedDoc struct {
	Changesets int       `json:"changesets"` // 0 if only the replica got a new UUID
	From       uuid.UUID `json:"from"`
	Log        string    `json:"log"` // "changesets" or "resolutions"
	To         uuid.UUID `json:"to"`
}

func movedDocs(moved []psync.Moved) []movedDoc {
	var docs []movedDoc
	for _, m := range moved {
		log := "changesets"
		if m.Votes {
			log = "resolutions"
		}
		docs = append(docs, movedDoc{m.Changesets, m.From, log, m.To})
	}
	return docs
}

// movedTexts says what a dry run would move. New UUIDs that are random are not known before.
func movedTexts(moved []movedDoc) (parts []string) {
	for _, m := range moved {
		if m.Changesets > 0 {
			parts = append(parts, fmt.Sprintf("%s of %s would be moved to %s", counted(m.Changesets, noun(m.Log)), m.From, m.To))
			continue
		}
		parts = append(parts, fmt.Sprintf("the log of %ss of replica %s would get a new UUID", noun(m.Log), m.From))
	}
	return parts
}
