package conveyor_test

// The tests' program is also the driver that some of them kill, and each test leaves no goroutine behind.

import (
	"context"
	"fmt"
	"log"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/open-ug/conveyor/clients/go"
)

func TestMain(m *testing.M) {
	if url := os.Getenv("RUN_COUNTER"); url != "" {
		endless := counter(5 * time.Millisecond)
		count := endless.Reconcile
		// Killed in the middle of its work, however late.
		endless.Reconcile = func(ctx context.Context, task *conveyor.Task) (conveyor.Result, error) {
			_, err := count(ctx, task)
			<-ctx.Done()
			return conveyor.Result{}, err
		}
		if err := conveyor.NewManager(url, endless).RunUntilSignal(); err != nil {
			log.Fatal(err)
		}
		return
	}
	code := m.Run()
	if left := leaked(); code == 0 && left != "" {
		fmt.Fprintf(os.Stderr, "goroutines are left behind:\n%s\n", left)
		code = 1
	}
	os.Exit(code)
}

// leaked are the goroutines of this module and of gRPC that do not end.
func leaked() string {
	var left []string
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		stacks := make([]byte, 1<<20)
		stacks = stacks[:runtime.Stack(stacks, true)]
		left = nil
		for _, stack := range strings.Split(string(stacks), "\n\n")[1:] {
			if strings.Contains(stack, "conveyor") || strings.Contains(stack, "google.golang.org/grpc") {
				left = append(left, stack)
			}
		}
		if len(left) == 0 {
			return ""
		}
	}
	return strings.Join(left, "\n\n")
}
