//go:build e2e

package e2e

import (
	"bufio"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTheLinkerDropsMethods: nothing in the program takes methods by names or numbers that only running it tells, as text/template does. One
// function that does makes the linker keep every exported method of every type, 6 MB of them.
func TestTheLinkerDropsMethods(t *testing.T) {
	link := exec.CommandContext(t.Context(), "go", "build", "-tags", "grpcnotrace", "-trimpath", "-ldflags", "-s -w -dumpdep", "-o", os.DevNull, "../../cmd/heddle")
	link.Env = append(os.Environ(), "CGO_ENABLED=0")
	dependencies, err := link.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, link.Start())
	lines, taking := 0, map[string]bool{}
	scanner := bufio.NewScanner(dependencies)
	scanner.Buffer(nil, 1<<24)
	for ; scanner.Scan(); lines++ {
		if from, _, ok := strings.Cut(scanner.Text(), "<ReflectMethod>"); ok {
			taking[from] = true
		}
	}
	require.NoError(t, scanner.Err())
	require.NoError(t, link.Wait())
	require.Greater(t, lines, 100_000)
	require.Empty(t, taking, "these take methods by their names; package template says what that costs")
}
