package conveyor

// The words of Conveyor CI's Go SDK, so that a driver written for it needs an edit or two.
// docs/porting-a-driver.md shows which.

import (
	"context"
	"encoding/json"
)

// DriverManager is a Manager.
type DriverManager = Manager

// DriverLogger is a Logger.
type DriverLogger = Logger

// DriverResult is a Result.
type DriverResult = Result

// NewDriverManager is a manager of one driver that listens to these events, for the server that
// CONVEYOR_SERVER names.
func NewDriverManager(driver *Driver, events []string) (*DriverManager, error) {
	if err := driver.Validate(); err != nil {
		return nil, err
	}
	listening := *driver
	listening.Events = events
	return NewManager("", &listening), nil
}

// Ported makes a Reconcile of a function with the arguments of Conveyor CI's: the resource as JSON, the
// event, the run's id, and the log.
func Ported(reconcile func(payload, event, runID string, logger *DriverLogger) DriverResult) Reconcile {
	return func(_ context.Context, task *Task) (Result, error) {
		payload, err := task.payload()
		if err != nil {
			return Result{}, err
		}
		return reconcile(payload, task.Event, task.RunID, task.Log), nil
	}
}

// payload is the resource in its documented form.
func (t *Task) payload() (string, error) {
	r := t.Resource
	text, err := json.Marshal(struct {
		ID       string            `json:"id"`
		Name     string            `json:"name"`
		Pipeline string            `json:"pipeline,omitempty"`
		Resource string            `json:"resource"`
		Metadata map[string]string `json:"metadata"`
		Spec     json.RawMessage   `json:"spec"`
	}{r.ID, r.Name, r.Pipeline, r.Definition, r.Metadata, r.Spec})
	return string(text), err
}
