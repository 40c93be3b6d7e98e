package differential

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/channel"
)

// The environment of a test process that is to be killed: the folder it works in, and the capture it commits.
const (
	victimDir     = "DIFFERENTIAL_VICTIM_DIR"
	victimCapture = "DIFFERENTIAL_VICTIM_CAPTURE"
)

// TestVictim is no test but what TestKilled kills: it commits a captured chain from where the last one was killed, and says how far it has come.
func TestVictim(t *testing.T) {
	dir := os.Getenv(victimDir)
	if dir == "" {
		return
	}
	captured, err := load[Captured](os.Getenv(victimCapture))
	require.NoError(t, err)
	chain, err := captured.Chain()
	require.NoError(t, err)
	o := chain.resume(t, dir, func(n uint64) {
		fmt.Printf("committed %d\n", n)
		time.Sleep(5 * time.Millisecond) // else it would be through before anybody could kill it
	})
	for n, raw := range captured.Blocks {
		require.Equal(t, raw, o.Blocks[n], "bytes of block %d", n)
	}
	require.Equal(t, captured.StateHash, o.StateHash())
	fmt.Println("done")
}

// TestKilled kills a peer again and again while it commits a captured chain, each time a few blocks later, and wants what a peer that nobody
// kills makes of it.
func TestKilled(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "seed*.zst"))
	require.NoError(t, err)
	self, err := os.Executable()
	require.NoError(t, err)
	dir := t.TempDir()
	random := rand.New(rand.NewPCG(1, 2))
	kills := 0
	for done := false; !done; {
		done = func() bool {
			ctx, kill := context.WithCancel(t.Context())
			cmd := exec.CommandContext(ctx, self, "-test.run", "^TestVictim$", "-test.v")
			cmd.Env = append(os.Environ(), victimDir+"="+dir, victimCapture+"="+files[0])
			cmd.Stderr = os.Stderr
			out, err := cmd.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, cmd.Start())
			defer func() {
				kill()
				_ = cmd.Wait()
			}()
			left := 1 + random.IntN(4)
			for lines := bufio.NewScanner(out); lines.Scan(); {
				switch {
				case lines.Text() == "done":
					return true
				case strings.HasPrefix(lines.Text(), "committed"):
					if left--; left == 0 {
						time.Sleep(time.Duration(random.IntN(8000)) * time.Microsecond) // anywhere in the next block
						kills++
						return false
					}
				case strings.Contains(lines.Text(), "FAIL"):
					require.Fail(t, "the peer does not go on", "after %d kills: %s", kills, lines.Text())
				}
			}
			require.Fail(t, "the peer ended by itself", "after %d kills", kills)
			return true
		}()
	}
	require.Greater(t, kills, 5)
}

// resume is Commit for a peer that may have begun before, in a folder that stays. each is told of every block committed.
func (c *Chain) resume(t testing.TB, dir string, each func(uint64)) *Outcome {
	registry, err := channel.Open(t.Context(), channel.Options{
		Dir: dir, Log: slog.New(slog.DiscardHandler), OnCommit: func(b channel.Committed) { each(b.Block.Header.Number) },
	})
	require.NoError(t, err)
	defer func() { require.NoError(t, registry.Close()) }()
	return c.commit(t, registry)
}
