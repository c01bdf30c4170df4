package terminal

import (
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// screen is a terminal that tests may read while it is written.
type screen struct {
	mu   sync.Mutex
	text strings.Builder
}

func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func TestProgressShowsRateAndEstimateAndThenGoesAway(t *testing.T) {
	synctest.Test(t, showsRateAndEstimate)
}

func showsRateAndEstimate(t *testing.T) {
	var s screen
	p := StartProgress(&s, 80, "import\x1bing", false)
	for done := int64(100); !strings.Contains(s.String(), " left"); done += 100 {
		if done > 2000 {
			t.Fatalf("no estimate after %d steps: %q", done/100, s.String())
		}
		p.Set(done, 10000)
		time.Sleep(100 * time.Millisecond)
	}
	if got := s.String(); !strings.Contains(got, `import\x1bing`) || !strings.Contains(got, "/s ") || !strings.Contains(got, "/ 10000 [=") {
		t.Errorf("got %q", got)
	}
	p.Done()
	if got := s.String(); !strings.HasSuffix(got, "\r"+strings.Repeat(" ", 79)+"\r") {
		t.Errorf("the line stays: %q", got)
	}
}

func TestProgressOfShortWorkShowsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s screen
		p := StartProgress(&s, 80, "fetching", true)
		p.Set(1<<20, 0)
		time.Sleep(progressRefresh - 1)
		p.Done()
		if got := strings.Trim(s.String(), "\r "); got != "" {
			t.Errorf("got %q", got)
		}
	})
}

func TestProgressMayBeNil(t *testing.T) {
	var p *Progress
	p.Set(1, 2)
	p.Done()
}
