package conveyor

// Cuts a child's output into lines, and lines into pieces that the server takes.

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// textLine is one line, or a part of one.
type textLine struct {
	text string
	// Whether the next one is the rest of it.
	goesOn bool
}

// splitter turns bytes into lines as they come. It holds at most one write and one line.
type splitter struct {
	bytes []byte
	limit int
}

// feed takes bytes and hands each line that is whole, or too long to wait for its end, to put.
func (s *splitter) feed(more []byte, put func(textLine)) {
	left := more
	if len(s.bytes) > 0 {
		s.bytes = append(s.bytes, more...)
		left = s.bytes
	}
	for {
		line, taken := s.next(left)
		if taken == 0 {
			break
		}
		left = left[taken:]
		put(line)
	}
	s.bytes = append(s.bytes[:0], left...)
}

// end hands over what is left: the last line had no end.
func (s *splitter) end(put func(textLine)) {
	if len(s.bytes) > 0 {
		put(textLine{text: validBytes(s.bytes)})
		s.bytes = s.bytes[:0]
	}
}

// next is the next line of left, and how many bytes it takes. None: it is not yet there.
func (s *splitter) next(left []byte) (textLine, int) {
	reach := left
	if len(reach) > s.limit+2 {
		reach = reach[:s.limit+2]
	}
	if end := bytes.IndexByte(reach, '\n'); end >= 0 {
		return textLine{text: validBytes(bytes.TrimSuffix(left[:end], []byte("\r")))}, end + 1
	}
	// One byte more than the limit may still be the first of the end of the line.
	if len(left) > s.limit+1 {
		end := wholeRunes(left[:s.limit])
		return textLine{text: validBytes(left[:end]), goesOn: true}, end
	}
	return textLine{}, 0
}

// textLines are the lines of text, without their ends. No text is one empty line.
func textLines(text string) []string {
	if strings.IndexByte(text, '\n') < 0 {
		return []string{strings.TrimSuffix(text, "\r")}
	}
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimSuffix(line, "\r")
	}
	return lines
}

// cut is how many bytes of text, limit at most, end between two characters; at least one character.
func cut(text string, limit int) int {
	// A character has up to four bytes: with a smaller limit no progress would be made.
	if limit < utf8.UTFMax {
		limit = utf8.UTFMax
	}
	if len(text) <= limit {
		return len(text)
	}
	for !utf8.RuneStart(text[limit]) {
		limit--
	}
	return limit
}

// wholeRunes is how many of the bytes there are without a character that has only begun at their end.
func wholeRunes(all []byte) int {
	for back := 1; back < utf8.UTFMax && back < len(all); back++ {
		at := len(all) - back
		if all[at] >= utf8.RuneSelf && utf8.RuneStart(all[at]) {
			if utf8.FullRune(all[at:]) {
				return len(all)
			}
			return at
		}
	}
	return len(all)
}

// validText is text with U+FFFD for what is not UTF-8.
func validText(text string) string {
	if utf8.ValidString(text) {
		return text
	}
	return validBytes([]byte(text))
}

// validBytes is the text of bytes, with U+FFFD for each longest part of a character that is none, as
// the Unicode Standard recommends and other languages do.
func validBytes(all []byte) string {
	if utf8.Valid(all) {
		return string(all)
	}
	var text strings.Builder
	for len(all) > 0 {
		char, size := utf8.DecodeRune(all)
		if char == utf8.RuneError && size == 1 {
			size = brokenRune(all)
		}
		text.WriteRune(char)
		all = all[size:]
	}
	return text.String()
}

// brokenRune is how many bytes at the start of all could have begun a character; at least one.
func brokenRune(all []byte) int {
	size := 1
	for size < len(all) && !utf8.FullRune(all[:size+1]) {
		size++
	}
	return size
}
