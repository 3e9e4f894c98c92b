package conveyor

// Carries out one task: the reconcile function in a goroutine of its own, and who minds it.

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"
)

// carryOut starts the work of a task and reports its end to the ledger. Go cannot end a goroutine: work
// that outstays its grace is reported as failed, and keeps its slot until it returns.
func (s *session) carryOut(start *start) {
	defer s.tasks.Done()
	step, taskID := stepOf(start.offer), start.offer.TaskId
	task := newTask(s.driver.Name, start.offer, newLogger(start.lines), time.Now())
	ctx := start.signal.context(s.ctx)
	defer start.signal.release()
	done := work(ctx, s.driver.Reconcile, task)
	result, ended := mind(done, start.signal)
	s.report(taskID, result)
	if !ended {
		<-done
	}
	s.stopped(step)
}

// mind waits for the work, for its whole grace when it is cancelled. It says whether the work has ended.
func mind(done <-chan Result, signal *stopSignal) (Result, bool) {
	select {
	case result := <-done:
		return result, true
	case <-signal.fired:
	}
	grace := time.NewTimer(time.Until(signal.why().StopBy))
	defer grace.Stop()
	select {
	case result := <-done:
		return result, true
	case <-grace.C:
		return signal.why().tooLate(), false
	}
}

// work calls the user's function in a goroutine of its own, and gives its result once.
func work(ctx context.Context, do Reconcile, task *Task) <-chan Result {
	done := make(chan Result, 1)
	go func() {
		result := Failure("the driver ended its goroutine")
		defer func() {
			task.Log.log.flush()
			done <- result
		}()
		result = reconcile(ctx, do, task)
	}()
	return done
}

// reconcile calls the user's function. An error, a panic, and a goroutine that is ended are failures
// with a trace in the log.
func reconcile(ctx context.Context, do Reconcile, task *Task) (result Result) {
	returned := false
	defer func() {
		if returned {
			return
		}
		cause := "the driver ended its goroutine"
		if panicked := recover(); panicked != nil {
			cause = fmt.Sprintf("the driver panicked: %v", panicked)
		}
		task.Log.Error(cause + "\n" + string(debug.Stack()))
		result = Failure(cause)
	}()
	result, err := do(ctx, task)
	returned = true
	if err != nil {
		// %+v shows the trace of errors that carry one, and changes nothing for others.
		task.Log.Error(fmt.Sprintf("%+v", err))
		result = Result{Message: err.Error(), Data: result.Data}
	}
	return result
}
