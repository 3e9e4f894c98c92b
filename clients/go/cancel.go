package conveyor

// How a task learns that it is to stop, and why.

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/open-ug/conveyor/clients/go/conveyorv1"
)

// Why a task is to stop. Ask with errors.Is(conveyor.Cause(ctx), conveyor.ErrFenced).
var (
	// ErrCancelled says that the run was cancelled. A result within the grace is kept.
	ErrCancelled = errors.New("the run was cancelled")
	// ErrDeadline says that the step's time is over. A result within the grace is kept.
	ErrDeadline = errors.New("the step's time is over")
	// ErrFenced says that another instance has the step, or nobody needs it. Nothing that the task
	// still says is kept.
	ErrFenced = errors.New("another instance has the step, or nobody needs it")
)

// Cancellation is why a task is to stop, and by when. It is the cause of its context.
type Cancellation struct {
	// Reason is ErrCancelled, ErrDeadline or ErrFenced.
	Reason error
	// Grace is how long the task had from the moment of the cancel.
	Grace time.Duration
	// StopBy is when the grace is over. The runtime then reports the task as failed.
	StopBy time.Time
}

// Error says why the task is to stop.
func (c *Cancellation) Error() string { return c.Reason.Error() }

// Unwrap gives the reason.
func (c *Cancellation) Unwrap() error { return c.Reason }

// Cause says why a task's context was cancelled: a *Cancellation. Nil: it is not. From Go 1.20 on
// context.Cause says the same of the context and of those made from it.
func Cause(ctx context.Context) error {
	if signal, ok := ctx.Value(signalKey{}).(*stopSignal); ok {
		if why := signal.why(); why != nil {
			return why
		}
	}
	return nil
}

type signalKey struct{}

// stopSignal tells one task that it is to stop.
type stopSignal struct {
	fired chan struct{}

	mu     sync.Mutex
	reason *Cancellation
	cancel func(error)
}

func newStopSignal() *stopSignal { return &stopSignal{fired: make(chan struct{})} }

// context is what the task's work runs under. It has the values of parent, but not its end.
func (s *stopSignal) context(parent context.Context) context.Context {
	ctx, cancel := withCause(context.WithValue(detached{parent}, signalKey{}, s))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cancel = cancel
	if s.reason != nil {
		cancel(s.reason)
	}
	return ctx
}

// release frees what the context holds, once the work has ended.
func (s *stopSignal) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cancel(context.Canceled)
}

func (s *stopSignal) why() *Cancellation {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reason
}

// fire cancels the task. A later cancel changes the reason only when it is ErrFenced, which outranks
// the others, and never gives more time.
func (s *stopSignal) fire(reason error, grace time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	why := &Cancellation{Reason: reason, Grace: grace, StopBy: time.Now().Add(grace)}
	if first := s.reason; first != nil {
		if reason == ErrFenced {
			if first.StopBy.Before(why.StopBy) {
				why.Grace, why.StopBy = first.Grace, first.StopBy
			}
			s.reason = why
		}
		return
	}
	s.reason = why
	close(s.fired)
	if s.cancel != nil {
		s.cancel(why)
	}
}

// reasonOf reads the reason of a cancel. One that this version does not know is an order to stop.
func reasonOf(reason conveyorv1.CancelReason) error {
	switch reason {
	case conveyorv1.CancelReason_CANCEL_REASON_DEADLINE:
		return ErrDeadline
	case conveyorv1.CancelReason_CANCEL_REASON_FENCED:
		return ErrFenced
	default:
		return ErrCancelled
	}
}

// tooLate is the result of work that did not stop within its grace.
func (c *Cancellation) tooLate() Result {
	return Failure(fmt.Sprintf("%v; the work did not stop within %v", c.Reason, c.Grace))
}

// detached has the values of a context, but not its end.
type detached struct{ context.Context }

func (detached) Deadline() (time.Time, bool) { return time.Time{}, false }
func (detached) Done() <-chan struct{}       { return nil }
func (detached) Err() error                  { return nil }
