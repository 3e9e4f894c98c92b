package conveyor

// The log lines of one task, kept until they are on the server's disk.
//
// The work writes in its goroutines, the stream reads in its own. A line's number is its place in the
// task, from 0, and never changes. The oldest lines are in memory, those for which it has no room in a
// file, from where they come back in order. When the file is full too, who writes waits.

import (
	"fmt"
	"sync"

	"google.golang.org/protobuf/proto"

	"github.com/open-ug/conveyor/clients/go/conveyorv1"
)

const (
	// What a kept line costs besides its content.
	lineOverhead = 128
	// How much is read back from the file at once, at least and at most.
	leastRefill, mostRefill = 4 << 10, 256 << 10
)

// entry is a line and its encoded size.
type entry struct {
	line  *conveyorv1.LogLine
	bytes int
}

// lines are the kept lines of one task.
type lines struct {
	lineBytes int
	memory    int
	spillSize int64
	// Tells the session that there is something to send.
	changed func()

	// Whoever writes has the turn, also while it waits for room, so that lines keep their order.
	turn sync.Mutex

	mu sync.Mutex
	// Fires when room was made, and when no more lines are taken.
	room sync.Cond
	// The number of the first kept line: all before it are on the server's disk.
	first uint64
	kept  []entry
	used  int
	// Lines in the file, which follow those in memory.
	spilled   uint64
	spill     *spill
	refilling bool
	// No more lines are taken; and those that were are not wanted.
	sealed, discarded bool
}

func newLines(lineBytes, memory int, spillSize int64, changed func()) *lines {
	l := &lines{lineBytes: lineBytes, memory: memory, spillSize: spillSize, changed: changed}
	l.room.L = &l.mu
	return l
}

// push adds a line when there is room for it. A sealed log drops it.
func (l *lines) push(line *conveyorv1.LogLine) {
	l.turn.Lock()
	defer l.turn.Unlock()
	added := entry{line: line, bytes: proto.Size(line)}
	l.mu.Lock()
	defer l.mu.Unlock()
	for !l.sealed {
		if l.spilled == 0 && (len(l.kept) == 0 || l.used+added.cost() <= l.memory) {
			l.keep(added)
			l.changed()
			return
		}
		if l.canSpill(added) && l.toFile(added) {
			return
		}
		l.room.Wait()
	}
}

func (l *lines) keep(added entry) {
	l.kept = append(l.kept, added)
	l.used += added.cost()
}

// canSpill says whether the file has room, and makes the file the first time.
func (l *lines) canSpill(added entry) bool {
	if l.spill == nil && l.spillSize > 0 {
		spill, err := newSpill(l.spillSize)
		if err != nil {
			// Where there can be no file, who writes waits for memory.
			l.spillSize = 0
			return false
		}
		l.spill = spill
	}
	return l.spillSize > 0 && l.spill.hasRoom(added.bytes)
}

// toFile writes a line to the file, without the lock meanwhile.
func (l *lines) toFile(added entry) bool {
	spill, tail := l.spill, l.spill.tail
	l.mu.Unlock()
	size, err := spill.write(added.line, tail)
	l.mu.Lock()
	if err != nil {
		// The disk may be full. What is in the file already still comes back.
		l.spillSize = 0
		return false
	}
	if l.sealed {
		return false
	}
	spill.tail += size
	l.spilled++
	if !l.refilling {
		l.refilling = true
		go l.refill()
	}
	return true
}

// refill brings lines back from the file as memory becomes free, until the file is empty.
func (l *lines) refill() {
	l.mu.Lock()
	defer l.mu.Unlock()
	buffer := make([]byte, within(l.memory/2, leastRefill, mostRefill))
	for l.spilled > 0 && !l.discarded {
		if len(l.kept) > 0 && l.used+len(buffer) > l.memory {
			l.room.Wait()
			continue
		}
		spill, head, tail := l.spill, l.spill.head, l.spill.tail
		l.mu.Unlock()
		back, taken, err := spill.read(head, tail, buffer)
		l.mu.Lock()
		if l.discarded {
			break
		}
		if err != nil {
			back, taken = l.lost(err), spill.tail-head
		}
		spill.head += taken
		l.spilled -= uint64(len(back))
		for _, line := range back {
			l.keep(line)
		}
		l.room.Broadcast()
		l.changed()
	}
	l.refilling = false
	l.closeIfDone()
}

// lost stands for lines that cannot be read back: their numbers are given out, and who reads the log
// shall see that something is missing.
func (l *lines) lost(err error) []entry {
	line := &conveyorv1.LogLine{
		Stream:  ownStream,
		Message: fmt.Sprintf("a line is lost, since the file that kept it cannot be read: %v", err),
	}
	all := make([]entry, l.spilled)
	for i := range all {
		all[i] = entry{line: line, bytes: proto.Size(line)}
	}
	return all
}

// next is the number that the next new line gets.
func (l *lines) next() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.count()
}

func (l *lines) count() uint64 { return l.first + uint64(len(l.kept)) + l.spilled }

// oldest is the number of the first line that is not known to be on the server's disk.
func (l *lines) oldest() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.first
}

// free forgets the lines before next: they are on the server's disk.
func (l *lines) free(next uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.kept) > 0 && l.first < next {
		l.used -= l.kept[0].cost()
		l.kept[0] = entry{}
		l.kept = l.kept[1:]
		l.first++
	}
	l.room.Broadcast()
}

// seal takes no more lines, and says how many there were.
func (l *lines) seal() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sealed = true
	l.room.Broadcast()
	l.closeIfDone()
	return l.count()
}

// discard takes no more lines and forgets those it has: nobody wants them.
func (l *lines) discard() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sealed, l.discarded = true, true
	l.kept, l.used = nil, 0
	l.room.Broadcast()
	l.closeIfDone()
}

// closeIfDone closes the file when nobody will read or write it again.
func (l *lines) closeIfDone() {
	done := l.discarded || (l.sealed && l.spilled == 0)
	if done && !l.refilling && l.spill != nil {
		l.spill.close()
		l.spill = nil
		l.spillSize = 0
	}
}

// batch is the lines from a number on, as many as fit into one batch; at least one if there is one.
func (l *lines) batch(from uint64, limits limits) []*conveyorv1.LogLine {
	l.mu.Lock()
	defer l.mu.Unlock()
	if from < l.first || from >= l.first+uint64(len(l.kept)) {
		return nil
	}
	left := l.kept[from-l.first:]
	count, bytes := 0, 0
	for count < len(left) && count < limits.batchLines {
		bytes += left[count].framed()
		if count > 0 && bytes > limits.batchBytes {
			break
		}
		count++
	}
	batch := make([]*conveyorv1.LogLine, count)
	for i := range batch {
		batch[i] = left[i].line
	}
	return batch
}

// cost is what the line takes of the room in memory.
func (e entry) cost() int { return e.bytes + lineOverhead }

// framed is its size in a message, with its tag and length.
func (e entry) framed() int { return e.bytes + 6 }

func within(value, least, most int) int {
	if value < least {
		return least
	}
	if value > most {
		return most
	}
	return value
}
