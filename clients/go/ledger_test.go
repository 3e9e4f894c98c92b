package conveyor

// A server that forgets, repeats and breaks off, against the ledger, without a network: whatever happens,
// each line arrives once and in order, and the result after the last of them.

import (
	"fmt"
	"math/rand"
	"testing"
	"time"

	"github.com/open-ug/conveyor/clients/go/conveyorv1"
)

const (
	simTask  = "task"
	simToken = 7
)

// simServer is the server's side of one task.
type simServer struct {
	t        *testing.T
	received []string
	stored   int
	applied  bool
	answers  []*incoming
}

func (s *simServer) receive(message *outgoing) {
	switch kind := message.Kind.(type) {
	case *conveyorv1.DriverStreamRequest_Log:
		s.log(kind.Log)
	case *conveyorv1.DriverStreamRequest_Result:
		s.result(int(kind.Result.Lines))
	case *conveyorv1.DriverStreamRequest_Ack:
		if kind.Ack.Refused {
			s.t.Fatalf("refused: %s", kind.Ack.Reason)
		}
	default:
		s.t.Fatalf("%v is not due", message)
	}
}

func (s *simServer) log(log *conveyorv1.Log) {
	known := len(s.received) - int(log.FirstLine)
	if known < 0 {
		s.ack()
		return
	}
	for number, line := range log.Lines {
		if number >= known {
			s.received = append(s.received, line.Message)
		}
	}
}

func (s *simServer) result(lines int) {
	ack := &conveyorv1.ResultAck{TaskId: simTask, Token: simToken, Outcome: conveyorv1.ResultOutcome_RESULT_OUTCOME_LINES_MISSING}
	if len(s.received) == lines {
		s.stored, s.applied = lines, true
		ack.Outcome = conveyorv1.ResultOutcome_RESULT_OUTCOME_APPLIED
	}
	ack.Next = uint64(s.stored)
	s.answers = append(s.answers, &incoming{Kind: &conveyorv1.DriverStreamResponse_ResultAck{ResultAck: ack}})
}

// sync stores what was received, and says so.
func (s *simServer) sync() {
	s.stored = len(s.received)
	s.ack()
}

func (s *simServer) ack() {
	ack := &conveyorv1.LogAck{
		TaskId: simTask, Token: simToken,
		Next: uint64(s.stored), Status: conveyorv1.LogAckStatus_LOG_ACK_STATUS_STORED,
	}
	s.answers = append(s.answers, &incoming{Kind: &conveyorv1.DriverStreamResponse_LogAck{LogAck: ack}})
}

// welcome opens a new stream: what was not stored is lost.
func (s *simServer) welcome(tasks []*conveyorv1.HeldTask) *conveyorv1.Welcome {
	s.received = s.received[:s.stored]
	s.answers = nil
	// Small batches make many of them.
	welcome := &conveyorv1.Welcome{Limits: &conveyorv1.Limits{LogBatchLines: 3}}
	for _, task := range tasks {
		fate := &conveyorv1.TaskFate{
			TaskId: task.TaskId, Token: task.Token,
			Verdict: conveyorv1.TaskVerdict_TASK_VERDICT_GO_ON, NextLine: uint64(s.stored),
		}
		if s.applied {
			fate.Verdict = conveyorv1.TaskVerdict_TASK_VERDICT_DONE
		}
		welcome.Tasks = append(welcome.Tasks, fate)
	}
	return welcome
}

// world is the two sides and what the task wrote.
type world struct {
	ledger  *ledger
	server  *simServer
	work    *start
	written []string
	now     time.Time
}

func newWorld(t *testing.T) *world {
	w := &world{server: &simServer{t: t}, now: time.Now()}
	w.ledger = testLedger(1)
	w.ledger.welcome(w.server.welcome(nil), w.now)
	w.ledger.receive(offerOf(simTask, simToken, "step"), w.now)
	if w.work = w.ledger.nextStart(); w.work == nil {
		t.Fatal("the offer is not accepted")
	}
	return w
}

func testLedger(slots int) *ledger {
	lines := func(lineBytes int) *lines { return newLines(lineBytes, 1<<20, 0, func() {}) }
	return newLedger(slots, lines, func() {})
}

func offerOf(task string, token uint64, step string) *incoming {
	offer := &conveyorv1.Reconcile{TaskId: task, Token: token, RunId: "run", Step: &conveyorv1.Step{Id: step}}
	return &incoming{Kind: &conveyorv1.DriverStreamResponse_Reconcile{Reconcile: offer}}
}

func (w *world) send() {
	if message := w.ledger.nextMessage(w.now); message != nil {
		w.server.receive(message)
	}
}

func (w *world) answer() {
	if len(w.server.answers) > 0 {
		w.ledger.receive(w.server.answers[0], w.now)
		w.server.answers = w.server.answers[1:]
	}
}

