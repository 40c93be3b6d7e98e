package client

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Printable is text from outside as it may be shown in one line of a terminal: whatever is not a letter, a mark, a number, a symbol or a space
// is escaped as %q does, so that it neither steers the terminal nor looks like a line of its own. Quotes and backslashes stay, so that text
// that is printable already comes out as it is.
func Printable(text string) string {
	var b strings.Builder
	for len(text) > 0 {
		r, n := utf8.DecodeRuneInString(text)
		if r == utf8.RuneError && n == 1 || !strconv.IsGraphic(r) {
			quoted := strconv.Quote(text[:n])
			b.WriteString(quoted[1 : len(quoted)-1])
		} else {
			b.WriteString(text[:n])
		}
		text = text[n:]
	}
	return b.String()
}
