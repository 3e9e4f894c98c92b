package conveyor

// Log lines on disk, for which there is no room in memory: a ring in a temporary file.
//
// The file has no name from its start on, so that it is gone with its process, however that ends. One
// goroutine at a time writes, and one at a time reads; the positions belong to lines.go.

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"

	"google.golang.org/protobuf/proto"

	"github.com/open-ug/conveyor/clients/go/conveyorv1"
)

// What a line needs in the file besides its content.
const spillHead = 4

// spill is the file. What is between head and tail waits to be read; both only grow.
type spill struct {
	file       *os.File
	size       int64
	head, tail int64
}

func newSpill(size int64) (*spill, error) {
	file, err := os.CreateTemp("", "conveyor-log-")
	if err != nil {
		return nil, err
	}
	// Where an open file keeps its name, close removes it.
	_ = os.Remove(file.Name())
	return &spill{file: file, size: size}, nil
}

// hasRoom says whether lines fit.
func (s *spill) hasRoom(lines []entry) bool { return s.tail+encodedSize(lines)-s.head <= s.size }

func encodedSize(lines []entry) int64 {
	size := int64(0)
	for _, line := range lines {
		size += int64(spillHead + line.bytes)
	}
	return size
}

// write puts lines behind the tail, and says how far the tail is to move.
func (s *spill) write(lines []entry, tail int64) (int64, error) {
	text := make([]byte, 0, encodedSize(lines))
	for _, line := range lines {
		text = binary.LittleEndian.AppendUint32(text, uint32(line.bytes))
		var err error
		if text, err = (proto.MarshalOptions{}).MarshalAppend(text, line.line); err != nil {
			return 0, err
		}
	}
	return int64(len(text)), s.each(text, tail, func(part []byte, at int64) error {
		_, err := s.file.WriteAt(part, at)
		return err
	})
}

// read gives the lines at head, as many as are in the buffer whole and would not take more memory than
// it; at least one. It says how far the head is to move.
func (s *spill) read(head, tail int64, buffer []byte) (lines []entry, taken int64, err error) {
	memory := len(buffer)
	if int64(len(buffer)) > tail-head {
		buffer = buffer[:tail-head]
	}
	if err := s.fill(buffer, head); err != nil {
		return nil, 0, err
	}
	for len(buffer) >= spillHead && memory > 0 {
		size := spillHead + int(binary.LittleEndian.Uint32(buffer))
		if size > len(buffer) {
			if len(lines) > 0 {
				break
			}
			if buffer, err = s.one(head, tail, size); err != nil {
				return nil, 0, err
			}
		}
		added := entry{line: new(conveyorv1.LogLine), bytes: size - spillHead}
		if err := proto.Unmarshal(buffer[spillHead:size], added.line); err != nil {
			return nil, 0, err
		}
		lines = append(lines, added)
		taken += int64(size)
		buffer = buffer[size:]
		memory -= added.cost()
	}
	return lines, taken, nil
}

// one reads a line that is longer than the buffer.
func (s *spill) one(head, tail int64, size int) ([]byte, error) {
	if int64(size) > tail-head {
		return nil, fmt.Errorf("a line of %d bytes, where %d were written", size, tail-head)
	}
	line := make([]byte, size)
	return line, s.fill(line, head)
}

func (s *spill) fill(buffer []byte, from int64) error {
	return s.each(buffer, from, func(part []byte, at int64) error {
		_, err := s.file.ReadAt(part, at)
		if err == io.EOF {
			return fmt.Errorf("the file is shorter than what was written: %w", io.ErrUnexpectedEOF)
		}
		return err
	})
}

// each does something with bytes of the ring, in two parts where they go over its end.
func (s *spill) each(bytes []byte, from int64, do func([]byte, int64) error) error {
	for len(bytes) > 0 {
		at := from % s.size
		part := bytes
		if int64(len(part)) > s.size-at {
			part = part[:s.size-at]
		}
		if err := do(part, at); err != nil {
			return err
		}
		bytes, from = bytes[len(part):], from+int64(len(part))
	}
	return nil
}

func (s *spill) close() {
	_ = s.file.Close()
	_ = os.Remove(s.file.Name())
}
