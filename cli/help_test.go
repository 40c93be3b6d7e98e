package cli

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"
)

var nowhere = IO{Stdin: strings.NewReader(""), Stdout: io.Discard, Stderr: io.Discard}

// each calls f with every command that heddle's help shows, from the root down.
func each(c *cobra.Command, f func(*cobra.Command)) {
	f(c)
	for _, below := range c.Commands() {
		if below.IsAvailableCommand() && below.Name() != "help" && below.Name() != "completion" {
			each(below, f)
		}
	}
}

// Every command says in a line what it is, in more what it does, and shows how it is typed.
func TestEveryCommandIsDescribed(t *testing.T) {
	root := newTree(nowhere)
	count := 0
	each(root, func(c *cobra.Command) {
		count++
		name := c.CommandPath()
		require.NotEmpty(t, c.Short, name)
		require.NotContains(t, c.Short, "\n", name)
		require.NotEqual(t, '.', rune(c.Short[len(c.Short)-1]), "%s: a title ends without a period", name)
		require.NotEmpty(t, c.Long, "%s: what does it do?", name)
		if c.Runnable() {
			require.NotEmpty(t, c.Example, "%s: how is it typed?", name)
		} else {
			for _, below := range c.Commands() {
				if below.IsAvailableCommand() && c != root && strings.Contains(c.Short, ":") {
					require.Contains(t, c.Short, below.Name(), "%s lists its verbs, and not this one", name)
				}
			}
		}
		for _, line := range strings.Split(c.Example, "\n") {
			require.True(t, line == "" || strings.HasPrefix(line, "  "), "%s: examples are indented by two: %q", name, line)
		}
	})
	require.Greater(t, count, 50)
}

// The flags that examples use are there.
func TestExamplesParse(t *testing.T) {
	root := newTree(nowhere)
	each(root, func(c *cobra.Command) {
		for _, line := range strings.Split(c.Example, "\n") {
			words := strings.Fields(line)
			for len(words) > 0 && strings.Contains(words[0], "=") {
				words = words[1:]
			}
			if len(words) == 0 {
				continue
			}
			if words[0] != "heddle" {
				words = append([]string{"heddle"}, words...)
			}
			found, rest, err := root.Find(words[1:])
			if err != nil || found == root {
				continue
			}
			for _, w := range rest {
				name, isFlag := strings.CutPrefix(w, "--")
				if name, _, _ = strings.Cut(name, "="); isFlag && name != "" {
					require.NotNil(t, found.Flag(name), "%s: example %q", c.CommandPath(), line)
				}
			}
		}
	})
}

func run(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = Run(context.Background(), args, IO{Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs})
	return code, out.String(), errs.String()
}

func TestCompletion(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		for _, tool := range []string{"heddle", "peer", "orderer", "cryptogen", "configtxgen", "configtxlator"} {
			code, script, stderr := run(t, tool, "completion", shell)
			require.Zero(t, code, stderr)
			require.Contains(t, script, tool+" ", "%s %s", tool, shell)
		}
	}
	for _, c := range []struct {
		typed string
		want  []string
	}{
		{"heddle peer chan", []string{"channel"}},
		{"peer channel f", []string{"fetch"}},
		{"peer channel fetch ", []string{"config", "newest", "oldest"}},
		{"peer chaincode install -l ", []string{"golang", "java", "node", "car"}},
		{"peer node rollback --", []string{"--channelID", "--blockNumber"}},
		{"peer logging setlevel endorser ", []string{"debug", "info"}},
		{"configtxlator proto_decode --type common.Conf", []string{"common.Config", "common.ConfigUpdate"}},
		{"configtxgen -out", []string{"-outputBlock", "-outputCreateChannelTx"}},
		{"heddle configtxgen -as", []string{"-asOrg"}},
		{"heddle up --consensus ", []string{"etcdraft", "solo"}},
	} {
		words := strings.Split(c.typed, " ")
		code, text, stderr := run(t, append([]string{words[0], cobra.ShellCompRequestCmd}, words[1:]...)...)
		require.Zero(t, code, stderr)
		var offered []string
		for _, line := range strings.Split(text, "\n") {
			name, _, _ := strings.Cut(line, "\t")
			offered = append(offered, name)
		}
		for _, want := range c.want {
			require.Contains(t, offered, want, c.typed)
		}
	}
}

func TestMan(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "man")
	code, stdout, stderr := run(t, "heddle", "man", "--dir", dir)
	require.Zero(t, code, stderr)
	require.Contains(t, stdout, "pages to "+dir)
	for _, page := range []string{"heddle", "heddle-up", "heddle-peer-channel-create", "peer", "peer-node-rollback", "orderer-start", "cryptogen", "configtxgen", "configtxlator-start"} {
		text, err := os.ReadFile(filepath.Join(dir, "man1", page+".1"))
		require.NoError(t, err)
		require.Contains(t, string(text), ".SH NAME")
		require.Contains(t, string(text), ".SH EXAMPLE")
	}
}
