package conveyor

// What becomes of a task's work: its result, its trace, its lines.

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/open-ug/conveyor/clients/go/conveyorv1"
)

// logged are the lines of a log as "stream labels message".
func logged(l *lines) []string {
	var all []string
	for _, line := range l.batch(0, limitsOf(nil)) {
		all = append(all, fmt.Sprint(line.Stream, " ", line.Labels, " ", line.Message))
	}
	return all
}

func testTask() (*Task, *lines) {
	lines := newLines(64<<10, 1<<20, 0, func() {})
	return newTask("tester", &conveyorv1.Reconcile{}, newLogger(lines), time.Now()), lines
}

// clumsy has no form, neither as data nor as an error.
type clumsy struct{}

func (clumsy) MarshalJSON() ([]byte, error) { panic("no form") }
func (clumsy) Error() string                { panic("no text") }

func TestWorkThatDoesNotReturnAResultFailsWithATrace(t *testing.T) {
	for name, c := range map[string]struct {
		do             Reconcile
		message, trace string
	}{
		"panic": {
			func(context.Context, *Task) (Result, error) { panic("tripped") },
			"the driver panicked: tripped", "work_test.go",
		},
		"no result": {
			func(_ context.Context, task *Task) (Result, error) { return Success(task.Results[0].Message), nil },
			"the driver panicked: runtime error: index out of range [0] with length 0", "work_test.go",
		},
		"goexit": {
			func(context.Context, *Task) (Result, error) { runtime.Goexit(); return Result{}, nil },
			"the driver ended its goroutine", "work_test.go",
		},
		"data that panics": {
			func(context.Context, *Task) (Result, error) { return Success("").WithData(clumsy{}), nil },
			"the driver panicked: no form", "work_test.go",
		},
		"error that panics": {
			func(context.Context, *Task) (Result, error) { return Result{}, clumsy{} },
			"the driver panicked: no text", "work_test.go",
		},
		"error": {
			func(context.Context, *Task) (Result, error) { return Success("no"), errors.New("no such file") },
			"no such file", "no such file",
		},
	} {
		task, lines := testTask()
		said := <-work(context.Background(), c.do, task)
		if said.success || said.message != c.message {
			t.Errorf("%s: the result is %+v", name, said)
		}
		if log := strings.Join(logged(lines), "\n"); !strings.Contains(log, "level:error") || !strings.Contains(log, c.trace) {
			t.Errorf("%s: the log reads %s", name, log)
		}
	}
}

func TestResultsAreBroughtWithinTheLimits(t *testing.T) {
	for name, c := range map[string]struct {
		result Result
		want   report
	}{
		"data":       {Success("much").WithData(strings.Repeat("x", 256<<10)), report{message: "the result's data has 262146 bytes, and 262144 are allowed; the work said: much"}},
		"not JSON":   {Success("by hand").WithData(json.RawMessage("{")), report{message: "the result's data is no JSON: unexpected end of JSON input; the work said: by hand"}},
		"no form":    {Success("odd").WithData(math.Inf(1)), report{message: "the result's data is no JSON: json: unsupported value: +Inf; the work said: odd"}},
		"exact text": {Success("kept").WithData(json.RawMessage(`{"b": 2.50, "a": "<"}`)), report{success: true, message: "kept", data: `{"b": 2.50, "a": "<"}`}},
		"a value":    {Success("kept").WithData(map[string]string{"a": "<&>"}), report{success: true, message: "kept", data: `{"a":"<&>"}`}},
		"message":    {Failure(strings.Repeat("\u00e4", 9000)), report{message: strings.Repeat("\u00e4", 8<<10)}},
		"not UTF-8":  {Failure("a\xffb"), report{message: "a\ufffdb"}},
	} {
		if got := c.result.report().within(limitsOf(nil)); got != c.want {
			t.Errorf("%s: %.200v, not %.200v", name, got, c.want)
		}
	}
}

func TestLoggerWritesLinesWithLabels(t *testing.T) {
	task, lines := testTask()
	log := task.Log
	log.Info("two\nlines")
	log.With("image", "app", "layers", 3).Warn("pushed", "tag", "v1")
	log.Line("stderr", "")
	_ = log.Log(map[string]string{"step": "test"}, "as before")
	fmt.Fprint(log, "no end yet")
	fmt.Fprint(log.Writer("stderr"), "a\nb")
	log.log.flush()
	want := []string{
		"driver map[level:info] two",
		"driver map[level:info] lines",
		"driver map[image:app layers:3 level:warn tag:v1] pushed",
		"stderr map[] ",
		"driver map[step:test] as before",
		"stderr map[] a",
	}
	got := logged(lines)
	if fmt.Sprint(got[:len(want)]) != fmt.Sprint(want) {
		t.Errorf("got %q", got)
	}
	// The two that had no end come in either order.
	if rest := fmt.Sprint(got[len(want):]); !strings.Contains(rest, "stdout map[] no end yet") || !strings.Contains(rest, "stderr map[] b") {
		t.Errorf("at the end comes %s", rest)
	}
}

