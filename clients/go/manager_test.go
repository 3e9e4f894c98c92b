package conveyor_test

// How a manager ends: drained, aborted, or refused.

import (
	"context"
	"errors"
	"io"
	"log"
	"testing"
	"time"

	"github.com/open-ug/conveyor/clients/go"
	"github.com/open-ug/conveyor/clients/go/conveyorv1"
)

func idle(name string) *conveyor.Driver {
	return &conveyor.Driver{
		Name:      name,
		Reconcile: func(context.Context, *conveyor.Task) (conveyor.Result, error) { return conveyor.Success(""), nil },
	}
}

// ended waits for the end of a manager that runs until ctx ends.
func ended(t *testing.T, ctx context.Context, manager *conveyor.Manager) error {
	t.Helper()
	manager.Logger = log.New(io.Discard, "", 0)
	end := make(chan error, 1)
	go func() { end <- manager.Run(ctx) }()
	select {
	case err := <-end:
		return err
	case <-time.After(soon):
		t.Fatal("the manager does not end")
		return nil
	}
}

func TestManagerWithoutAServerEndsWhenItIsStopped(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	if err := ended(t, ctx, conveyor.NewManager("http://127.0.0.1:1", idle("lonely"))); err != nil {
		t.Error(err)
	}
}

func TestManagerThatCannotWorkSaysWhy(t *testing.T) {
	mute := idle("mute")
	mute.Labels = map[string]string{"os": "\xff"}
	for name, manager := range map[string]*conveyor.Manager{
		"no driver":    conveyor.NewManager(""),
		"no name":      conveyor.NewManager("", idle("")),
		"a bad name":   conveyor.NewManager("", idle("a b")),
		"no function":  conveyor.NewManager("", &conveyor.Driver{Name: "a"}),
		"much at once": conveyor.NewManager("", &conveyor.Driver{Name: "a", Slots: 1001, Reconcile: idle("").Reconcile}),
		"not UTF-8":    conveyor.NewManager("", mute),
		"no server":    conveyor.NewManager("localhost:8080", idle("a")),
	} {
		if err := ended(t, context.Background(), manager); err == nil {
			t.Errorf("%s: it ends without an error", name)
		}
	}
}

func TestRefusedDriverEndsTheManagerAndDrainsTheOthers(t *testing.T) {
	server := startServer(t)
	refused := idle("refused")
	refused.Definitions = []string{"no such name!"}
	err := ended(t, context.Background(), conveyor.NewManager(server.url, idle("fine"), refused))
	var why *conveyor.RefusedError
	if !errors.As(err, &why) || why.Driver != "refused" {
		t.Errorf("it ends with %v", err)
	}
}

func TestDrainTimeoutGivesTheTaskBack(t *testing.T) {
	server := startServer(t)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	driver := idle("slow")
	driver.Definitions = []string{"count"}
	cause := make(chan error, 1)
	driver.Reconcile = func(work context.Context, _ *conveyor.Task) (conveyor.Result, error) {
		cancel()
		<-work.Done()
		cause <- conveyor.Cause(work)
		return conveyor.Success("in vain"), nil
	}
	client := server.client()
	runID := count(t, client, "slow", 0)
	manager := conveyor.NewManager(server.url, driver)
	manager.DrainTimeout = 100 * time.Millisecond
	if err := ended(t, ctx, manager); err != nil {
		t.Error(err)
	}
	if why := <-cause; !errors.Is(why, conveyor.ErrFenced) {
		t.Errorf("the work was told %v", why)
	}
	run, err := client.Runs().GetRun(context.Background(), &conveyorv1.GetRunRequest{Id: runID})
	if err != nil || run.Steps[0].State != conveyorv1.StepState_STEP_STATE_PENDING {
		t.Errorf("the step stands at %v (%v)", run.GetSteps(), err)
	}
}

func TestWorkThatOutstaysItsGraceIsReportedAndKeepsItsSlot(t *testing.T) {
	server := startServer(t, "DRIVER_CANCEL_GRACE=300ms")
	driver := idle("deaf")
	driver.Definitions = []string{"count"}
	began, end := make(chan struct{}, 2), make(chan struct{})
	driver.Reconcile = func(context.Context, *conveyor.Task) (conveyor.Result, error) {
		began <- struct{}{}
		<-end
		return conveyor.Success("late"), nil
	}
	background(t, server.url, driver)
	client := server.client()
	first := count(t, client, "first", 0)
	<-began
	untilAcked(t, client, first)
	if _, err := client.Runs().CancelRun(context.Background(), &conveyorv1.CancelRunRequest{Id: first}); err != nil {
		t.Fatal(err)
	}
	tail(t, client, first)
	second := count(t, client, "second", 0)
	select {
	case <-began:
		t.Error("the next task begins beside the work that goes on")
	case <-time.After(300 * time.Millisecond):
	}
	close(end)
	tail(t, client, second)
}
