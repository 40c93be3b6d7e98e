//go:build e2e

// Package guides runs the commands of docs/, page by page, as a reader would type them.
//
// A fenced block whose language is sh is run, in order, in one shell per page that starts in an empty directory with this repository's bin and
// samples. Words behind sh say how: "background" starts something that keeps running, such as a node; "fails" ends with an error; "toolchains"
// needs more than Go, and is run where such tests are. A block whose language is text, right behind, shows what is printed: each line of it must come, "…" standing
// for anything and one space for several; behind a background block, the test waits for it. Any other block is there to be read only.
//
// "<!-- after: team.md -->" at the start of a page has the commands of that page run before.
//
// Ports (7000 to 9999) and the names of machines with a port are replaced by free ones of this machine, and `heddle up` takes free ports.
package guides

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// block is what a page wants to have run.
type block struct {
	where      string // file:line
	background bool
	fails      bool
	toolchains bool
	script     string
	shows      []string // lines of the output
}

var after = regexp.MustCompile(`^<!-- after: (\S+) -->`)

// readPage is the blocks of a page, those of the pages before it included.
func readPage(dir, name string) ([]block, error) {
	raw, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return nil, err
	}
	var blocks []block
	if m := after.FindStringSubmatch(string(raw)); m != nil {
		if blocks, err = readPage(dir, m[1]); err != nil {
			return nil, err
		}
	}
	own, err := parse(name, string(raw))
	return append(blocks, own...), err
}

func parse(name, page string) ([]block, error) {
	var blocks []block
	lines := strings.Split(page, "\n")
	runs := false // the fenced block before was run
	for i := 0; i < len(lines); i++ {
		language, fenced := strings.CutPrefix(lines[i], "```")
		if !fenced {
			runs = runs && lines[i] == ""
			continue
		}
		start := i + 1
		for i++; i < len(lines) && lines[i] != "```"; i++ {
		}
		if i == len(lines) {
			return nil, fmt.Errorf("%s:%d: the block does not end", name, start)
		}
		body := lines[start:i]
		words := strings.Fields(language)
		switch {
		case len(words) == 0:
			return nil, fmt.Errorf("%s:%d: a block without a language: sh, or text for what is printed", name, start)
		case words[0] == "sh":
			for _, w := range words[1:] {
				if w != "background" && w != "fails" && w != "toolchains" {
					return nil, fmt.Errorf("%s:%d: sh %s is nothing that can be run", name, start, w)
				}
			}
			blocks = append(blocks, block{
				where: fmt.Sprintf("%s:%d", name, start), script: strings.Join(body, "\n") + "\n",
				background: slices.Contains(words, "background"), fails: slices.Contains(words, "fails"), toolchains: slices.Contains(words, "toolchains"),
			})
			runs = true
		case words[0] == "text" && runs:
			blocks[len(blocks)-1].shows = body
			runs = false
		default:
			runs = false
		}
	}
	return blocks, nil
}

var spaces = regexp.MustCompile(` +`)

// missing is the first line that a block shows and that output has not; empty if there is none.
func (b *block) missing(output string) string {
	for _, line := range b.shows {
		parts := strings.Split(strings.TrimSpace(line), "…")
		for i := range parts {
			parts[i] = spaces.ReplaceAllString(regexp.QuoteMeta(parts[i]), " +")
		}
		if !regexp.MustCompile(strings.Join(parts, ".*")).MatchString(output) {
			return line
		}
	}
	return ""
}
