package sync

// ParseLine is parseLine, for the fuzz test.
var ParseLine = parseLine
