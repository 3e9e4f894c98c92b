//go:build go1.20

package conveyor

// Cancels a context with its cause.

import "context"

func withCause(parent context.Context) (context.Context, func(error)) {
	return context.WithCancelCause(parent)
}
