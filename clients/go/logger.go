package conveyor

// Where a task logs. Lines are kept until they are on the server's disk.

import (
	"fmt"
	"io"
	"os/exec"
	"sync"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/open-ug/conveyor/clients/go/conveyorv1"
)

const (
	// The stream of lines that the driver itself says, as opposed to what its children print.
	ownStream = "driver"
	// The label of a line that goes on in the next one, since it was too long for one.
	splitLabel = "split"
	// A line has at most 32 labels; one is left for splitLabel.
	maxLabels = 31
	// The most bytes of a label's key or a stream's name, and of a label's value. Longer ones are cut.
	maxName, maxValue = 128, 1 << 10
)

// Logger writes the log of one task. Copies write to the same log, and any goroutine may.
//
// Calls return when the line is kept, not when it is on the server's disk. When memory and file are full
// they wait for room. After the task has ended, or was fenced, lines are dropped.
//
// Labels are given as keys and values in turn: log.Info("pushed", "image", name, "layers", 3).
type Logger struct {
	log    *taskLog
	labels map[string]string
	// The labels with each level, made once, since most lines have no labels of their own.
	debug, info, warn, error map[string]string
	out                      *lineWriter
}

// taskLog is what the loggers of one task share.
type taskLog struct {
	lines *lines

	mu      sync.Mutex
	writers map[*lineWriter]struct{}
}

func newLogger(lines *lines) *Logger {
	log := &taskLog{lines: lines, writers: map[*lineWriter]struct{}{}}
	return log.logger(nil)
}

func (t *taskLog) logger(labels map[string]string) *Logger {
	logger := &Logger{log: t, labels: labels}
	logger.debug = withLevel(labels, "debug")
	logger.info = withLevel(labels, "info")
	logger.warn = withLevel(labels, "warn")
	logger.error = withLevel(labels, "error")
	logger.out = logger.writer("stdout")
	return logger
}

// With is the same log, with more labels on each line; at most 31 in all.
func (l *Logger) With(labels ...any) *Logger { return l.log.logger(l.merge(pairs(labels))) }

// Debug writes what helps to find a fault.
func (l *Logger) Debug(text string, labels ...any) { l.say(l.debug, text, labels) }

// Info writes what is good to know.
func (l *Logger) Info(text string, labels ...any) { l.say(l.info, text, labels) }

// Warn writes what may be wrong.
func (l *Logger) Warn(text string, labels ...any) { l.say(l.warn, text, labels) }

// Error writes what is wrong.
func (l *Logger) Error(text string, labels ...any) { l.say(l.error, text, labels) }

// Log writes lines with labels given as a map, which may be nil. The error is always nil: a line is kept
// until the server has it.
func (l *Logger) Log(labels map[string]string, text string) error {
	l.put(ownStream, text, l.merge(labels))
	return nil
}

// Line writes text as a line of stream: stdout, stderr, or a word of your own. Text of several lines
// becomes several lines, empty text an empty one.
func (l *Logger) Line(stream, text string) { l.put(stream, text, l.labels) }

// Write makes the logger an io.Writer of the stream stdout. What has no end of line yet waits for it, or
// for the end of the task.
func (l *Logger) Write(bytes []byte) (int, error) { return l.out.Write(bytes) }

// Writer writes what it is given to stream, line by line. Bytes that are not UTF-8 become U+FFFD. Close,
// or the end of the task, writes a last line that has no end. It never fails, so that no child is held up
// by lines that are dropped.
func (l *Logger) Writer(stream string) io.WriteCloser { return l.writer(stream) }

// Pipe reads output to its end and writes it to stream, line by line.
func (l *Logger) Pipe(stream string, output io.Reader) error {
	writer := l.writer(stream)
	defer writer.Close()
	_, err := io.Copy(writer, output)
	return err
}

// Run runs a command with its output in the log: the streams stdout and stderr, unless the command has
// others already. Make it with exec.CommandContext, so that it ends with the task.
func (l *Logger) Run(command *exec.Cmd) error {
	if command.Stdout == nil {
		stdout := l.writer("stdout")
		defer stdout.Close()
		command.Stdout = stdout
	}
	if command.Stderr == nil {
		stderr := l.writer("stderr")
		defer stderr.Close()
		command.Stderr = stderr
	}
	return command.Run()
}

