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
	// How much goes to the file, and comes back, at once: at least and at most.
	leastBlock, mostBlock = 4 << 10, 256 << 10
)

// lines are the kept lines of one task: the oldest in memory, then those in the file, then the newest in
// memory until they are a block for the file.
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
	first   uint64
	kept    queue
	spilled uint64
	newest  queue
	// The file, once there is one, whether it is written to, and whether refill runs.
	spill     *spill
	writing   bool
	refilling bool
	// No more lines are taken; and those that were are not wanted.
	sealed, discarded bool
}

func newLines(lineBytes, memory int, spillSize int64, changed func()) *lines {
	l := &lines{lineBytes: lineBytes, memory: memory, spillSize: spillSize, changed: changed}
	l.room.L = &l.mu
	return l
}

// block is how much goes to the file, and comes back, at once.
func (l *lines) block() int { return within(l.memory/8, leastBlock, mostBlock) }

// push adds a line when there is room for it. A sealed log drops it.
func (l *lines) push(line *conveyorv1.LogLine) {
	l.turn.Lock()
	defer l.turn.Unlock()
	added := entry{line: line, bytes: proto.Size(line)}
	l.mu.Lock()
	defer l.mu.Unlock()
	for !l.sealed {
		switch {
		case l.spilled == 0 && l.newest.isEmpty() && l.kept.takes(added, l.memory-l.block()):
			l.kept.add(added)
			l.changed()
			return
		case l.spillSize > 0 && l.newest.takes(added, l.block()):
			l.newest.add(added)
			if !l.refilling {
				l.refilling = true
				go l.refill()
			}
			return
		case l.canSpill():
			l.toFile()
		default:
			l.room.Wait()
		}
	}
}

// canSpill says whether the file has room for a block. It makes the file the first time.
func (l *lines) canSpill() bool {
	if l.spill == nil && l.spillSize > 0 {
		spill, err := newSpill(l.spillSize)
		if err != nil {
			// Where there can be no file, who writes waits for memory.
			l.spillSize = 0
			return false
		}
		l.spill = spill
	}
	return l.spillSize > 0 && l.spill.hasRoom(l.newest.entries)
}

// toFile writes the newest lines to the file, without the lock meanwhile.
func (l *lines) toFile() {
	spill, block, tail := l.spill, l.newest.entries, l.spill.tail
	l.writing = true
	l.mu.Unlock()
	size, err := spill.write(block, tail)
	l.mu.Lock()
	l.writing = false
	switch {
	case l.discarded:
	case err != nil:
		// The disk may be full. What is in the file already still comes back.
		l.spillSize = 0
	default:
		spill.tail += size
		l.spilled += uint64(len(block))
		l.newest = queue{}
	}
	l.room.Broadcast()
}

// refill brings lines back as memory becomes free, until all that are left are in memory.
func (l *lines) refill() {
	l.mu.Lock()
	defer l.mu.Unlock()
	buffer := make([]byte, l.block())
	for !l.discarded && (l.spilled > 0 || !l.newest.isEmpty()) {
		full := !l.kept.isEmpty() && l.kept.cost+2*len(buffer) > l.memory
		if full || (l.spilled == 0 && l.writing) {
			l.room.Wait()
			continue
		}
		if l.spilled > 0 {
			l.fromFile(buffer)
		} else {
			l.kept.add(l.newest.entries...)
			l.newest = queue{}
		}
		l.room.Broadcast()
		l.changed()
	}
	l.refilling = false
	l.closeIfDone()
}

// fromFile reads the oldest lines of the file, without the lock meanwhile.
func (l *lines) fromFile(buffer []byte) {
	spill, head, tail := l.spill, l.spill.head, l.spill.tail
	l.mu.Unlock()
	back, taken, err := spill.read(head, tail, buffer)
	l.mu.Lock()
	if l.discarded {
		return
	}
	if err != nil {
		back, taken = l.lost(err), spill.tail-head
	}
	spill.head += taken
	l.spilled -= uint64(len(back))
	l.kept.add(back...)
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

func (l *lines) count() uint64 {
	return l.first + l.spilled + uint64(len(l.kept.entries)+len(l.newest.entries))
}

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
	for !l.kept.isEmpty() && l.first < next {
		l.kept.drop()
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
	l.kept, l.newest = queue{}, queue{}
	l.room.Broadcast()
	l.closeIfDone()
}

// closeIfDone closes the file when nobody will read or write it again.
func (l *lines) closeIfDone() {
	if l.sealed && !l.refilling && l.spill != nil {
		l.spill.close()
		l.spill = nil
		l.spillSize = 0
	}
}

// batch is the lines from a number on, as many as fit into one batch; at least one if there is one.
func (l *lines) batch(from uint64, limits limits) []*conveyorv1.LogLine {
	l.mu.Lock()
	defer l.mu.Unlock()
	if from < l.first || from >= l.first+uint64(len(l.kept.entries)) {
		return nil
	}
	left := l.kept.entries[from-l.first:]
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
