package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestLoadEndsByCount(t *testing.T) {
	var calls atomic.Int64
	var told atomic.Int64
	r, err := Load{Count: 100, Workers: 7, Progress: func(done int) { told.Store(int64(done)) }}.Run(t.Context(),
		func(_ context.Context, worker, i int) (string, error) {
			calls.Add(1)
			require.Less(t, worker, 7)
			switch {
			case i%10 == 3:
				return "", errors.New("refused")
			case i%10 == 4:
				return "MVCC_READ_CONFLICT", nil
			}
			return "VALID", nil
		})
	require.NoError(t, err)
	require.EqualValues(t, 100, calls.Load())
	require.EqualValues(t, 100, told.Load())
	require.Equal(t, 90, r.Count)
	require.Equal(t, 10, r.Failed)
	require.Equal(t, map[string]int{"VALID": 80, "MVCC_READ_CONFLICT": 10}, r.Outcomes)
	require.Equal(t, map[string]int{"refused": 10}, r.Reasons)
	require.InDelta(t, float64(r.Count)/r.Seconds, r.TPS, 0.01)
	require.Equal(t, []string{"10 × MVCC_READ_CONFLICT", "10 failed: refused"}, r.remarks())
}

func TestLoadEndsByTime(t *testing.T) {
	r, err := Load{For: 100 * time.Millisecond, Workers: 2}.Run(t.Context(), func(ctx context.Context, _, i int) (string, error) {
		if i > 4 {
			<-ctx.Done() // under way at the end: neither done nor failed
			return "", ctx.Err()
		}
		return OK, nil
	})
	require.NoError(t, err)
	require.Equal(t, 5, r.Count)
	require.Zero(t, r.Failed)
}

// TestLoadCountsFromWhenDue: a stall is seen in the latency of the operations it kept waiting.
func TestLoadCountsFromWhenDue(t *testing.T) {
	r, err := Load{Count: 20, Workers: 1, Rate: 1000}.Run(t.Context(), func(_ context.Context, _, i int) (string, error) {
		if i == 0 {
			time.Sleep(200 * time.Millisecond)
		}
		return OK, nil
	})
	require.NoError(t, err)
	require.Greater(t, r.Latency.P50, 100.0)
}

func TestLoadNeedsABound(t *testing.T) {
	_, err := Load{Workers: 1}.Run(t.Context(), nil)
	require.ErrorContains(t, err, "needs a number of operations or a time")
	_, err = Load{Count: 1}.Run(t.Context(), nil)
	require.ErrorContains(t, err, "at least 1 worker")
	stopped, stop := context.WithCancel(t.Context())
	stop()
	_, err = Load{Count: 1, Workers: 1}.Run(stopped, nil)
	require.ErrorIs(t, err, context.Canceled)
}

func TestReasonsAreBounded(t *testing.T) {
	tally := newTally(time.Now())
	for i := range 1000 {
		tally.count(time.Now(), time.Now(), "", fmt.Errorf("reason %d", i))
	}
	require.Len(t, tally.reasons, maxReasons+1)
	require.Equal(t, 1000-maxReasons, tally.reasons["others"])
}

func TestRequests(t *testing.T) {
	w := &Workload{ChannelID: "c", Chaincode: "load", Reads: 2, Writes: 1, ValueSize: 3, Keys: Unique, Prefix: "p."}
	require.NoError(t, w.Validate())
	args := w.requests(0).next(7).Args
	require.Equal(t, []string{"rw", "p.r7.0,p.r7.1", "p.w7.0", "vvv"}, texts(args))

	w.Keys, w.KeySpace = Zipf, 5
	require.NoError(t, w.Validate())
	seen := map[string]int{}
	source := w.requests(0)
	for i := range 1000 {
		seen[string(source.next(i).Args[2])]++
	}
	require.LessOrEqual(t, len(seen), 5)
	require.Greater(t, seen["p.0"], 300, "the first key is the one most used")

	w.KeySpace = 1
	require.ErrorContains(t, w.Validate(), "at least 2 keys")
	w.Keys = "flat"
	require.ErrorContains(t, w.Validate(), `not "flat"`)
	w.Reads = -1
	require.ErrorContains(t, w.Validate(), "cannot be negative")
}

func texts(args [][]byte) []string {
	var all []string
	for _, a := range args {
		all = append(all, string(a))
	}
	return all
}

// cpuTime is what this process has used so far.
func cpuTime(t *testing.T) time.Duration {
	var used syscall.Rusage
	require.NoError(t, syscall.Getrusage(syscall.RUSAGE_SELF, &used))
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

func TestMeter(t *testing.T) {
	m, err := NewMeter(Process{Name: "self", PID: os.Getpid()})
	require.NoError(t, err)
	for end := cpuTime(t) + 50*time.Millisecond; cpuTime(t) < end; {
		_ = newTally(time.Now())
	}
	used, err := m.Usages(1)
	require.NoError(t, err)
	require.Greater(t, used[0].CPU, 1000.0)
	require.Greater(t, used[0].Resident, 1.0)
	require.GreaterOrEqual(t, used[0].Peak, used[0].Resident)

	_, err = NewMeter(Process{Name: "nobody", PID: 1 << 30})
	require.ErrorContains(t, err, "measuring nobody")
}

func TestReports(t *testing.T) {
	r := &Result{
		Name: "submit <1>", Count: 10, TPS: 1234.5, Latency: Latency{P50: 1.234, P95: 23.45, P99: 456.7}, Outcomes: map[string]int{"VALID": 9, "MVCC_READ_CONFLICT": 1},
		Processes: []Usage{{Name: "peer", CPU: 100, Resident: 20, Peak: 30}}, PerSecond: []int{3, 7}, Quantiles: []float64{1, 2},
	}
	var table, page strings.Builder
	require.NoError(t, WriteTable(&table, r, &Result{Name: "nothing"}))
	require.Equal(t, []string{
		"              tx  tx/s  p50 ms   p95  p99  p99.9  CPU µs/tx (peak MiB)",
		"  submit <1>  10  1234    1.23  23.4  457      -         peer 100 (30)",
		"     nothing   0     0       -     -    -      -",
		"submit <1>: 1 × MVCC_READ_CONFLICT",
		"",
	}, trimmedLines(table.String()))
	require.NoError(t, WriteHTML(&page, r, &Result{Name: "nothing"}))
	require.Contains(t, page.String(), "<h2>submit &lt;1&gt;</h2>")
	require.Contains(t, page.String(), `points="0.0,91.4 640.0,0.0 "`)
	require.Contains(t, page.String(), "1 × MVCC_READ_CONFLICT")
}

func trimmedLines(text string) []string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return lines
}

// late is a context that has not heard yet that its time is over.
type late struct{ context.Context }

func (late) Deadline() (time.Time, bool) { return time.Now().Add(-time.Millisecond), true }

func TestOver(t *testing.T) {
	require.False(t, over(t.Context()))
	require.True(t, over(late{t.Context()}))
	soon, cancel := context.WithTimeout(t.Context(), time.Hour)
	require.False(t, over(soon))
	cancel()
	require.True(t, over(soon))
}
