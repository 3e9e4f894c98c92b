package conveyor

// Lines in memory, and what they take of it.

import "github.com/open-ug/conveyor/clients/go/conveyorv1"

// entry is a line and its encoded size.
type entry struct {
	line  *conveyorv1.LogLine
	bytes int
}

// queue is lines in their order.
type queue struct {
	entries []entry
	cost    int
}

func (q *queue) isEmpty() bool { return len(q.entries) == 0 }

// takes says whether a line has room among so many bytes. Alone it always has.
func (q *queue) takes(added entry, most int) bool {
	return q.isEmpty() || q.cost+added.cost() <= most
}

func (q *queue) add(more ...entry) {
	q.entries = append(q.entries, more...)
	for _, added := range more {
		q.cost += added.cost()
	}
}

// drop forgets the oldest.
func (q *queue) drop() {
	q.cost -= q.entries[0].cost()
	q.entries[0] = entry{}
	q.entries = q.entries[1:]
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
