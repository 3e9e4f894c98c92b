package main

// What a spec may ask for, one function for each op.

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/open-ug/conveyor/clients/go"
)

type spec struct {
	Do []op `json:"do"`
}

type op struct {
	Op       string            `json:"op"`
	Text     string            `json:"text"`
	Count    *int              `json:"count"`
	Size     int               `json:"size"`
	Stream   string            `json:"stream"`
	Level    string            `json:"level"`
	Labels   map[string]string `json:"labels"`
	Command  []string          `json:"command"`
	Ms       int               `json:"ms"`
	Success  *bool             `json:"success"`
	Data     json.RawMessage   `json:"data"`
	DataSize *int              `json:"data_size"`
}

func reconcile(ctx context.Context, task *conveyor.Task) (conveyor.Result, error) {
	spec, err := conveyor.Spec[spec](task)
	if err != nil {
		return conveyor.Result{}, err
	}
	for _, op := range spec.Do {
		switch op.Op {
		case "error":
			return conveyor.Result{}, errors.New(op.Text)
		case "result":
			return op.result(), nil
		}
		if err := op.carryOut(ctx, task); err != nil {
			return conveyor.Result{}, err
		}
	}
	return conveyor.Success(""), nil
}

func (op op) carryOut(ctx context.Context, task *conveyor.Task) error {
	wait := time.Duration(op.Ms) * time.Millisecond
	switch op.Op {
	case "print":
		say("%s %s", task.ID, op.Text)
	case "log":
		op.log(task.Log)
	case "pipe":
		return task.Log.Run(exec.Command(op.Command[0], op.Command[1:]...))
	case "echo":
		return echo(task)
	case "sleep":
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
	case "await-cancel":
		<-ctx.Done()
		say("%s cancelled %s", task.ID, reason(ctx))
	case "linger":
		time.Sleep(wait)
	case "block":
		block(wait)
	case "throw":
		panic(op.Text)
	default:
		return fmt.Errorf("the op %q is not known", op.Op)
	}
	return nil
}

func (op op) log(log *conveyor.Logger) {
	for key, value := range op.Labels {
		log = log.With(key, value)
	}
	stream, count := "stdout", 1
	if op.Stream != "" {
		stream = op.Stream
	}
	if op.Count != nil {
		count = *op.Count
	}
	for n := 0; n < count; n++ {
		text := filled(strings.ReplaceAll(op.Text, "{n}", strconv.Itoa(n)), op.Size)
		switch op.Level {
		case "debug":
			log.Debug(text)
		case "info":
			log.Info(text)
		case "warn":
			log.Warn(text)
		case "error":
			log.Error(text)
		default:
			log.Line(stream, text)
		}
	}
}

func (op op) result() conveyor.Result {
	result := conveyor.Success(filled(op.Text, op.Size))
	result.Success = op.Success == nil || *op.Success
	switch {
	case op.DataSize != nil:
		result.Data = strings.Repeat("x", *op.DataSize)
	case op.Data != nil:
		result.Data = op.Data
	}
	return result
}

// block keeps its thread to itself, and busy.
func block(wait time.Duration) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for end := time.Now().Add(wait); time.Now().Before(end); {
	}
}

func reason(ctx context.Context) string {
	switch cause := conveyor.Cause(ctx); {
	case errors.Is(cause, conveyor.ErrDeadline):
		return "DEADLINE"
	case errors.Is(cause, conveyor.ErrFenced):
		return "FENCED"
	default:
		return "CANCELLED"
	}
}

func echo(task *conveyor.Task) error {
	params, err := conveyor.Params[any](task)
	if err != nil {
		return err
	}
	results := []map[string]any{}
	for _, result := range task.Results {
		results = append(results, map[string]any{
			"step": result.Step, "driver": result.Driver, "success": result.Success,
			"message": result.Message, "data": raw(result.DataJson),
		})
	}
	said := map[string]any{
		"task_id": task.ID, "run_id": task.RunID, "attempt": task.Attempt,
		"event": task.Event, "cause": task.Cause,
		"definition": task.Resource.Definition, "resource": task.Resource.Name,
		"revision": task.Resource.Revision, "metadata": task.Resource.Metadata,
		"spec": string(task.Resource.Spec), "step": task.Step.ID, "params": params,
		"pipeline": nil, "results": results, "ms_left": nil,
		"traceparent": task.Traceparent, "tracestate": task.Tracestate,
	}
	if task.Pipeline != nil {
		said["pipeline"] = task.Pipeline.Name
	}
	if !task.Deadline.IsZero() {
		said["ms_left"] = time.Until(task.Deadline).Milliseconds()
	}
	text, err := json.Marshal(said)
	if err == nil {
		task.Log.Line("echo", string(text))
	}
	return err
}

// raw is JSON text as it stands; none is null.
func raw(text string) json.RawMessage {
	if text == "" {
		return json.RawMessage("null")
	}
	return json.RawMessage(text)
}

func filled(text string, size int) string {
	if len(text) < size {
		text += strings.Repeat("x", size-len(text))
	}
	return text
}

// say writes a whole line for the suite. Standard output has no buffer here.
func say(format string, args ...any) {
	fmt.Fprintf(os.Stdout, format+"\n", args...)
}
