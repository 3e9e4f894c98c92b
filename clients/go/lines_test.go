package conveyor

// Lines in memory and on disk: in order, each once, and a writer that waits where there is no room.

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/open-ug/conveyor/clients/go/conveyorv1"
)

func numbered(number int) *conveyorv1.LogLine {
	return &conveyorv1.LogLine{Message: fmt.Sprintf("line %d %s", number, strings.Repeat("x", number%300))}
}

// drain takes and frees batches until there were count lines, and checks each.
func drain(t *testing.T, l *lines, count int) {
	t.Helper()
	next := 0
	for deadline := time.Now().Add(time.Minute); next < count; {
		batch := l.batch(uint64(next), limitsOf(nil))
		for _, line := range batch {
			if line.Message != numbered(next).Message {
				t.Fatalf("line %d reads %q", next, line.Message)
			}
			next++
		}
		if len(batch) == 0 {
			if time.Now().After(deadline) {
				t.Fatalf("line %d does not come", next)
			}
			time.Sleep(time.Millisecond)
		}
		l.free(uint64(next))
	}
}

func TestLinesBeyondMemoryComeBackFromTheFileInOrder(t *testing.T) {
	for _, memory := range []int{1, 4 << 10, 1 << 20} {
		l := newLines(64<<10, memory, 1<<20, func() {})
		const count = 20_000
		go func() {
			for number := 0; number < count; number++ {
				l.push(numbered(number))
			}
			l.seal()
		}()
		drain(t, l, count)
		waitFor(t, "the file is closed", func() bool {
			l.mu.Lock()
			defer l.mu.Unlock()
			return l.sealed && l.spill == nil && !l.refilling
		})
		if l.next() != count {
			t.Errorf("memory of %d: the next line is %d", memory, l.next())
		}
	}
}

func TestLinesBeyondMemoryAreInAFileWithoutAName(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	l := newLines(64<<10, 64<<10, 1<<20, func() {})
	for number := 0; number < 1_000; number++ {
		l.push(numbered(number))
	}
	l.mu.Lock()
	used, spilled := l.kept.cost+l.newest.cost, l.spilled
	l.mu.Unlock()
	if used > 64<<10 || spilled == 0 {
		t.Errorf("%d bytes are in memory, %d lines in the file", used, spilled)
	}
	if files, err := os.ReadDir(os.Getenv("TMPDIR")); err != nil || len(files) != 0 {
		t.Errorf("files with a name: %v (%v)", files, err)
	}
	drain(t, l, 1_000)
	l.discard()
}

func TestWriterWaitsWhenMemoryAndFileAreFull(t *testing.T) {
	for _, spill := range []int64{0, 16 << 10} {
		l := newLines(64<<10, 8<<10, spill, func() {})
		const count = 1_000
		written := make(chan struct{})
		go func() {
			for number := 0; number < count; number++ {
				l.push(numbered(number))
			}
			close(written)
		}()
		full := uint64(0)
		waitFor(t, "the writer waits", func() bool {
			before := full
			full = l.next()
			time.Sleep(20 * time.Millisecond)
			return full > 0 && before == full
		})
		if full >= count {
			t.Fatalf("spill of %d: all lines have room", spill)
		}
		drain(t, l, count)
		<-written
		l.discard()
	}
}

func TestSealAndDiscardLetAWaitingWriterGo(t *testing.T) {
	for name, end := range map[string]func(*lines){
		"seal":    func(l *lines) { l.seal() },
		"discard": (*lines).discard,
	} {
		l := newLines(64<<10, 1, 0, func() {})
		l.push(numbered(0))
		gone := make(chan struct{})
		go func() { l.push(numbered(1)); close(gone) }()
		end(l)
		select {
		case <-gone:
		case <-time.After(time.Minute):
			t.Fatalf("after %s the writer still waits", name)
		}
		if l.next() != map[string]uint64{"seal": 1, "discard": 0}[name] {
			t.Errorf("after %s the next line is %d", name, l.next())
		}
	}
}

func TestFileThatCannotBeReadIsToldInTheLog(t *testing.T) {
	l := newLines(64<<10, 1, 1<<20, func() {})
	l.push(numbered(0))
	l.push(numbered(1))
	l.mu.Lock()
	if !l.canSpill() {
		t.Fatal("there is no file")
	}
	l.toFile()
	_ = l.spill.file.Truncate(0)
	l.mu.Unlock()
	l.free(1)
	waitFor(t, "the line comes back", func() bool { return len(l.batch(1, limitsOf(nil))) == 1 })
	if text := l.batch(1, limitsOf(nil))[0].Message; !strings.Contains(text, "lost") {
		t.Errorf("it reads %q", text)
	}
	l.discard()
}

func waitFor(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within a minute", what)
		}
	}
}
