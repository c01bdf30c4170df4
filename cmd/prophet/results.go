package main

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"prophet/internal/terminal"
)

// results is standard output, buffered. Its errors are outputErrors.
type results struct{ buf *bufio.Writer }

func newResults(w io.Writer) *results { return &results{bufio.NewWriterSize(w, 64<<10)} }

func (r *results) Write(p []byte) (int, error) {
	n, err := r.buf.Write(p)
	return n, asOutputError(err)
}

func (r *results) Flush() error { return asOutputError(r.buf.Flush()) }

func asOutputError(err error) error {
	if err == nil {
		return nil
	}
	return &outputError{err}
}

// printer shows what a command has to say, in the way that the user's flags ask for.
type printer struct {
	e *env
	globals
}

func (e *env) printer(g globals) *printer { return &printer{e, g} }

// linef prints one line of results. Texts among the arguments are made safe.
func (p *printer) linef(format string, args ...any) error {
	_, err := fmt.Fprintln(p.e.Stdout, safef(format, args...))
	return err
}

// donef prints a line of results that only confirms what was done. With --quiet the exit code says that.
func (p *printer) donef(format string, args ...any) error {
	if p.quiet {
		return nil
	}
	return p.linef(format, args...)
}

// donefoldf is donef, with the line folded to the width of a terminal. Of more than a few lines the rest is only counted.
func (p *printer) donefoldf(format string, args ...any) error {
	if p.quiet {
		return nil
	}
	lines := p.fold([]string{safef(format, args...)}, 0, fewLines)
	_, err := fmt.Fprintln(p.e.Stdout, strings.Join(lines, "\n"))
	return err
}

// writeJSON prints v as one line of canonical JSON.
func (p *printer) writeJSON(v any) error {
	line, err := appendJSON(nil, v)
	if err != nil {
		return err
	}
	_, err = p.e.exact().Write(append(line, '\n'))
	return err
}

// exact is standard output for JSON, which holds values as they are. On a terminal, what that would obey is written as an escape, which means the same.
func (e *env) exact() io.Writer {
	if e.Terminal {
		return terminal.Guard(e.Stdout)
	}
	return e.Stdout
}

// table returns a table on standard output. Flush it at the end.
func (p *printer) table(header ...string) *terminal.Table {
	return terminal.NewTable(p.e.Stdout, p.e.OutWidth, header...)
}

// notef says something beside the results, unless the user wants it quiet. Commands in it can be run where the user is.
func (p *printer) notef(format string, args ...any) {
	if !p.quiet {
		p.beside("prophet: " + p.e.here(safef(format, args...)))
	}
}

// warnf says what the user should know even when all went well.
func (p *printer) warnf(format string, args ...any) {
	p.beside("prophet: warning: " + p.e.here(safef(format, args...)))
}

// beside prints a line to standard error, after the results so far.
func (p *printer) beside(line string) {
	p.flush()
	p.e.say(line)
}

// say prints lines that are safe to show to standard error, on a terminal divided between words, but for those that are commands, which are to be copied.
func (e *env) say(text string) {
	const command = "    "
	for _, line := range strings.Split(text, "\n") {
		if e.ErrWidth > 0 && !strings.HasPrefix(line, command) {
			line = strings.Join(terminal.Fold(line, e.ErrWidth), "\n")
		}
		fmt.Fprintln(e.Stderr, line)
	}
}

// flush shows the results so far.
func (p *printer) flush() {
	if r, ok := p.e.Stdout.(*results); ok {
		_ = r.Flush() // the buffer keeps the error; it is reported at the end
	}
}

// progress shows how far long work is, on a terminal. It is nil, and shows nothing, in a pipe, with --quiet and with --json.
func (p *printer) progress(what string, bytes bool) *terminal.Progress {
	if p.e.ErrWidth == 0 || p.quiet || p.json {
		return nil
	}
	return terminal.StartProgress(p.e.Stderr, p.e.ErrWidth, what, bytes)
}

// safef formats as fmt.Sprintf does, with all texts among the arguments made safe to show.
func safef(format string, args ...any) string {
	shown := make([]any, len(args))
	for i, a := range args {
		switch a := a.(type) {
		case string:
			shown[i] = terminal.Safe(a)
		case error:
			shown[i] = terminal.Safe(a.Error())
		case fmt.Stringer:
			shown[i] = terminal.Safe(a.String())
		default:
			shown[i] = a
		}
	}
	return fmt.Sprintf(format, shown...)
}
