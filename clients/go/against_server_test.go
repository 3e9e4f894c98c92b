package conveyor_test

// Drivers of this runtime against the real server, also with either side killed.

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/websocket"

	"github.com/open-ug/conveyor/clients/go"
	"github.com/open-ug/conveyor/clients/go/conveyorv1"
)

const personDefinition = `{"name": "person", "schema": {"type": "object", "required": ["greetings"],
	"properties": {"greetings": {"type": "array", "items": {"type": "string"}}}}}`

func TestTutorialsDriverIsReadByWebsocket(t *testing.T) {
	server := startServer(t)
	greeter := run(t, program(t, "examples/greeter"), "CONVEYOR_SERVER="+server.url)
	server.post("/resource-definitions", personDefinition)
	answer := server.post("/resources/", `{"name": "ada", "resource": "person", "spec": {"greetings": ["Hello", "Good day"]}}`)
	var created struct{ RunID string }
	if err := json.Unmarshal([]byte(answer), &created); err != nil {
		t.Fatal(err)
	}
	address := strings.Replace(server.url, "http", "ws", 1) + "/drivers/streams/logs/greeter/" + created.RunID
	socket, err := websocket.Dial(address, "", server.url)
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	_ = socket.SetDeadline(time.Now().Add(soon))
	for _, want := range []string{"Hello, ada", "Good day, ada"} {
		var frame [2]string
		if err := websocket.JSON.Receive(socket, &frame); err != nil || frame[1] != want {
			t.Fatalf("the frame is %q (%v), not %q", frame, err, want)
		}
	}
	if err := websocket.JSON.Receive(socket, &struct{}{}); err != io.EOF {
		t.Errorf("after the last line comes %v", err)
	}
	run, err := server.client().Runs().GetRun(context.Background(), &conveyorv1.GetRunRequest{Id: created.RunID})
	if err != nil || run.State != conveyorv1.RunState_RUN_STATE_SUCCEEDED || run.Steps[0].DataJson != `{"greetings":2}` {
		t.Errorf("the run ends as %v (%v)", run, err)
	}
	_ = greeter.Process.Signal(syscall.SIGTERM)
	if err := greeter.Wait(); err != nil {
		t.Errorf("after SIGTERM the driver ends with %v", err)
	}
}

// counter logs as many numbered lines as its spec says, a few at a time.
func counter(slow time.Duration) *conveyor.Driver {
	return &conveyor.Driver{
		Name: "counter", Definitions: []string{"count"}, Slots: 4,
		// So little that lines go to the file while the server is away.
		LogMemory: 64 << 10,
		Reconcile: func(ctx context.Context, task *conveyor.Task) (conveyor.Result, error) {
			count, err := conveyor.Spec[struct{ Lines int }](task)
			for number := 0; number < count.Lines; number++ {
				task.Log.Line("stdout", fmt.Sprintf("line %d", number))
				if number%100 == 0 {
					time.Sleep(slow)
				}
			}
			return conveyor.Success("counted"), err
		},
	}
}

// count creates a resource of the definition count and gives its run.
func count(t *testing.T, client *conveyor.Client, name string, lines int) string {
	t.Helper()
	ctx := context.Background()
	if err := client.Define(ctx, "count", map[string]any{"type": "object"}); err != nil {
		t.Fatal(err)
	}
	resource, err := conveyor.NewResource("count", name, map[string]int{"lines": lines})
	if err != nil {
		t.Fatal(err)
	}
	_, runID, err := client.Create(ctx, resource)
	if err != nil {
		t.Fatal(err)
	}
	return runID
}

// background runs a driver until the end of the test, and gives what stops it and says how it ended.
func background(t *testing.T, url string, driver *conveyor.Driver) func() error {
	ctx, cancel := context.WithCancel(context.Background())
	manager := conveyor.NewManager(url, driver)
	manager.Logger = log.New(io.Discard, "", 0)
	ended := make(chan error, 1)
	go func() { ended <- manager.Run(ctx) }()
	stop := func() error {
		cancel()
		select {
		case err := <-ended:
			ended <- err
			return err
		case <-time.After(soon):
			return errors.New("the manager does not end")
		}
	}
	t.Cleanup(func() {
		manager.Abort()
		_ = stop()
	})
	return stop
}

