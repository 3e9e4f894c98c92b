package conveyor_test

// A real server process for the tests, with a store of its own; and programs of this module.

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/open-ug/conveyor/clients/go"
)

// soon bounds every wait of these tests.
const soon = 60 * time.Second

// server is a running server.
type server struct {
	t        *testing.T
	url      string
	listen   string
	data     string
	settings []string
	process  *exec.Cmd
	stderr   bytes.Buffer
}

// startServer starts the program that CONVEYOR_BIN names, with settings like "DRIVER_LEASE_TIME=2s".
func startServer(t *testing.T, settings ...string) *server {
	t.Helper()
	if os.Getenv("CONVEYOR_BIN") == "" {
		if os.Getenv("CI") != "" {
			t.Fatal("CONVEYOR_BIN does not name the server")
		}
		t.Skip("CONVEYOR_BIN does not name the server: make test does")
	}
	s := &server{t: t, listen: "127.0.0.1:0", data: filepath.Join(t.TempDir(), "data"), settings: settings}
	s.start()
	t.Cleanup(func() {
		s.kill()
		if t.Failed() {
			t.Logf("the server's stderr:\n%s", s.stderr.String())
		}
	})
	return s
}

func (s *server) start() {
	s.t.Helper()
	// A client's outgoing connection may hold the port for a moment.
	for deadline := time.Now().Add(soon); ; time.Sleep(20 * time.Millisecond) {
		line, err := s.launch()
		if err == nil {
			s.url = strings.Fields(strings.TrimPrefix(line, "listening on "))[0]
			s.listen = strings.TrimPrefix(s.url, "http://")
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("the server does not start: %v\n%s", err, s.stderr.String())
		}
	}
}

func (s *server) launch() (string, error) {
	s.process = exec.Command(os.Getenv("CONVEYOR_BIN"), "up", "--listen", s.listen, "--data", s.data)
	s.process.Env = append(s.process.Env, "HOME="+s.t.TempDir())
	for _, setting := range s.settings {
		s.process.Env = append(s.process.Env, "CONVEYOR_"+setting)
	}
	s.process.Dir = s.t.TempDir()
	s.process.Stderr = &s.stderr
	stdout, err := s.process.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := s.process.Start(); err != nil {
		return "", err
	}
	lines := bufio.NewScanner(stdout)
	if lines.Scan() && strings.HasPrefix(lines.Text(), "listening on ") {
		return lines.Text(), nil
	}
	return "", s.process.Wait()
}

// kill ends the process with no warning.
func (s *server) kill() {
	_ = s.process.Process.Kill()
	_ = s.process.Wait()
}

// post sends JSON and gives the answer.
func (s *server) post(path, body string) string {
	s.t.Helper()
	answer, err := http.Post(s.url+path, "application/json", strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	var text bytes.Buffer
	if _, err := text.ReadFrom(answer.Body); err != nil || answer.StatusCode != http.StatusCreated {
		s.t.Fatalf("POST %s: %s: %s (%v)", path, answer.Status, text.String(), err)
	}
	return text.String()
}

func (s *server) client() *conveyor.Client {
	s.t.Helper()
	client, err := conveyor.Connect(context.Background(), s.url)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = client.Close() })
	return client
}

// program builds a program of this module.
func program(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), filepath.Base(name))
	if out, err := exec.Command("go", "build", "-buildvcs=false", "-o", path, "./"+name).CombinedOutput(); err != nil {
		t.Fatalf("go build %s: %v\n%s", name, err, out)
	}
	return path
}

// run starts a program until the end of the test.
func run(t *testing.T, path string, environment ...string) *exec.Cmd {
	t.Helper()
	command := exec.Command(path)
	command.Env = append(os.Environ(), environment...)
	command.Stderr = os.Stderr
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	})
	return command
}

// until waits for a condition.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(soon); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %v", what, soon)
		}
	}
}

// tail reads the whole log of a run, to its end.
func tail(t *testing.T, client *conveyor.Client, runID string) []*conveyor.LogEntry {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), soon)
	defer cancel()
	var lines []*conveyor.LogEntry
	client.Tail(ctx, runID, conveyor.TailOptions{})(func(line *conveyor.LogEntry, err error) bool {
		if err != nil {
			t.Errorf("the tail of run %s: %v", runID, err)
			return false
		}
		lines = append(lines, line)
		return true
	})
	return lines
}

// expectNumbered fails unless the lines are "line 0", "line 1" and so on, count of them.
func expectNumbered(t *testing.T, lines []*conveyor.LogEntry, count int) {
	t.Helper()
	if len(lines) != count {
		t.Errorf("%d lines are stored, and %d were written", len(lines), count)
	}
	for number, line := range lines {
		if want := fmt.Sprintf("line %d", number); line.Message != want {
			t.Fatalf("line %d reads %q", number, line.Message)
		}
	}
}