// say writes lines with the labels of a level, and more where there are any.
func (l *Logger) say(level map[string]string, text string, labels []any) {
	if len(labels) > 0 {
		level = merged(l.merge(pairs(labels)), level)
	}
	l.put(ownStream, text, level)
}

func (l *Logger) put(stream, text string, labels map[string]string) {
	stream = clip(stream, maxName)
	for _, line := range textLines(validText(text)) {
		l.log.put(stream, textLine{text: line}, labels)
	}
}

// put writes a line, or several when it is too long for one.
func (t *taskLog) put(stream string, line textLine, labels map[string]string) {
	now := timestamppb.Now()
	for left := line.text; ; {
		end := cut(left, t.lines.lineBytes)
		written := &conveyorv1.LogLine{Time: now, Stream: stream, Labels: labels, Message: left[:end]}
		left = left[end:]
		if left != "" || line.goesOn {
			written.Labels = merged(labels, map[string]string{splitLabel: "true"})
		}
		t.lines.push(written)
		if left == "" {
			return
		}
	}
}

// flush writes the last lines of all writers that were not closed.
func (t *taskLog) flush() {
	t.mu.Lock()
	open := make([]*lineWriter, 0, len(t.writers))
	for writer := range t.writers {
		open = append(open, writer)
	}
	t.mu.Unlock()
	for _, writer := range open {
		_ = writer.Close()
	}
}

// lineWriter writes bytes to the log, line by line.
type lineWriter struct {
	logger *Logger
	stream string

	mu       sync.Mutex
	splitter splitter
}

func (l *Logger) writer(stream string) *lineWriter {
	limit := l.log.lines.lineBytes
	return &lineWriter{logger: l, stream: clip(stream, maxName), splitter: splitter{limit: limit}}
}

// Write takes bytes; whole lines go to the log.
func (w *lineWriter) Write(bytes []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.splitter.feed(bytes, w.put)
	w.remember(len(w.splitter.bytes) > 0)
	return len(bytes), nil
}

// Close writes a last line that has no end.
func (w *lineWriter) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.splitter.end(w.put)
	w.remember(false)
	return nil
}

func (w *lineWriter) put(line textLine) { w.logger.log.put(w.stream, line, w.logger.labels) }

// remember notes whether the writer holds the start of a line, for the end of the task.
func (w *lineWriter) remember(holds bool) {
	log := w.logger.log
	log.mu.Lock()
	defer log.mu.Unlock()
	if holds {
		log.writers[w] = struct{}{}
	} else {
		delete(log.writers, w)
	}
}

// merge is the logger's labels and more, within the limits.
func (l *Logger) merge(more map[string]string) map[string]string {
	fit := map[string]string{}
	for key, value := range more {
		if key = clip(key, maxName); key != "" {
			fit[key] = clip(value, maxValue)
		}
	}
	return merged(l.labels, fit)
}

func withLevel(labels map[string]string, level string) map[string]string {
	return merged(labels, map[string]string{"level": level})
}

// merged is labels and more; those that are too many are left out.
func merged(labels, more map[string]string) map[string]string {
	all := make(map[string]string, len(labels)+len(more))
	for key, value := range labels {
		all[key] = value
	}
	for key, value := range more {
		_, known := all[key]
		if known || len(all) < maxLabels || key == splitLabel {
			all[key] = value
		}
	}
	return all
}

// pairs reads keys and values in turn. A key without a value has an empty one.
func pairs(labels []any) map[string]string {
	all := make(map[string]string, (len(labels)+1)/2)
	for i := 0; i < len(labels); i += 2 {
		value := ""
		if i+1 < len(labels) {
			value = fmt.Sprint(labels[i+1])
		}
		all[fmt.Sprint(labels[i])] = value
	}
	return all
}

func clip(text string, most int) string {
	text = validText(text)
	return text[:cut(text, most)]
}
