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
	report, ended := mind(done, start.signal)
	s.report(taskID, report)
	if !ended {
		<-done
	}
	s.stopped(step)
}

// mind waits for the work, for its whole grace when it is cancelled. It says whether the work has ended.
func mind(done <-chan report, signal *stopSignal) (report, bool) {
	select {
	case report := <-done:
		return report, true
	case <-signal.fired:
	}
	grace := time.NewTimer(time.Until(signal.why().StopBy))
	defer grace.Stop()
	select {
	case report := <-done:
		return report, true
	case <-grace.C:
		return signal.why().tooLate().report(), false
	}
}

// work calls the user's function in a goroutine of its own, and gives what it reports once.
func work(ctx context.Context, do Reconcile, task *Task) <-chan report {
	done := make(chan report, 1)
	go func() {
		said := Failure("the driver ended its goroutine").report()
		defer func() {
			task.Log.log.flush()
			done <- said
		}()
		said = reconcile(ctx, do, task)
	}()
	return done
}

// reconcile calls the user's function. An error, a panic, and a goroutine that is ended are failures
// with a trace in the log.
func reconcile(ctx context.Context, do Reconcile, task *Task) (said report) {
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
		said = Failure(cause).report()
	}()
	result, err := do(ctx, task)
	if err != nil {
		// %+v shows the trace of errors that carry one, and changes nothing for others.
		task.Log.Error(fmt.Sprintf("%+v", err))
		result = Result{Message: err.Error(), Data: result.Data}
	}
	// The form of an error and of data is the user's code too.
	said = result.report()
	returned = true
	return said
}
