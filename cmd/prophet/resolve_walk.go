package main

import "context"

func runWalk(_ context.Context, e *env, o resolveOptions) error {
	_, _ = e, o
	return withHint(usagef("what shall hold is missing: nobody can be asked, because this is no terminal"),
		"write ID NAME=VALUE, ID --take and the number of a rival, or --all --take latest")
}
