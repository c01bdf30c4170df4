package terminal

import (
	"io"
	"time"

	"github.com/cheggaaa/pb/v3"
)

// Progress is a line that says how far long work is, how fast it goes and how long it will take. Its
// first line comes after half a second, so short work shows none. A nil Progress shows nothing.
type Progress struct{ bar *pb.ProgressBar }

const (
	progressRefresh = 500 * time.Millisecond
	progressLine    = `{{string . "what"}} {{counters . }}` +
		`{{if .Total}} {{bar . "[" "=" ">" " " "]"}} {{percent . "%.0f%%"}}{{end}}` +
		` {{speed . "%s/s" " "}}{{if .Total}} {{rtime . "%s left" "" " "}}{{end}}`
)

// StartProgress shows progress on w, a terminal of that width, until [Progress.Done]. What says in a word or two
// what is being done. If bytes is set, the numbers are shown as sizes.
func StartProgress(w io.Writer, width int, what string, bytes bool) *Progress {
	bar := pb.New64(0).SetTemplateString(progressLine).SetRefreshRate(progressRefresh).SetWidth(width - 1)
	bar.Set("what", Safe(what)).Set(pb.Terminal, true).Set(pb.Color, false).Set(pb.CleanOnFinish, true).Set(pb.Bytes, bytes)
	return &Progress{bar.SetWriter(w).Start()}
}

// Set says that done of total is done; total 0 means that nobody knows.
func (p *Progress) Set(done, total int64) {
	if p != nil {
		p.bar.SetTotal(total).SetCurrent(done)
	}
}

// Done removes the line. Nothing is written to the terminal afterwards.
func (p *Progress) Done() {
	if p != nil {
		p.bar.Finish()
	}
}
