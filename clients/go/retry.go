package conveyor

// New tries of calls that the server had no room for.
//
// A server that has fallen behind refuses with google.rpc.RetryInfo, which says two things: nothing was done, and when
// to come back. So any call may be made again, a create too.

import (
	"context"
	"math/rand"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/status"
)

// How often a call is made again, at most.
const tries = 5

// Retried makes a call, and makes it again as often as five times where the server says when to come back. Each wait is
// as long as the server says or longer, at random, so that those who were refused together do not come back together.
// When ctx ends the refusal is the answer, and so it is after the last try. Define, Create and Apply do this by
// themselves; a generated call is wrapped:
//
//	run, err := conveyor.Retried(ctx, func(ctx context.Context) (*conveyorv1.Run, error) {
//		return client.Runs().StartRun(ctx, request)
//	})
func Retried[T any](ctx context.Context, call func(context.Context) (T, error)) (T, error) {
	var wait time.Duration
	for again := 0; ; again++ {
		answer, err := call(ctx)
		least, comes := comesBackIn(err)
		if !comes || again == tries {
			return answer, err
		}
		if wait *= 2; wait > longestWait {
			wait = longestWait
		}
		if wait < least {
			wait = least
		}
		if !sleep(ctx, wait+time.Duration(rand.Float64()*float64(wait))) {
			return answer, err
		}
	}
}

// comesBackIn is when the server wants to be asked again, if it says so.
func comesBackIn(err error) (time.Duration, bool) {
	if err == nil {
		return 0, false
	}
	for _, detail := range status.Convert(err).Details() {
		if info, ok := detail.(*errdetails.RetryInfo); ok && info.RetryDelay != nil {
			return info.RetryDelay.AsDuration(), true
		}
	}
	return 0, false
}
