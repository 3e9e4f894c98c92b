package conveyor

// Runs drivers against a server.

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// DefaultServer is where a server listens that was told nothing else.
const DefaultServer = "http://127.0.0.1:8080"

// Manager runs one or more drivers against one server until it is told to stop.
type Manager struct {
	// Server is its address. Empty: that of the variable CONVEYOR_SERVER, or else DefaultServer.
	Server string
	// Drivers are those it runs.
	Drivers []*Driver
	// DrainTimeout is how long a drain may take before the tasks that are left are given back.
	// 0: no bound.
	DrainTimeout time.Duration
	// Logger is for what the runtime itself has to say, such as a broken stream. Nil: that of package log.
	Logger *log.Logger

	made, closed sync.Once
	abort        chan struct{}
}

// NewManager is a manager of drivers for the server at an address such as http://127.0.0.1:8080.
func NewManager(server string, drivers ...*Driver) *Manager {
	return &Manager{Server: server, Drivers: drivers}
}

// Run works until ctx ends, then drains: it takes no new task, ends those it has, and returns nil. A
// server that is away is waited for. It returns a *RefusedError when the server will not have one of the
// drivers; the others are drained.
func (m *Manager) Run(ctx context.Context) error {
	if err := m.validate(); err != nil {
		return err
	}
	stop, cancel := context.WithCancel(ctx)
	defer cancel()
	ends := make(chan error, len(m.Drivers))
	for _, driver := range m.Drivers {
		session := newSession(ctx, driver, m, stop.Done())
		go func() { ends <- session.run() }()
	}
	drained := make(chan struct{})
	defer close(drained)
	go m.abortAfterDrain(stop.Done(), drained)
	var first error
	for range m.Drivers {
		if err := <-ends; err != nil {
			// One driver that cannot go on ends them all.
			cancel()
			if first == nil {
				first = err
			}
		}
	}
	return first
}

// RunUntilSignal works until the process gets SIGTERM or an interrupt, then drains. A second one aborts.
func (m *Manager) RunUntilSignal() error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	ended := make(chan struct{})
	defer close(ended)
	go func() {
		for _, then := range []func(){cancel, m.Abort} {
			select {
			case <-signals:
				then()
			case <-ended:
				return
			}
		}
	}()
	return m.Run(ctx)
}

// Abort cancels the tasks that are left and gives them back, and Run returns. It is for good.
func (m *Manager) Abort() {
	m.aborted()
	m.closed.Do(func() { close(m.abort) })
}

func (m *Manager) aborted() <-chan struct{} {
	m.made.Do(func() { m.abort = make(chan struct{}) })
	return m.abort
}

func (m *Manager) abortAfterDrain(stop, drained <-chan struct{}) {
	if m.DrainTimeout <= 0 {
		return
	}
	select {
	case <-stop:
	case <-drained:
		return
	}
	timer := time.NewTimer(m.DrainTimeout)
	defer timer.Stop()
	select {
	case <-timer.C:
		m.Abort()
	case <-drained:
	}
}

func (m *Manager) validate() error {
	if len(m.Drivers) == 0 {
		return errors.New("there is no driver to run")
	}
	for _, driver := range m.Drivers {
		if err := driver.Validate(); err != nil {
			return err
		}
	}
	_, err := target(m.server())
	return err
}

func (m *Manager) server() string {
	if m.Server != "" {
		return m.Server
	}
	if server := os.Getenv("CONVEYOR_SERVER"); server != "" {
		return server
	}
	return DefaultServer
}

func (m *Manager) logf(format string, args ...any) {
	if m.Logger != nil {
		m.Logger.Printf(format, args...)
		return
	}
	log.Printf(format, args...)
}

// RefusedError says that the server will not have a driver, and would not on another try.
type RefusedError struct {
	// Driver is the driver's name.
	Driver string
	// Server is the server's address.
	Server string
	// Status is what the server said.
	Status *status.Status
}

// Error says what the server said and what to do.
func (e *RefusedError) Error() string {
	return fmt.Sprintf("the server at %s refuses driver %s: %s (%s); %s",
		e.Server, e.Driver, e.Status.Message(), e.Status.Code(), advice(e.Status.Code()))
}

// advice is what to do about a code that no new try can cure.
func advice(code codes.Code) string {
	switch code {
	case codes.InvalidArgument:
		return "mend the driver's name, definitions, events or labels"
	case codes.FailedPrecondition:
		return "bring the server into the state that it asks for"
	case codes.Unauthenticated:
		return "give the driver credentials that the server knows"
	case codes.PermissionDenied:
		return "ask for the right to run this driver"
	case codes.Unimplemented:
		return "is this a Conveyor server, and not older than the driver? Check the address"
	default:
		return "see the server's log"
	}
}
