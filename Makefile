# "go test ./..." is all one needs; these are the longer ones.

ci: # everything that must hold before a change is taken
	.ci/run

fuzz: # each fuzz test for a minute; SECONDS=600 for more
	.ci/fuzz $(or $(SECONDS),60) 86400

long: # the tests of reliability with all cases, hours of them; each package's doc says what its flags mean
	go test ./internal/accidents -run Table -seeds 30 -all -v -timeout 6h
	go test ./internal/damage -all -several 1000 -v -timeout 12h
	go test ./sync -all -histories 1000 -sets 250 -copies 250 -losses 400 -v -timeout 3h
	go test ./replica ./resolution -all -v -timeout 2h
	go test ./internal/crowd -torn -1 -crowd 1m -v -timeout 2h
	go test ./cmd/prophet -run 'Stories|AClone|AKilled|Hostile|ManyProcesses' -all -kills 500 -hostile -crowd 1m -v -timeout 3h

bench: # benchmarks, six runs each; OLD=file compares with the bin/bench.txt of another day
	mkdir -p bin
	go test -run '^$$' -bench . -benchmem -count 6 ./... | tee bin/bench.txt
	go tool -modfile=tools.mod benchstat $(OLD) bin/bench.txt

compare: # prophet beside git and Fossil on the same changesets, with the targets of docs/performance.md; FLAGS="--sizes 100000 --on memory"
	go run ./internal/compare $(FLAGS)

.PHONY: ci fuzz long bench compare
