package conveyor

// One driver instance: keeps a stream open, and the work going while there is none.

import (
	"context"
	"errors"
	"math/rand"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/open-ug/conveyor/clients/go/conveyorv1"
)

const (
	// The shortest and the longest wait before a new stream.
	shortestWait, longestWait = 100 * time.Millisecond, 10 * time.Second
	// How long work has to stop when the driver is told to end at once.
	abortGrace = 2 * time.Second
	// How long work of a replaced instance, or at the end of a lease, has to stop.
	stopGrace = 10 * time.Second
	// How often the end of the lease is looked for.
	leaseTick = 250 * time.Millisecond
)

// session is one instance of a driver.
type session struct {
	driver *Driver
	server string
	logf   func(format string, args ...any)
	// What tasks get the values of.
	ctx context.Context
	// Closed to drain, and to end at once.
	stop, abort <-chan struct{}

	mu     sync.Mutex
	ledger *ledger
	// Says that there may be something to send, or nothing left.
	changed chan struct{}
	tasks   sync.WaitGroup
}

func newSession(ctx context.Context, driver *Driver, manager *Manager, stop <-chan struct{}) *session {
	s := &session{
		driver: driver, server: manager.server(), ctx: ctx,
		stop: stop, abort: manager.aborted(),
		changed: make(chan struct{}, 1),
	}
	s.logf = func(format string, args ...any) {
		manager.logf("driver "+driver.Name+": "+format, args...)
	}
	memory, spill := driver.logRoom()
	changed := func() { notify(s.changed) }
	lines := func(lineBytes int) *lines { return newLines(lineBytes, memory, spill, changed) }
	s.ledger = newLedger(driver.slots(), lines, changed)
	return s
}

// run serves until drained, aborted, or refused by the server.
func (s *session) run() error {
	ended := make(chan struct{})
	var watching sync.WaitGroup
	watching.Add(1)
	go func() { defer watching.Done(); s.watch(ended) }()
	err := s.serve()
	s.settle()
	close(ended)
	watching.Wait()
	return err
}

// serve opens one stream after the other.
func (s *session) serve() error {
	instance := uuid.NewString()
	wait := newBackoff()
	for number := uint64(1); ; number++ {
		err := s.ending(s.stream(instance, number, wait))
		var refused *RefusedError
		switch {
		case errors.Is(err, errDrained):
			return nil
		case errors.As(err, &refused):
			return err
		case errors.Is(err, errReplaced):
			s.with(func(l *ledger) { l.fenceAll(stopGrace) })
			instance = uuid.NewString()
		}
		delay := wait.next()
		s.logf("%v; trying again in %v", err, delay.Round(time.Millisecond))
		if s.drainedWithin(delay) {
			return nil
		}
	}
}

// stream serves one stream, from its Hello to its end.
func (s *session) stream(instance string, number uint64, wait *backoff) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	opening := make(chan struct{})
	var watching sync.WaitGroup
	watching.Add(1)
	go func() { defer watching.Done(); s.cancelWhenDrained(cancel, opening) }()
	helloAt := time.Now()
	stream, welcome, err := s.openStream(ctx, s.hello(instance, number))
	close(opening)
	watching.Wait()
	if err != nil {
		if s.isDrained() {
			return errDrained
		}
		return err
	}
	s.logf("connected to %s", s.server)
	s.with(func(l *ledger) { l.welcome(welcome, helloAt) })
	err = stream.converse()
	// A stream that ends at once counts as one more failure.
	if time.Since(helloAt) >= stream.period {
		wait.reset()
	}
	return err
}

func (s *session) hello(instance string, number uint64) *conveyorv1.Hello {
	hello := &conveyorv1.Hello{
		Driver:          s.driver.Name,
		InstanceId:      instance,
		StreamNumber:    number,
		Definitions:     s.driver.Definitions,
		Events:          s.driver.Events,
		Labels:          s.driver.Labels,
		Slots:           int32(s.driver.slots()),
		MaxMessageBytes: messageBytes,
		SdkName:         "conveyor-go",
		SdkVersion:      Version,
	}
	if len(hello.Events) == 0 {
		hello.Events = []string{"*"}
	}
	s.with(func(l *ledger) { hello.Tasks = l.inHello() })
	return hello
}

// with holds the ledger's lock, and starts what can start then.
func (s *session) with(do func(*ledger)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	do(s.ledger)
	for start := s.ledger.nextStart(); start != nil; start = s.ledger.nextStart() {
		s.tasks.Add(1)
		go s.carryOut(start)
	}
}

