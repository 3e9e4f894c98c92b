//go:build !go1.20

package conveyor

// Cancels a context where its cause is known to Cause only.

import "context"

func withCause(parent context.Context) (context.Context, func(error)) {
	ctx, cancel := context.WithCancel(parent)
	return ctx, func(error) { cancel() }
}