func TestLongLinesAreSplitAndMarked(t *testing.T) {
	task, lines := testTask()
	long := strings.Repeat("\u20ac", 50<<10)
	task.Log.Line("stdout", long)
	if err := task.Log.Pipe("stdout", strings.NewReader(long)); err != nil {
		t.Fatal(err)
	}
	batch := lines.batch(0, limitsOf(nil))
	if len(batch) != 6 {
		t.Fatalf("%d lines", len(batch))
	}
	for number, line := range batch {
		if goesOn := line.Labels["split"] == "true"; goesOn != (number%3 != 2) || len(line.Message) > 64<<10 {
			t.Errorf("line %d has %d bytes and goes on: %t", number, len(line.Message), goesOn)
		}
	}
	if batch[0].Message+batch[1].Message+batch[2].Message != long {
		t.Error("the parts are not the whole")
	}
}

func TestCommandsOutputIsInTheLog(t *testing.T) {
	task, lines := testTask()
	err := task.Log.Run(exec.Command("sh", "-c", "echo out; echo err >&2; printf 'no end'; exit 3"))
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 3 {
		t.Errorf("it ends with %v", err)
	}
	all := strings.Join(logged(lines), "\n")
	for _, want := range []string{"stdout map[] out", "stderr map[] err", "stdout map[] no end"} {
		if !strings.Contains(all, want) {
			t.Errorf("%q is not in the log:\n%s", want, all)
		}
	}
}

func TestLabelsAreKeptWithinTheLimits(t *testing.T) {
	task, lines := testTask()
	log := task.Log
	for number := 0; number < 40; number++ {
		log = log.With(fmt.Sprint("label", number), strings.Repeat("v", 2000))
	}
	log.Line("stdout", strings.Repeat("x", 100<<10))
	for _, line := range lines.batch(0, limitsOf(nil)) {
		if len(line.Labels) > 32 || len(line.Labels["label0"]) != 1<<10 {
			t.Errorf("%d labels, the first of %d bytes", len(line.Labels), len(line.Labels["label0"]))
		}
	}
}

func TestContextSaysWhyItEnds(t *testing.T) {
	type key struct{}
	signal := newStopSignal()
	parent, cancel := context.WithCancel(context.WithValue(context.Background(), key{}, "kept"))
	ctx := signal.context(parent)
	cancel()
	if ctx.Err() != nil || ctx.Value(key{}) != "kept" || Cause(ctx) != nil {
		t.Error("the work is to have the values of its parent, and not its end")
	}
	signal.fire(ErrDeadline, time.Hour)
	<-ctx.Done()
	if !errors.Is(Cause(ctx), ErrDeadline) {
		t.Errorf("the cause is %v", Cause(ctx))
	}
	first := signal.why().StopBy
	signal.fire(ErrCancelled, 0)
	signal.fire(ErrFenced, 2*time.Hour)
	if why := signal.why(); why.Reason != ErrFenced || why.StopBy.After(first) {
		t.Errorf("then it is %v by %v, and was by %v", why, why.StopBy, first)
	}
}

func TestPortedDriverGetsWhatItExpects(t *testing.T) {
	task, lines := testTask()
	task.Event, task.RunID = "create", "run"
	task.Resource = Resource{Definition: "pipeline", Name: "p", Spec: json.RawMessage(`{"image":"a"}`), ID: "id"}
	old := func(payload, event, runID string, logger *DriverLogger) DriverResult {
		_ = logger.Log(nil, payload+event+runID)
		return DriverResult{Success: true, Message: "done"}
	}
	result, err := Ported(old)(context.Background(), task)
	want := `{"id":"id","name":"p","resource":"pipeline","metadata":null,"spec":{"image":"a"}}createrun`
	if got := lines.batch(0, limitsOf(nil))[0].Message; err != nil || !result.Success || got != want {
		t.Errorf("got %q, %+v (%v)", got, result, err)
	}
	manager, err := NewDriverManager(&Driver{Name: "old", Reconcile: Ported(old)}, []string{"create"})
	if err != nil || manager.Drivers[0].Events[0] != "create" {
		t.Errorf("the manager is %+v (%v)", manager, err)
	}
	if _, err := NewDriverManager(&Driver{Name: "o l d"}, nil); err == nil {
		t.Error("a driver with such a name is taken")
	}
}
