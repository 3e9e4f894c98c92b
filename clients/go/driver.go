package conveyor

// What a driver says of itself, and the function that does its work.

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"unicode/utf8"

	"github.com/open-ug/conveyor/clients/go/conveyorv1"
)

// Reconcile does the work of one task. It is called in a goroutine of its own.
//
// An error or a panic becomes a failed result, with its trace in the log. A failed result is final: the
// step is not tried again. When ctx is cancelled the work is to stop; a result that comes within the
// grace is kept, unless the task was fenced.
type Reconcile func(ctx context.Context, task *Task) (Result, error)

// Driver is a driver: its name, what it listens to, and its reconcile function.
type Driver struct {
	// Name is letters, digits and "-", 1 to 63 long. Pipelines name it.
	Name string
	// Definitions are those whose resources without a pipeline it wants to hear of. A driver without
	// any gets the steps of pipelines that name it.
	Definitions []string
	// Events it listens to: create, update, delete. None, or "*", means all but delete.
	Events []string
	// Slots is how many tasks it takes at once, 1 to 1,000. 0 means 1.
	Slots int
	// Labels are what it says of itself, 32 at most. Steps may ask for an instance that has them.
	Labels map[string]string
	// Reconcile does the work.
	Reconcile Reconcile
	// OnMessage is called with each message that is broadcast to all drivers. It must return at once,
	// since the stream waits for it.
	OnMessage func(*conveyorv1.Message)
	// StopAtLeaseEnd stops the work when the server was not heard for a whole lease, so that no other
	// instance works on the same step meanwhile. Else a driver that is cut off works on, and its
	// result counts if nobody else has taken the step.
	StopAtLeaseEnd bool
	// LogMemory is how many bytes of a task's log lines are kept in memory until the server has stored
	// them. 0 means 8 MiB, or less with many slots: 64 MiB for all.
	LogMemory int
	// LogSpill is how many bytes of a task's log lines go to a temporary file where its memory is full.
	// The file is gone with the process. When it is full too, log calls wait. 0 means 1 GiB for all
	// slots, less than 0 no file.
	LogSpill int64
}

var driverName = regexp.MustCompile(`^[A-Za-z0-9-]{1,63}$`)

// Validate says what is wrong with the driver, if anything is. The server checks the rest.
func (d *Driver) Validate() error {
	switch {
	case !driverName.MatchString(d.Name):
		return fmt.Errorf("the driver's name %q is not 1 to 63 letters, digits and \"-\"", d.Name)
	case d.Reconcile == nil:
		return errors.New("the driver " + d.Name + " has no reconcile function")
	case d.Slots < 0 || d.Slots > 1000:
		return fmt.Errorf("the driver %s has %d slots, and 1 to 1,000 are allowed", d.Name, d.Slots)
	}
	for _, text := range d.texts() {
		if !utf8.ValidString(text) {
			return fmt.Errorf("the driver %s names %q, which is not UTF-8", d.Name, text)
		}
	}
	return nil
}

// texts are those that Hello carries besides the name.
func (d *Driver) texts() []string {
	all := append(append([]string(nil), d.Definitions...), d.Events...)
	for key, value := range d.Labels {
		all = append(all, key, value)
	}
	return all
}

func (d *Driver) slots() int {
	if d.Slots == 0 {
		return 1
	}
	return d.Slots
}

// What the lines of one task may take by default, and those of all.
const (
	taskLogMemory = 8 << 20
	allLogMemory  = 64 << 20
	allLogSpill   = 1 << 30
)

// logRoom is what the lines of one task may take in memory and on disk.
func (d *Driver) logRoom() (memory int, spill int64) {
	memory, spill = d.LogMemory, d.LogSpill
	if memory <= 0 {
		memory = taskLogMemory
		if share := allLogMemory / d.slots(); memory > share {
			memory = share
		}
	}
	if spill == 0 {
		spill = allLogSpill / int64(d.slots())
	}
	if spill < 0 {
		spill = 0
	}
	return memory, spill
}
