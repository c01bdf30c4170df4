//go:build unix

package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/afero"
)

// TestAPipeThatNobodyWritesToIsInterrupted: a value, or what is imported, is to be read from a named pipe, which nobody opens to write, or opens and writes nothing. An interrupt ends the command all the same.
func TestAPipeThatNobodyWritesToIsInterrupted(t *testing.T) {
	for _, writer := range []bool{false, true} {
		for _, args := range [][]string{{"create", "Ticket", "--file", "body=pipe"}, {"update", "1", "--file", "body=pipe"}, {"import", "pipe"}} {
			w := newWorld()
			w.Dir, w.Fs = t.TempDir(), afero.NewOsFs()
			for _, made := range [][]string{{"init"}, {"create", "Ticket", "summary=new"}} {
				if code := run(t.Context(), w.env, made); code != 0 {
					t.Fatalf("%v: exit code %d: %s", made, code, w.err)
				}
			}
			pipe := filepath.Join(w.Dir, "pipe")
			if err := syscall.Mkfifo(pipe, 0o600); err != nil {
				t.Fatal(err)
			}
			if writer {
				f, err := os.OpenFile(pipe, os.O_RDWR, 0)
				if err != nil {
					t.Fatal(err)
				}
				defer f.Close()
			}
			ctx, cancel := context.WithCancelCause(t.Context())
			time.AfterFunc(10*time.Millisecond, func() { cancel(errInterrupted) })
			w.err.Reset()
			if code := run(ctx, w.env, args); code != exitFailed || !strings.Contains(w.err.String(), "error: "+args[0]+": interrupted\n") {
				t.Errorf("%v, somebody has it open: %t: exit code %d: %s", args, writer, code, w.err)
			}
		}
	}
}
