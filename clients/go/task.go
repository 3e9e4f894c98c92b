package conveyor

// What a reconcile function is given.

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/open-ug/conveyor/clients/go/conveyorv1"
)

// Task is one step to carry out, with everything that is known about it.
type Task struct {
	// RunID is the run, a UUID.
	RunID string
	// ID is this offer of the step, a UUID.
	ID string
	// Attempt counts the attempts at the step, from 1.
	Attempt int
	// Driver is the name of the driver that was asked.
	Driver string
	// Event is what happened: create, update, process or delete.
	Event string
	// Cause is what caused the run: create, update or delete.
	Cause string
	// Resource is the resource as it was when the run was written.
	Resource Resource
	// Pipeline is the pipeline as it was. Nil without one.
	Pipeline *conveyorv1.Pipeline
	// Step is the step.
	Step Step
	// Results are those of earlier steps, in their order.
	Results []*conveyorv1.StepResult
	// Deadline is when the time of the attempt is over; the server then cancels it. Zero: it has as
	// much as it needs.
	Deadline time.Time
	// Traceparent is its place in a trace, as W3C's traceparent header has it: spans of the driver
	// belong below it. Empty: the run belongs to no trace.
	Traceparent string
	// Tracestate is what other systems pass on with it, as the tracestate header has it. May be empty.
	Tracestate string
	// Log is where it logs.
	Log *Logger
}

// Step is the step that a task carries out.
type Step struct {
	// ID is unique in the run.
	ID string
	// Name is for people.
	Name string
	// Params is what the driver is told beside the resource, as JSON. Empty: nothing.
	Params json.RawMessage
}

// Spec reads the spec of a task's resource into a type of yours.
func Spec[T any](task *Task) (T, error) {
	var spec T
	if err := json.Unmarshal(task.Resource.Spec, &spec); err != nil {
		return spec, fmt.Errorf("the spec of %s: %w", task.Resource.Name, err)
	}
	return spec, nil
}

// Params reads the parameters of a task's step into a type of yours. Without any it gives a zero value.
func Params[T any](task *Task) (T, error) {
	var params T
	if len(task.Step.Params) == 0 {
		return params, nil
	}
	if err := json.Unmarshal(task.Step.Params, &params); err != nil {
		return params, fmt.Errorf("the params of step %s: %w", task.Step.ID, err)
	}
	return params, nil
}

// newTask is the task of an offer that came at now.
func newTask(driver string, offer *conveyorv1.Reconcile, log *Logger, now time.Time) *Task {
	task := &Task{
		RunID:    offer.RunId,
		ID:       offer.TaskId,
		Attempt:  int(offer.Attempt),
		Driver:   driver,
		Event:    offer.Event,
		Cause:    offer.Cause,
		Resource: resourceOf(offer.Resource),
		Pipeline: offer.Pipeline,
		Step: Step{
			ID:     offer.GetStep().GetId(),
			Name:   offer.GetStep().GetName(),
			Params: json.RawMessage(offer.GetStep().GetParamsJson()),
		},
		Results:     offer.Results,
		Traceparent: offer.Traceparent,
		Tracestate:  offer.Tracestate,
		Log:         log,
	}
	if offer.TimeLeft != nil {
		task.Deadline = now.Add(offer.TimeLeft.AsDuration())
	}
	return task
}
