# "go test ./..." is all one needs; these are the longer ones.

ci: # everything that must hold before a change is taken
	.ci/run

fuzz: # each fuzz test for a minute; SECONDS=600 for more
	.ci/fuzz $(or $(SECONDS),60) 86400

bench: # benchmarks, six runs each; OLD=file compares with the bin/bench.txt of another day
	mkdir -p bin
	go test -run '^$$' -bench . -benchmem -count 6 ./... | tee bin/bench.txt
	go tool -modfile=tools.mod benchstat $(OLD) bin/bench.txt

compare: # prophet beside git and Fossil on the same changesets, with the targets of docs/performance.md; FLAGS="--sizes 100000 --on memory"
	go run ./internal/compare $(FLAGS)

.PHONY: ci fuzz bench compare
