package conveyor

// One accepted task: what of its log and its result the server has, and what is to be sent next.
//
// Lines travel in batches, of which a few may be unanswered; the window makes a chatty task coalesce its
// lines while it waits. The result follows the last line.

import (
	"time"

	"github.com/open-ug/conveyor/clients/go/conveyorv1"
)

const (
	// How many batches of a task may be unanswered.
	window = 4
	// After this long without an answer, lines or a result are sent again on the same stream.
	resendAfter = 30 * time.Second
)

// stepKey names a step across its offers.
type stepKey struct{ runID, stepID string }

func stepOf(offer *conveyorv1.Reconcile) stepKey {
	return stepKey{runID: offer.RunId, stepID: offer.GetStep().GetId()}
}

// held is a task that was accepted and whose result is not yet known to be on the server's disk.
type held struct {
	taskID string
	token  uint64
	step   stepKey
	lines  *lines
	signal *stopSignal
	// What to start with, until the work has started.
	offer   *conveyorv1.Reconcile
	result  *conveyorv1.Result
	sending sending
}

// sending is what was sent on the present stream.
type sending struct {
	// The number of the next line to send.
	next uint64
	// Where each unanswered batch ends.
	batches []uint64
	// When lines were last sent or acked.
	movedAt time.Time
	// The last number for which lines were sent again: a server repeats it for each batch in flight.
	repeated    uint64
	hasRepeated bool
	// When the result was sent.
	resultAt time.Time
}

func newHeld(offer *conveyorv1.Reconcile, lines *lines) *held {
	return &held{
		taskID: offer.TaskId,
		token:  offer.Token,
		step:   stepOf(offer),
		lines:  lines,
		signal: newStopSignal(),
		offer:  offer,
	}
}

// inHello is how Hello names it.
func (h *held) inHello() *conveyorv1.HeldTask {
	return &conveyorv1.HeldTask{
		TaskId:      h.taskID,
		Token:       h.token,
		NextLine:    h.lines.next(),
		ResultWaits: h.result != nil,
	}
}

// startStream says that a new stream begins: on it nothing was sent yet.
func (h *held) startStream() { h.sending = sending{next: h.lines.oldest()} }

// finish says that the work has ended: no more lines, and a result to send.
func (h *held) finish(report report) {
	h.offer = nil
	h.result = &conveyorv1.Result{
		TaskId:   h.taskID,
		Token:    h.token,
		Success:  report.success,
		Message:  report.message,
		DataJson: report.data,
		Lines:    h.lines.seal(),
	}
}

// stored takes a LogAck: all lines before next are on disk. One that says nothing new while lines are
// under way means that the server dropped a batch, so they are sent again from there, once.
func (h *held) stored(next uint64, now time.Time) {
	news := next > h.lines.oldest()
	h.lines.free(next)
	s := &h.sending
	for len(s.batches) > 0 && s.batches[0] <= next {
		s.batches = s.batches[1:]
	}
	switch {
	case news:
		if s.next < next {
			s.next = next
		}
		s.movedAt, s.hasRepeated = now, false
	case len(s.batches) > 0 && !(s.hasRepeated && s.repeated == next):
		h.sendFrom(next)
		h.sending.repeated, h.sending.hasRepeated = next, true
	}
}

// sendFrom says that the server wants the lines from next on, and then the result.
func (h *held) sendFrom(next uint64) {
	h.lines.free(next)
	h.startStream()
}

// nextLog is the next batch of lines, when there are any and the window is open.
func (h *held) nextLog(limits limits, now time.Time) *conveyorv1.Log {
	if len(h.sending.batches) > 0 && overdue(h.sending.movedAt, now) {
		h.startStream()
	}
	s := &h.sending
	if len(s.batches) >= window {
		return nil
	}
	batch := h.lines.batch(s.next, limits)
	if len(batch) == 0 {
		return nil
	}
	log := &conveyorv1.Log{TaskId: h.taskID, Token: h.token, FirstLine: s.next, Lines: batch}
	s.next += uint64(len(batch))
	s.batches = append(s.batches, s.next)
	s.movedAt = now
	return log
}

// nextResult is the result, when all lines were sent and it was not, or was long ago.
func (h *held) nextResult(now time.Time) *conveyorv1.Result {
	sent := !h.sending.resultAt.IsZero()
	if h.result == nil || h.sending.next < h.result.Lines || (sent && !overdue(h.sending.resultAt, now)) {
		return nil
	}
	h.sending.resultAt = now
	return h.result
}

func overdue(since, now time.Time) bool { return now.Sub(since) >= resendAfter }