// step takes one of the things that may happen.
func (w *world) step(random *rand.Rand) {
	switch random.Intn(7) {
	case 0:
		for count := random.Intn(20); count >= 0; count-- {
			line := fmt.Sprintf("line %d", len(w.written))
			w.written = append(w.written, line)
			w.work.lines.push(&conveyorv1.LogLine{Message: line})
		}
	case 1, 2:
		w.send()
	case 3:
		w.server.sync()
	case 4:
		w.answer()
	case 5:
		w.server.received = w.server.received[:w.server.stored]
	case 6:
		w.ledger.welcome(w.server.welcome(w.ledger.inHello()), w.now)
	}
}

func TestEveryLineArrivesOnceAndTheResultAfterThem(t *testing.T) {
	for seed := int64(0); seed < 500; seed++ {
		random := rand.New(rand.NewSource(seed))
		w := newWorld(t)
		for steps := random.Intn(200); steps > 0; steps-- {
			w.step(random)
		}
		w.ledger.report(simTask, Success("").report())
		w.ledger.stopped(stepOf(w.work.offer))
		for left := 20_000; len(w.ledger.order) > 0; left-- {
			if left == 0 {
				t.Fatalf("seed %d: the task is never settled", seed)
			}
			w.send()
			w.server.sync()
			w.answer()
			w.now = w.now.Add(time.Second)
		}
		if fmt.Sprint(w.server.received) != fmt.Sprint(w.written) || !w.server.applied {
			t.Fatalf("seed %d: wrote %v, received %v", seed, w.written, w.server.received)
		}
	}
}

// expectAcks fails unless the next messages are acks, each refused or not.
func expectAcks(t *testing.T, l *ledger, refused ...bool) {
	t.Helper()
	for _, want := range refused {
		if ack := l.nextMessage(time.Now()).GetAck(); ack == nil || ack.Refused != want {
			t.Fatalf("the ack is %v, and is to be refused: %t", ack, want)
		}
	}
}

func TestOfferThatComesTwiceIsAckedAgainAndStartedOnce(t *testing.T) {
	l := testLedger(4)
	l.receive(offerOf("t", 1, "a"), time.Now())
	l.receive(offerOf("t", 1, "a"), time.Now())
	expectAcks(t, l, false, false)
	if l.nextStart() == nil || l.nextStart() != nil {
		t.Error("it is not started once")
	}
}

func TestOfferBeyondTheSlotsIsRefused(t *testing.T) {
	l := testLedger(1)
	l.receive(offerOf("t", 1, "a"), time.Now())
	l.receive(offerOf("u", 2, "b"), time.Now())
	expectAcks(t, l, false, true)
}

func TestNewOfferOfAStepWaitsForTheOldWorkToStop(t *testing.T) {
	l := testLedger(1)
	l.receive(offerOf("old", 1, "a"), time.Now())
	old := l.nextStart()
	l.receive(offerOf("new", 2, "a"), time.Now())
	expectAcks(t, l, false, false)
	if why := old.signal.why(); why == nil || why.Reason != ErrFenced {
		t.Errorf("the old work is told %v", why)
	}
	if l.nextStart() != nil {
		t.Fatal("the new work begins beside the old")
	}
	l.report("old", Success("in vain").report())
	l.stopped(stepOf(old.offer))
	if next := l.nextStart(); next == nil || next.offer.TaskId != "new" {
		t.Errorf("then starts %v", next)
	}
	// An older token than the one in hand is nothing to work on.
	l.receive(offerOf("older", 1, "a"), time.Now())
	expectAcks(t, l, true)
}

func TestTaskThatIsCancelledWhileItWaitsNeverStarts(t *testing.T) {
	l := testLedger(1)
	l.receive(offerOf("old", 1, "a"), time.Now())
	old := l.nextStart()
	l.receive(offerOf("new", 2, "a"), time.Now())
	cancel := &conveyorv1.Cancel{TaskId: "new", Token: 2, Reason: conveyorv1.CancelReason_CANCEL_REASON_CANCELLED}
	l.receive(&incoming{Kind: &conveyorv1.DriverStreamResponse_Cancel{Cancel: cancel}}, time.Now())
	l.stopped(stepOf(old.offer))
	if l.nextStart() != nil {
		t.Error("it starts")
	}
	expectAcks(t, l, false, false)
	if result := l.nextMessage(time.Now()).GetResult(); result == nil || result.Success {
		t.Errorf("its result is %v", result)
	}
}

func TestLeaseIsReckonedFromTheLastAnsweredHeartbeat(t *testing.T) {
	var l lease
	start := time.Now()
	if l.isOver(start) {
		t.Error("there is no lease before the first Welcome")
	}
	l.welcomed(3*time.Second, start)
	l.beat(start.Add(1 * time.Second))
	l.beat(start.Add(2 * time.Second))
	l.answered()
	if l.isOver(start.Add(3900*time.Millisecond)) || !l.isOver(start.Add(4*time.Second)) {
		t.Error("it does not end a lease after the first heartbeat")
	}
}
