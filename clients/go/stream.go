package conveyor

// One stream of a driver instance: opens it, speaks until it ends, and says how it ended.

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/open-ug/conveyor/clients/go/conveyorv1"
)

const (
	// How long a stream may take from the connection to the Welcome.
	openTimeout = 10 * time.Second
	// How long the server may take to end a stream that this side has closed.
	closeTimeout = 5 * time.Second
	// What a server that names no heartbeat period means.
	defaultPeriod = 10 * time.Second
)

// How a stream ended. Any other error: by the other side or the network, and a new one is due.
var (
	errDrained  = errors.New("the driver is drained")
	errReplaced = errors.New("another stream has taken this instance's place, so its tasks stop")
	errSilent   = errors.New("the server is silent")
	errEnded    = errors.New("the server ended the stream")
	errOpenLate = errors.New("the server does not answer")
)

// stream is a stream after its Welcome.
type stream struct {
	session *session
	conn    *grpc.ClientConn
	rpc     conveyorv1.DriverService_DriverStreamClient
	// Ends the stream at once.
	cancel context.CancelFunc
	period time.Duration
	// When the server was last heard, in nanoseconds since start.
	heardAt atomic.Int64
	start   time.Time
	// Messages of a kind that this version does not know.
	unknown int
	// One word for each sent message, for a reader that waits for acks to leave.
	sent chan struct{}
	// Closed when this side has nothing more to say.
	closing chan struct{}
}

// openStream connects and says hello. Each stream has a connection of its own: what ailed the last one
// is left behind.
func (s *session) openStream(ctx context.Context, hello *conveyorv1.Hello) (*stream, *conveyorv1.Welcome, error) {
	conn, err := dial(s.server)
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	st := &stream{
		session: s, conn: conn, cancel: cancel, start: time.Now(),
		sent: make(chan struct{}, 1), closing: make(chan struct{}),
	}
	late := time.AfterFunc(openTimeout, cancel)
	welcome, err := st.greet(ctx, hello)
	if !late.Stop() && err != nil {
		err = errOpenLate
	}
	if err != nil {
		st.close()
		return nil, nil, err
	}
	st.period = welcome.HeartbeatPeriod.AsDuration()
	if st.period <= 0 {
		st.period = defaultPeriod
	}
	return st, welcome, nil
}

// greet says hello and waits for the Welcome. What comes before it is skipped.
func (st *stream) greet(ctx context.Context, hello *conveyorv1.Hello) (*conveyorv1.Welcome, error) {
	rpc, err := conveyorv1.NewDriverServiceClient(st.conn).DriverStream(ctx)
	if err != nil {
		return nil, err
	}
	st.rpc = rpc
	first := &outgoing{Kind: &conveyorv1.DriverStreamRequest_Hello{Hello: hello}}
	// Of a stream that has ended already the next read says why.
	if err := rpc.Send(first); err != nil && err != io.EOF {
		return nil, err
	}
	for {
		message, err := rpc.Recv()
		if err != nil {
			return nil, err
		}
		if welcome := message.GetWelcome(); welcome != nil {
			st.heard()
			return welcome, nil
		}
	}
}

func (st *stream) close() {
	st.cancel()
	_ = st.conn.Close()
}

// converse speaks until the stream ends, or until the drain of the ledger is complete. It reads, writes
// and beats in goroutines of their own, which are gone when it returns.
func (st *stream) converse() error {
	ends := make(chan error, 1)
	var both sync.WaitGroup
	both.Add(2)
	go func() { defer both.Done(); ends <- st.read() }()
	go func() { defer both.Done(); st.write() }()
	err := st.beat(ends)
	st.close()
	both.Wait()
	if st.unknown > 1 {
		st.session.logf("skipped %d messages of unknown kinds on this stream", st.unknown)
	}
	return err
}

// beat keeps the heartbeat going and watches whether the server is heard, until the stream ends.
func (st *stream) beat(ends <-chan error) error {
	ticker := time.NewTicker(st.period)
	defer ticker.Stop()
	silence := time.NewTimer(2 * st.period)
	defer silence.Stop()
	closing, closed := st.closing, (<-chan time.Time)(nil)
	for {
		select {
		case err := <-ends:
			if closing == nil {
				return errDrained
			}
			return err
		case <-ticker.C:
			st.session.beat()
		case <-silence.C:
			left := 2*st.period - st.unheard()
			if left <= 0 {
				return errSilent
			}
			silence.Reset(left)
		case <-closing:
			closing = nil
			timer := time.NewTimer(closeTimeout)
			defer timer.Stop()
			closed = timer.C
		case <-closed:
			return errDrained
		}
	}
}

// write sends what the ledger has to say.
func (st *stream) write() {
	s := st.session
	for {
		message, drained := s.nextMessage()
		switch {
		case drained:
			close(st.closing)
			_ = st.rpc.CloseSend()
			return
		case message == nil:
			if !s.waitChange(st.rpc.Context()) {
				return
			}
		default:
			if err := st.rpc.Send(message); err != nil {
				// The reader learns why.
				return
			}
			notify(st.sent)
		}
	}
}

// read takes what the server sends, until the stream ends.
func (st *stream) read() error {
	for {
		message, err := st.rpc.Recv()
		if err == io.EOF {
			return errEnded
		}
		if err != nil {
			return err
		}
		st.heard()
		st.take(message)
		for !st.session.canReceive() {
			select {
			case <-st.sent:
			case <-st.rpc.Context().Done():
				return st.rpc.Context().Err()
			}
		}
	}
}

// take takes one message.
func (st *stream) take(message *incoming) {
	switch kind := message.Kind.(type) {
	case *conveyorv1.DriverStreamResponse_Message:
		st.session.tell(kind.Message)
	case nil:
		st.unknown++
		if st.unknown == 1 {
			st.session.logf("skips a kind of message that it does not know: is the server newer?")
		}
	default:
		st.session.receive(message)
	}
}

func (st *stream) heard() { st.heardAt.Store(int64(time.Since(st.start))) }

// unheard is how long the server has said nothing.
func (st *stream) unheard() time.Duration {
	return time.Since(st.start) - time.Duration(st.heardAt.Load())
}

// ending reads how a stream ended: with errReplaced, with a *RefusedError where no new try can help, or
// with what to tell people before the next.
func (s *session) ending(err error) error {
	said, ok := status.FromError(err)
	if !ok || err == nil {
		return err
	}
	switch said.Code() {
	case codes.Aborted:
		return errReplaced
	case codes.InvalidArgument, codes.FailedPrecondition, codes.Unauthenticated, codes.PermissionDenied, codes.Unimplemented:
		return &RefusedError{Driver: s.driver.Name, Server: s.server, Status: said}
	}
	return fmt.Errorf("the stream ended: %s (%s)", said.Message(), said.Code())
}
