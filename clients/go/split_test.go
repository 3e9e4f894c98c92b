package conveyor

// How output becomes lines, and bytes text.

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

func TestTextIsCutAtItsLineEnds(t *testing.T) {
	for text, want := range map[string]string{
		"": `[""]`, "a": `["a"]`, "a\n": `["a"]`, "a\r\n\nb\n": `["a" "" "b"]`, "\n": `[""]`, "a\r": `["a"]`,
	} {
		if got := fmt.Sprintf("%q", textLines(text)); got != want {
			t.Errorf("%q becomes %s, not %s", text, got, want)
		}
	}
}

// split is what becomes of parts: each line ended by $, or by + where it goes on.
func split(parts [][]byte, limit int) string {
	var all strings.Builder
	put := func(line textLine) {
		all.WriteString(line.text)
		if line.goesOn {
			all.WriteString("+")
		} else {
			all.WriteString("$")
		}
	}
	splitter := splitter{limit: limit}
	for _, part := range parts {
		splitter.feed(part, put)
	}
	splitter.end(put)
	return all.String()
}

func TestLinesDoNotDependOnHowTheBytesCome(t *testing.T) {
	text := []byte("one\r\ntwo\n\n\u00e4\u00e4\u20ac\U0001f980\nmuch too long\r\nabcdefgh\r\nend")
	whole := split([][]byte{text}, 8)
	if want := "one$two$$\u00e4\u00e4\u20ac+\U0001f980$much too+ long$abcdefgh$end$"; whole != want {
		t.Fatalf("got %q, want %q", whole, want)
	}
	for size := 1; size < len(text); size++ {
		var parts [][]byte
		for left := text; len(left) > 0; left = left[len(parts[len(parts)-1]):] {
			parts = append(parts, left[:min(size, len(left))])
		}
		if got := split(parts, 8); got != whole {
			t.Errorf("in parts of %d: %q", size, got)
		}
	}
}

func TestBytesThatAreNoTextMakeProgress(t *testing.T) {
	if got := split([][]byte{bytes.Repeat([]byte{0xff}, 9)}, 4); strings.Count(got, "\ufffd") != 9 {
		t.Errorf("got %q", got)
	}
	if got := split([][]byte{nil}, 4); got != "" {
		t.Errorf("nothing becomes %q", got)
	}
}

func TestBrokenCharactersBecomeOneMarkEach(t *testing.T) {
	for bytes, want := range map[string]string{
		"a\xffb":             "a\ufffdb",
		"\xe2\x82":           "\ufffd",
		"\xe2\x82A":          "\ufffdA",
		"\xf0\x9f\xa6\xf0":   "\ufffd\ufffd",
		"\xed\xa0\x80":       "\ufffd\ufffd\ufffd",
		"\xc0\xaf":           "\ufffd\ufffd",
		"\xf0\x9f\x98\x80ok": "\U0001f600ok",
		"\ufffd":             "\ufffd",
	} {
		if got := validText(bytes); got != want {
			t.Errorf("%q becomes %q, not %q", bytes, got, want)
		}
	}
}

func TestTextIsCutBetweenCharacters(t *testing.T) {
	for limit, want := range map[int]int{0: 4, 4: 4, 5: 4, 6: 4, 7: 7, 8: 8, 99: 8} {
		if got := cut("a\u20ac\u20acb", limit); got != want {
			t.Errorf("with a limit of %d it is cut at %d, not %d", limit, got, want)
		}
	}
}

func min(a, b int) int {
	if a < b {
		return a
	}
	return b
}
