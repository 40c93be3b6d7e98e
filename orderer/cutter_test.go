package orderer

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/wire/block"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/ordererpb"
)

// bytesOf is a message that counts size bytes and is recognised by its name.
func bytesOf(name string, size int, config bool) *Message {
	env := &commonpb.Envelope{Payload: make([]byte, size-size/3), Signature: make([]byte, size/3)}
	return &Message{Envelope: env, Raw: []byte(name), Config: config}
}

func names(batch []*Message) string {
	out := make([]string, len(batch))
	for i, m := range batch {
		out[i] = string(m.Raw)
	}
	return "[" + strings.Join(out, " ") + "]"
}

// TestCutter runs testdata/cutter.txt:
//
//	limits count=N preferred=BYTES
//	add NAME=SIZE …     prints each batch that became due, and what stays pending
//	cut
func TestCutter(t *testing.T) {
	var c *Cutter
	limit := &ordererpb.BatchSize{}
	datadriven.RunTest(t, "testdata/cutter.txt", func(t *testing.T, d *datadriven.TestData) string {
		out := &strings.Builder{}
		switch d.Cmd {
		case "limits":
			var count, preferred int
			d.ScanArgs(t, "count", &count)
			d.ScanArgs(t, "preferred", &preferred)
			limit = &ordererpb.BatchSize{MaxMessageCount: uint32(count), PreferredMaxBytes: uint32(preferred), AbsoluteMaxBytes: 1 << 20}
			c = &Cutter{}
		case "add":
			for _, a := range d.CmdArgs {
				var size int
				a.Scan(t, 0, &size)
				for _, batch := range c.Add(bytesOf(a.Key, size, false), limit, time.Unix(0, 0)) {
					fmt.Fprintf(out, "%s ", names(batch))
				}
			}
			fmt.Fprintf(out, "pending %s\n", names(c.pending))
		case "cut":
			fmt.Fprintf(out, "%s\n", names(c.Cut()))
		}
		return out.String()
	})
}

// TestAssembler runs testdata/assembler.txt:
//
//	new mode=MODE count=N preferred=BYTES timeout=SECONDS inflight=N
//	add NAME=SIZE …     a name that begins with "config" is a configuration
//	at SECONDS          the clock goes on, and Next is asked; deadlines are in seconds too
//	wrote               a block has been written, and Next is asked
//	flush, reset
//
// Each command prints the blocks to propose, and the assembler's state.
func TestAssembler(t *testing.T) {
	var a *Assembler
	now := time.Unix(0, 0)
	tip := &commonpb.BlockHeader{Number: 7, PreviousHash: []byte("p"), DataHash: []byte("d")}
	last := tip
	datadriven.RunTest(t, "testdata/assembler.txt", func(t *testing.T, d *datadriven.TestData) string {
		switch d.Cmd {
		case "new":
			var mode string
			var count, preferred, timeout, inflight int
			d.ScanArgs(t, "mode", &mode)
			d.ScanArgs(t, "count", &count)
			d.ScanArgs(t, "preferred", &preferred)
			d.ScanArgs(t, "timeout", &timeout)
			d.ScanArgs(t, "inflight", &inflight)
			size := &ordererpb.BatchSize{MaxMessageCount: uint32(count), PreferredMaxBytes: uint32(preferred)}
			now, last = time.Unix(0, 0), tip
			a = NewAssembler(tip, BatchCutting(mode), inflight, func() BatchLimits {
				return BatchLimits{Size: size, Timeout: time.Duration(timeout) * time.Second}
			})
		case "add":
			for _, arg := range d.CmdArgs {
				require.True(t, a.Accepting(), "%s: not accepting before %s", d.Pos, arg.Key)
				var size int
				arg.Scan(t, 0, &size)
				a.Add(bytesOf(arg.Key, size, strings.HasPrefix(arg.Key, "config")), now)
			}
		case "at":
			s, err := strconv.ParseFloat(d.CmdArgs[0].Key, 64)
			require.NoError(t, err)
			now = time.Unix(0, 0).Add(time.Duration(s * float64(time.Second)))
		case "wrote":
			a.Wrote()
		case "flush":
			a.Flush()
		case "reset":
			a.Reset(tip)
			last = tip
		}
		out := &strings.Builder{}
		for _, b := range a.Next(now) {
			require.Equal(t, last.Number+1, b.Header.Number)
			require.Equal(t, block.HeaderHash(last), b.Header.PreviousHash)
			require.Equal(t, block.DataHash(b.Data), b.Header.DataHash)
			last = b.Header
			envelopes := make([]string, len(b.Data.Data))
			for i, e := range b.Data.Data {
				envelopes[i] = string(e)
			}
			fmt.Fprintf(out, "block %d [%s]\n", b.Header.Number, strings.Join(envelopes, " "))
		}
		fmt.Fprintf(out, "accepting=%v inflight=%d pending=%s", a.Accepting(), a.inFlight, names(a.cutter.pending))
		if at, waiting := a.Deadline(); waiting {
			fmt.Fprintf(out, " deadline=%g", at.Sub(time.Unix(0, 0)).Seconds())
		}
		if a.Idle() {
			fmt.Fprint(out, " idle")
		}
		return out.String() + "\n"
	})
}

// TestFillTime: how long the first message of a batch waited until the batch was cut; the message that cuts it by its size waited for nothing.
func TestFillTime(t *testing.T) {
	at := time.Unix(100, 0)
	limits := BatchLimits{Size: &ordererpb.BatchSize{MaxMessageCount: 2, PreferredMaxBytes: 100}, Timeout: 5 * time.Second}
	a := NewAssembler(&commonpb.BlockHeader{}, Timeout, 10, func() BatchLimits { return limits })
	var waited []time.Duration
	a.OnCut = func(d time.Duration) { waited = append(waited, d) }
	after := func(seconds time.Duration) time.Time { at = at.Add(seconds * time.Second); return at }

	add := func(m *Message, now time.Time) {
		a.Add(m, now)
		a.Next(now)
	}
	add(bytesOf("first", 10, false), after(0))
	add(bytesOf("second", 10, false), after(1)) // full
	add(bytesOf("third", 10, false), after(1))
	add(bytesOf("large", 200, false), after(2)) // after third, and alone
	add(bytesOf("fourth", 10, false), after(1))
	require.Empty(t, a.Next(after(4)))
	require.Len(t, a.Next(after(1)), 1) // timeout
	add(bytesOf("fifth", 10, false), after(1))
	add(bytesOf("config", 10, true), after(3))
	seconds := make([]float64, len(waited))
	for i, d := range waited {
		seconds[i] = d.Seconds()
	}
	require.Equal(t, []float64{1, 2, 0, 5, 3, 0}, seconds)
}