// What the stream and the work say to the ledger, and ask of it.

func (s *session) beat() { s.with((*ledger).beat) }

func (s *session) receive(message *incoming) {
	s.with(func(l *ledger) { l.receive(message, time.Now()) })
}

func (s *session) report(taskID string, report report) {
	s.with(func(l *ledger) { l.report(taskID, report) })
}

func (s *session) stopped(step stepKey) { s.with(func(l *ledger) { l.stopped(step) }) }

func (s *session) nextMessage() (message *outgoing, drained bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	message = s.ledger.nextMessage(time.Now())
	return message, message == nil && s.ledger.isDrained()
}

func (s *session) canReceive() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ledger.canReceive()
}

func (s *session) isDrained() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ledger.isDrained()
}

// tell hands a broadcast message to the user's function, which must not take the stream down with it.
func (s *session) tell(message *conveyorv1.Message) {
	if s.driver.OnMessage == nil {
		return
	}
	defer func() {
		if panicked := recover(); panicked != nil {
			s.logf("OnMessage panicked: %v", panicked)
		}
	}()
	s.driver.OnMessage(message)
}

// waitChange waits for a change of the ledger or of its lines. False: ctx has ended.
func (s *session) waitChange(ctx context.Context) bool {
	select {
	case <-s.changed:
		return true
	case <-ctx.Done():
		return false
	}
}

// cancelWhenDrained cancels when nothing is left to tell the server, unless done comes first.
func (s *session) cancelWhenDrained(cancel context.CancelFunc, done <-chan struct{}) {
	for !s.isDrained() {
		select {
		case <-s.changed:
		case <-done:
			return
		}
	}
	cancel()
}

// drainedWithin waits, and says whether nothing was left to tell the server meanwhile.
func (s *session) drainedWithin(delay time.Duration) bool {
	timer := time.NewTimer(delay)
	defer timer.Stop()
	for !s.isDrained() {
		select {
		case <-s.changed:
		case <-timer.C:
			return false
		}
	}
	return true
}

// watch drains on stop, drops everything on abort, and stops work at the lease's end where wanted.
func (s *session) watch(ended <-chan struct{}) {
	stop, abort := s.stop, s.abort
	ticker := time.NewTicker(leaseTick)
	defer ticker.Stop()
	for {
		select {
		case <-ended:
			return
		case <-stop:
			stop = nil
			s.with((*ledger).drain)
		case <-abort:
			abort = nil
			s.with(func(l *ledger) { l.drain(); l.fenceAll(abortGrace) })
		case now := <-ticker.C:
			if !s.driver.StopAtLeaseEnd {
				ticker.Stop()
				continue
			}
			s.with(func(l *ledger) {
				if l.lease.isOver(now) {
					l.fenceAll(stopGrace)
				}
			})
		}
	}
}

// settle lets work that nobody waits for any more stop within its grace.
func (s *session) settle() {
	s.with(func(l *ledger) { l.drain(); l.fenceAll(stopGrace) })
	stopped := make(chan struct{})
	go func() { s.tasks.Wait(); close(stopped) }()
	patience := time.NewTimer(stopGrace + abortGrace)
	defer patience.Stop()
	select {
	case <-stopped:
		return
	case <-patience.C:
	case <-s.abort:
		patience.Reset(abortGrace)
		select {
		case <-stopped:
			return
		case <-patience.C:
		}
	}
	s.logf("leaves work that does not stop")
}

// backoff is how long to wait before the next try: twice as long each time, half of it by chance.
type backoff struct {
	random *rand.Rand
	wait   time.Duration
}

func newBackoff() *backoff {
	return &backoff{random: rand.New(rand.NewSource(time.Now().UnixNano())), wait: shortestWait}
}

func (b *backoff) reset() { b.wait = shortestWait }

func (b *backoff) next() time.Duration {
	wait := b.wait
	if b.wait *= 2; b.wait > longestWait {
		b.wait = longestWait
	}
	if wait == shortestWait {
		return wait + time.Duration(b.random.Int63n(int64(wait)))
	}
	return wait/2 + time.Duration(b.random.Int63n(int64(wait/2)))
}

// notify says that something changed; who has been told already and not looked yet is not told again.
func notify(changed chan struct{}) {
	select {
	case changed <- struct{}{}:
	default:
	}
}
