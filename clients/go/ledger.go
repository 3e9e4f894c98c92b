package conveyor

// The rules of the protocol for the tasks of one driver instance, without I/O.
//
// The session hands in what arrives and asks what to send next; the work of each task reports its end
// here. The invariant: of each step at most one piece of work runs, whatever is offered.

import (
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/open-ug/conveyor/clients/go/conveyorv1"
)

const (
	// How long a task has to stop when the server does not say.
	defaultGrace = 10 * time.Second
	// How many ended tasks are remembered, so that an old offer that comes again does not start anew.
	remembered = 1024
	// How many acks may wait to be sent before nothing more is read.
	maxAcks = 1024
)

// What goes to the server, and what comes from it.
type (
	outgoing = conveyorv1.DriverStreamRequest
	incoming = conveyorv1.DriverStreamResponse
)

// ledger is the tasks in hand and what is to be said of them. Its owner holds a lock around each call.
type ledger struct {
	slots  int
	limits limits
	// Makes the room for the lines of a task.
	newLines func(lineBytes int) *lines
	// Tells the session that there may be something to do.
	changed func()

	tasks map[string]*held
	// The same in the order in which they came.
	order []*held
	// The task whose work runs, of each step. It may be fenced, and so no longer held.
	working map[stepKey]string
	ended   memory

	acks         []*conveyorv1.Ack
	heartbeatDue bool
	lease        lease
	draining     bool
	drainDue     bool
	// Where in the order the next log batch is looked for, so that each task has its turn.
	turn int
}

// start is a task whose work is to start.
type start struct {
	offer  *conveyorv1.Reconcile
	lines  *lines
	signal *stopSignal
}

func newLedger(slots int, newLines func(int) *lines, changed func()) *ledger {
	return &ledger{
		slots:    slots,
		limits:   limitsOf(nil),
		newLines: newLines,
		changed:  changed,
		tasks:    map[string]*held{},
		working:  map[stepKey]string{},
	}
}

// inHello is how Hello names the tasks in hand.
func (l *ledger) inHello() []*conveyorv1.HeldTask {
	all := make([]*conveyorv1.HeldTask, 0, len(l.order))
	for _, held := range l.order {
		all = append(all, held.inHello())
	}
	return all
}

// welcome says that a new stream is open: it takes the server's limits and its verdict on each task.
func (l *ledger) welcome(welcome *conveyorv1.Welcome, helloAt time.Time) {
	l.limits = limitsOf(welcome.Limits)
	l.lease.welcomed(welcome.LeaseTime.AsDuration(), helloAt)
	l.acks = nil
	l.heartbeatDue = false
	l.drainDue = l.draining
	for _, held := range l.order {
		held.startStream()
	}
	for _, fate := range welcome.Tasks {
		l.decide(fate)
	}
}

// receive takes one message of the stream.
func (l *ledger) receive(message *incoming, now time.Time) {
	switch kind := message.Kind.(type) {
	case *conveyorv1.DriverStreamResponse_Reconcile:
		l.offered(kind.Reconcile)
	case *conveyorv1.DriverStreamResponse_Cancel:
		l.cancelled(kind.Cancel)
	case *conveyorv1.DriverStreamResponse_LogAck:
		l.logAcked(kind.LogAck, now)
	case *conveyorv1.DriverStreamResponse_ResultAck:
		l.resultAcked(kind.ResultAck)
	case *conveyorv1.DriverStreamResponse_HeartbeatAck:
		l.lease.answered()
	}
	// A second Welcome says nothing; the others concern the session, not the tasks.
}

// canReceive says whether there is room for what a received message may leave behind.
func (l *ledger) canReceive() bool { return len(l.acks) < maxAcks }

