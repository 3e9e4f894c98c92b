package conveyor

// Follows the log of a run.

import (
	"context"
	"fmt"
	"io"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/open-ug/conveyor/clients/go/conveyorv1"
)

// LogEntry is one line of a run's log.
type LogEntry = conveyorv1.LogEntry

// TailOptions say which lines of a run are wanted. The zero value means all, from the first, until the
// run has ended.
type TailOptions struct {
	// Driver and Step: only lines of these.
	Driver, Step string
	// After is the sequence number to go on after.
	After uint64
	// NoFollow ends after what is stored now.
	NoFollow bool
}

// GapError says that lines before FirstSeq are no longer kept. The tail goes on there.
type GapError struct{ FirstSeq uint64 }

// Error says which lines are gone.
func (e *GapError) Error() string {
	return fmt.Sprintf("lines before number %d are no longer kept", e.FirstSeq)
}

// Tail gives the lines of a run as an iterator, which from Go 1.23 on stands in a for loop:
//
//	for line, err := range client.Tail(ctx, runID, conveyor.TailOptions{}) { ... }
//
// It comes back by itself after a broken connection, without a line lost or given twice. It ends when the
// run has ended and all is given, after an error, and when ctx ends. A *GapError is not the end.
func (c *Client) Tail(ctx context.Context, runID string, options TailOptions) func(yield func(*LogEntry, error) bool) {
	return func(yield func(*LogEntry, error) bool) {
		follow := !options.NoFollow
		request := &conveyorv1.TailLogsRequest{
			RunId: runID, Driver: options.Driver, Step: options.Step, After: options.After, Follow: &follow,
		}
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		wait := newBackoff()
		for {
			before := request.After
			goOn, err := c.tailOnce(ctx, request, yield)
			if !goOn {
				return
			}
			if request.After > before {
				wait.reset()
			}
			if !comesBack(err) || !sleep(ctx, wait.next()) {
				yield(nil, err)
				return
			}
		}
	}
}

// tailOnce follows until the connection breaks. False: the caller, or the log, is at its end.
func (c *Client) tailOnce(ctx context.Context, request *conveyorv1.TailLogsRequest, yield func(*LogEntry, error) bool) (bool, error) {
	stream, err := c.Logs().TailLogs(ctx, request)
	if err != nil {
		return true, err
	}
	for {
		page, err := stream.Recv()
		if err == io.EOF {
			return false, nil
		}
		if err != nil {
			return true, err
		}
		if page.Gap != nil && !yield(nil, &GapError{FirstSeq: page.Gap.FirstSeq}) {
			return false, nil
		}
		for _, line := range page.Entries {
			request.After = line.Seq
			if !yield(line, nil) {
				return false, nil
			}
		}
	}
}

// comesBack says whether a new try may help.
func comesBack(err error) bool {
	switch status.Code(err) {
	case codes.Unavailable, codes.Internal, codes.ResourceExhausted:
		return true
	default:
		return false
	}
}

func sleep(ctx context.Context, delay time.Duration) bool {
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
