# "go test ./..." is all one needs; these are the longer ones.

ci: # everything that must hold before a change is taken
	.ci/run

fuzz: # each fuzz test for a minute; SECONDS=600 for more
	.ci/fuzz $(or $(SECONDS),60) 86400

bench: # benchmarks, six runs each; OLD=file compares with the bin/bench.txt of another day
	mkdir -p bin
	go test -run '^$$' -bench . -benchmem -count 6 ./... | tee bin/bench.txt
	go tool -modfile=tools.mod benchstat $(OLD) bin/bench.txt

.PHONY: ci fuzz bench
