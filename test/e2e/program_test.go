//go:build e2e

package e2e

import (
	"bufio"
	"debug/buildinfo"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/test/kit"
)

// TestTheLinkerDropsMethods: nothing in the program takes methods by names or numbers that only running it tells, as text/template does. One
// function that does makes the linker keep every exported method of every type, 6 MB of them. The program is linked as bin/heddle was.
func TestTheLinkerDropsMethods(t *testing.T) {
	built, err := buildinfo.ReadFile(kit.Binary(t))
	require.NoError(t, err)
	as := map[string]string{}
	for _, s := range built.Settings {
		as[s.Key] = s.Value
	}
	link := exec.CommandContext(t.Context(), "go", "build", "-tags", as["-tags"], "-trimpath="+as["-trimpath"], "-ldflags", "-s -w -dumpdep", "-o", os.DevNull, "../../cmd/heddle")
	link.Env = append(os.Environ(), "CGO_ENABLED="+as["CGO_ENABLED"])
	dependencies, err := link.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, link.Start())
	lines, last, taking := 0, "", map[string]bool{}
	scanner := bufio.NewScanner(dependencies)
	scanner.Buffer(nil, 1<<24)
	for ; scanner.Scan(); lines++ {
		last = scanner.Text()
		if from, _, ok := strings.Cut(last, "<ReflectMethod>"); ok {
			taking[from] = true
		}
	}
	require.NoError(t, scanner.Err())
	require.NoError(t, link.Wait(), last)
	require.Greater(t, lines, 100_000)
	require.Empty(t, taking, "these take methods by their names; package template says what that costs")
}