func TestServerKilledInMidRunLosesAndDoublesNothing(t *testing.T) {
	server := startServer(t)
	stop := background(t, server.url, counter(5*time.Millisecond))
	const lines = 40_000
	runID := count(t, server.client(), "long", lines)
	for kills := 1; kills <= 3; kills++ {
		until(t, "more lines are stored", func() bool { return stored(t, server, runID) >= kills*3_000 })
		server.kill()
		// Long enough for more lines than a window, while nobody takes them.
		time.Sleep(200 * time.Millisecond)
		server.start()
	}
	client := server.client()
	expectNumbered(t, tail(t, client, runID), lines)
	run, err := client.Runs().GetRun(context.Background(), &conveyorv1.GetRunRequest{Id: runID})
	if err != nil || run.State != conveyorv1.RunState_RUN_STATE_SUCCEEDED || len(run.Steps[0].Attempts) != 1 {
		t.Errorf("the run ends as %v (%v)", run, err)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// stored is how many lines of a run are on disk.
func stored(t *testing.T, server *server, runID string) int {
	t.Helper()
	count := 0
	options := conveyor.TailOptions{NoFollow: true}
	server.client().Tail(context.Background(), runID, options)(func(_ *conveyor.LogEntry, err error) bool {
		count++
		return err == nil
	})
	return count
}

func TestDriverAndServerKilledInMidRunAreFollowedByOthers(t *testing.T) {
	server := startServer(t, "DRIVER_LEASE_TIME=2s", "DRIVER_HEARTBEAT_PERIOD=500ms")
	first := run(t, os.Args[0], "RUN_COUNTER="+server.url)
	const lines = 20_000
	runID := count(t, server.client(), "long", lines)
	until(t, "some lines are stored", func() bool { return stored(t, server, runID) >= 2_000 })
	_ = first.Process.Kill()
	server.kill()
	server.start()
	background(t, server.url, counter(0))
	client := server.client()
	attempts := map[int32][]*conveyor.LogEntry{}
	for _, line := range tail(t, client, runID) {
		attempts[line.Attempt] = append(attempts[line.Attempt], line)
	}
	expectNumbered(t, attempts[1], len(attempts[1]))
	expectNumbered(t, attempts[2], lines)
	if len(attempts) != 2 || len(attempts[1]) < 2_000 {
		t.Errorf("%d attempts, the first with %d lines", len(attempts), len(attempts[1]))
	}
}

func TestWorkThatKeepsEveryThreadBusyDoesNotLoseItsTask(t *testing.T) {
	server := startServer(t, "DRIVER_LEASE_TIME=1500ms", "DRIVER_HEARTBEAT_PERIOD=500ms")
	background(t, server.url, &conveyor.Driver{
		Name: "busy", Definitions: []string{"count"},
		Reconcile: func(context.Context, *conveyor.Task) (conveyor.Result, error) {
			for end := time.Now().Add(3 * time.Second); time.Now().Before(end); {
			}
			return conveyor.Success("worked"), nil
		},
	})
	client := server.client()
	runID := count(t, client, "busy", 0)
	tail(t, client, runID)
	run, err := client.Runs().GetRun(context.Background(), &conveyorv1.GetRunRequest{Id: runID})
	if err != nil || run.State != conveyorv1.RunState_RUN_STATE_SUCCEEDED || len(run.Steps[0].Attempts) != 1 {
		t.Errorf("the run ends as %v (%v)", run, err)
	}
}

// untilAcked waits until the server knows that the first step of a run is at work. Work may begin before.
func untilAcked(t *testing.T, client *conveyor.Client, runID string) {
	t.Helper()
	until(t, "the ack", func() bool {
		run, err := client.Runs().GetRun(context.Background(), &conveyorv1.GetRunRequest{Id: runID})
		return err == nil && run.Steps[0].State == conveyorv1.StepState_STEP_STATE_RUNNING
	})
}

func TestCancelledRunTellsItsDriverWhy(t *testing.T) {
	server := startServer(t)
	began := make(chan struct{}, 1)
	background(t, server.url, &conveyor.Driver{
		Name: "patient", Definitions: []string{"count"},
		Reconcile: func(ctx context.Context, _ *conveyor.Task) (conveyor.Result, error) {
			began <- struct{}{}
			<-ctx.Done()
			return conveyor.Result{}, fmt.Errorf("stopped: %w", conveyor.Cause(ctx))
		},
	})
	client := server.client()
	runID := count(t, client, "slow", 0)
	<-began
	untilAcked(t, client, runID)
	if _, err := client.Runs().CancelRun(context.Background(), &conveyorv1.CancelRunRequest{Id: runID}); err != nil {
		t.Fatal(err)
	}
	tail(t, client, runID)
	run, err := client.Runs().GetRun(context.Background(), &conveyorv1.GetRunRequest{Id: runID})
	if err != nil || run.State != conveyorv1.RunState_RUN_STATE_CANCELLED || run.Steps[0].Message != "stopped: the run was cancelled" {
		t.Errorf("the run ends as %v (%v)", run, err)
	}
}

func TestClientCreatesAppliesGetsAndDeletes(t *testing.T) {
	server := startServer(t)
	client := server.client()
	ctx := context.Background()
	count(t, client, "one", 1)
	one, err := client.Get(ctx, "count", "one")
	if err != nil || string(one.Spec) != `{"lines":1}` || one.Revision != 1 || one.ID == "" {
		t.Fatalf("got %+v (%v)", one, err)
	}
	if same, runID, err := client.Apply(ctx, one); err != nil || runID != "" || same.Revision != 1 {
		t.Errorf("the same again: %+v, run %q (%v)", same, runID, err)
	}
	one.Spec = json.RawMessage(`{"lines": 2.50}`)
	if next, runID, err := client.Apply(ctx, one); err != nil || runID == "" || next.Revision != 2 || string(next.Spec) != `{"lines":2.50}` {
		t.Errorf("another spec: %+v, run %q (%v)", next, runID, err)
	}
	if runID, err := client.Delete(ctx, "count", "one"); err != nil || runID == "" {
		t.Errorf("the delete: run %q (%v)", runID, err)
	}
	if _, err := client.Get(ctx, "count", "one"); err == nil {
		t.Error("it is still there")
	}
}

func TestServerThatIsNotThereIsAnErrorThatSaysSo(t *testing.T) {
	for _, server := range []string{"http://127.0.0.1:1", "https://127.0.0.1:8080", "127.0.0.1:8080", "http://"} {
		if _, err := conveyor.Connect(context.Background(), server); err == nil || !strings.Contains(err.Error(), server) {
			t.Errorf("%s: %v", server, err)
		}
	}
}