// nextMessage is the next message to send, the most urgent first. Nil: there is none.
func (l *ledger) nextMessage(now time.Time) *outgoing {
	if l.heartbeatDue {
		l.heartbeatDue = false
		l.lease.beat(now)
		return &outgoing{Kind: &conveyorv1.DriverStreamRequest_Heartbeat{Heartbeat: l.heartbeat()}}
	}
	if len(l.acks) > 0 {
		ack := l.acks[0]
		l.acks = l.acks[1:]
		return &outgoing{Kind: &conveyorv1.DriverStreamRequest_Ack{Ack: ack}}
	}
	if l.drainDue {
		l.drainDue = false
		return &outgoing{Kind: &conveyorv1.DriverStreamRequest_Drain{Drain: &conveyorv1.Drain{}}}
	}
	for _, held := range l.order {
		if result := held.nextResult(now); result != nil {
			return &outgoing{Kind: &conveyorv1.DriverStreamRequest_Result{Result: result}}
		}
	}
	for range l.order {
		l.turn = (l.turn + 1) % len(l.order)
		if log := l.order[l.turn].nextLog(l.limits, now); log != nil {
			return &outgoing{Kind: &conveyorv1.DriverStreamRequest_Log{Log: log}}
		}
	}
	return nil
}

// beat says that a heartbeat is due.
func (l *ledger) beat() {
	l.heartbeatDue = true
	l.changed()
}

// nextStart is the next task whose work can start: the old work on its step, if any, has stopped.
func (l *ledger) nextStart() *start {
	for _, held := range l.order {
		if _, busy := l.working[held.step]; held.offer != nil && !busy {
			l.working[held.step] = held.taskID
			start := &start{offer: held.offer, lines: held.lines, signal: held.signal}
			held.offer = nil
			return start
		}
	}
	return nil
}

// report says how a task ended. Its work may still be stopping.
func (l *ledger) report(taskID string, report report) {
	if held := l.tasks[taskID]; held != nil && held.result == nil {
		held.finish(report.within(l.limits))
		l.changed()
	}
}

// stopped says that the work on a step has ended.
func (l *ledger) stopped(step stepKey) {
	delete(l.working, step)
	l.changed()
}

// drain takes no more offers.
func (l *ledger) drain() {
	if !l.draining {
		l.draining, l.drainDue = true, true
		l.changed()
	}
}

// fenceAll stops all work and drops what it said: the step is another's, or nobody's.
func (l *ledger) fenceAll(grace time.Duration) {
	for len(l.order) > 0 {
		l.fence(l.order[0], grace)
	}
	l.changed()
}

// isDrained says whether it drains and the server has every result.
func (l *ledger) isDrained() bool { return l.draining && len(l.order) == 0 }

func (l *ledger) decide(fate *conveyorv1.TaskFate) {
	held := l.find(fate.TaskId, fate.Token)
	if held == nil {
		return
	}
	switch fate.Verdict {
	case conveyorv1.TaskVerdict_TASK_VERDICT_GO_ON:
		held.sendFrom(fate.NextLine)
	case conveyorv1.TaskVerdict_TASK_VERDICT_DONE:
		l.forget(held)
	case conveyorv1.TaskVerdict_TASK_VERDICT_CANCEL:
		held.sendFrom(fate.NextLine)
		l.stop(held, reasonOf(fate.Reason), graceOf(fate.Grace))
	case conveyorv1.TaskVerdict_TASK_VERDICT_STOP:
		l.fence(held, defaultGrace)
	}
	// A verdict that this version does not know: the next heartbeat or ack settles it.
}

func (l *ledger) offered(offer *conveyorv1.Reconcile) {
	refusal := ""
	known := l.find(offer.TaskId, offer.Token) != nil || l.ended.has(offer.TaskId)
	if !known {
		refusal = l.refusal(offer)
	}
	l.acks = append(l.acks, &conveyorv1.Ack{
		TaskId:  offer.TaskId,
		Token:   offer.Token,
		Refused: refusal != "",
		Reason:  refusal,
	})
	if !known && refusal == "" {
		l.accept(offer)
	}
	l.changed()
}

// refusal is why an offer is refused, if it is.
func (l *ledger) refusal(offer *conveyorv1.Reconcile) string {
	if l.draining {
		return "the driver is draining"
	}
	step := stepOf(offer)
	// Work counts while it runs, be it fenced; and so does what waits to start.
	busy := len(l.working)
	for _, held := range l.order {
		if held.step == step && held.token > offer.Token {
			return "the driver has a newer offer of this step"
		}
		if _, works := l.working[held.step]; held.offer != nil && !works {
			busy++
		}
	}
	_, sameStep := l.working[step]
	if (!sameStep && busy >= l.slots) || len(l.order) >= 2*l.slots {
		return "the driver has no free slot"
	}
	return ""
}

