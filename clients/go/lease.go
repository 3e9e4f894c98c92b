package conveyor

// How long the server surely keeps this instance's tasks for it.
//
// The server renews the lease when it reads a heartbeat, which is after the heartbeat was sent. So the
// lease that is reckoned from the sending of the last answered one never ends too late.

import "time"

const (
	// What a server that does not say means.
	defaultLease = 30 * time.Second
	// More unanswered heartbeats than a stream lives to see.
	maxUnanswered = 8
)

// lease is the lease as this side can know it. There is none before the first Welcome.
type lease struct {
	time       time.Duration
	renewedAt  time.Time
	unanswered []time.Time
}

// welcomed says that a Welcome answered the Hello that was sent at helloAt.
func (l *lease) welcomed(said time.Duration, helloAt time.Time) {
	if said <= 0 {
		said = defaultLease
	}
	*l = lease{time: said, renewedAt: helloAt}
}

// beat says that a heartbeat goes out.
func (l *lease) beat(now time.Time) {
	if len(l.unanswered) < maxUnanswered {
		l.unanswered = append(l.unanswered, now)
	}
}

// answered says that the oldest unanswered heartbeat was answered.
func (l *lease) answered() {
	if len(l.unanswered) > 0 {
		l.renewedAt = l.unanswered[0]
		l.unanswered = l.unanswered[1:]
	}
}

// isOver says whether the server may have given the tasks to others.
func (l *lease) isOver(now time.Time) bool {
	return !l.renewedAt.IsZero() && now.Sub(l.renewedAt) >= l.time
}