func (l *ledger) accept(offer *conveyorv1.Reconcile) {
	step := stepOf(offer)
	// The new token makes every older one of the step a dead one.
	for _, held := range append([]*held(nil), l.order...) {
		if held.step == step {
			l.fence(held, defaultGrace)
		}
	}
	held := newHeld(offer, l.newLines(l.limits.lineBytes))
	l.tasks[held.taskID] = held
	l.order = append(l.order, held)
}

func (l *ledger) cancelled(cancel *conveyorv1.Cancel) {
	if held := l.find(cancel.TaskId, cancel.Token); held != nil {
		l.stop(held, reasonOf(cancel.Reason), graceOf(cancel.Grace))
	}
}

func (l *ledger) logAcked(ack *conveyorv1.LogAck, now time.Time) {
	held := l.find(ack.TaskId, ack.Token)
	if held == nil {
		return
	}
	switch ack.Status {
	case conveyorv1.LogAckStatus_LOG_ACK_STATUS_STORED:
		held.stored(ack.Next, now)
		l.changed()
	case conveyorv1.LogAckStatus_LOG_ACK_STATUS_FENCED:
		l.fence(held, defaultGrace)
	}
}

func (l *ledger) resultAcked(ack *conveyorv1.ResultAck) {
	held := l.find(ack.TaskId, ack.Token)
	if held == nil {
		return
	}
	switch ack.Outcome {
	case conveyorv1.ResultOutcome_RESULT_OUTCOME_APPLIED:
		l.forget(held)
	case conveyorv1.ResultOutcome_RESULT_OUTCOME_LINES_MISSING:
		held.sendFrom(ack.Next)
	case conveyorv1.ResultOutcome_RESULT_OUTCOME_FENCED:
		l.fence(held, defaultGrace)
	}
	l.changed()
}

// stop tells a task to stop. One that has not started never will.
func (l *ledger) stop(held *held, reason error, grace time.Duration) {
	if reason == ErrFenced {
		l.fence(held, grace)
		return
	}
	held.signal.fire(reason, grace)
	if held.offer != nil {
		held.finish(Failure("cancelled before the work began").report())
		l.changed()
	}
}

// fence says that the token is dead: it stops the work and drops its lines and its result.
func (l *ledger) fence(held *held, grace time.Duration) {
	held.signal.fire(ErrFenced, grace)
	l.forget(held)
}

// forget holds the task no longer. Its work may still be stopping.
func (l *ledger) forget(held *held) {
	delete(l.tasks, held.taskID)
	for i, other := range l.order {
		if other == held {
			l.order = append(l.order[:i:i], l.order[i+1:]...)
			break
		}
	}
	held.lines.discard()
	l.ended.add(held.taskID)
	l.changed()
}

func (l *ledger) heartbeat() *conveyorv1.Heartbeat {
	beat := &conveyorv1.Heartbeat{}
	for _, held := range l.order {
		beat.Tasks = append(beat.Tasks, &conveyorv1.TaskToken{TaskId: held.taskID, Token: held.token})
	}
	return beat
}

func (l *ledger) find(taskID string, token uint64) *held {
	if held := l.tasks[taskID]; held != nil && held.token == token {
		return held
	}
	return nil
}

func graceOf(said *durationpb.Duration) time.Duration {
	if said == nil {
		return defaultGrace
	}
	return said.AsDuration()
}

// memory is the tasks that ended or were fenced, as many as are remembered.
type memory struct {
	ids   map[string]struct{}
	order []string
}

func (m *memory) has(id string) bool {
	_, has := m.ids[id]
	return has
}

func (m *memory) add(id string) {
	if m.ids == nil {
		m.ids = map[string]struct{}{}
	}
	if len(m.order) == remembered {
		delete(m.ids, m.order[0])
		m.order = m.order[1:]
	}
	m.ids[id] = struct{}{}
	m.order = append(m.order, id)
}
