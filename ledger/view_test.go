package ledger

import (
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/ledger/rwset"
	"github.com/heddleledger/heddle/wire/block"
	"github.com/heddleledger/heddle/wire/commonpb"
)

// put commits a block that sets one key of namespace "cc".
func put(t testing.TB, l *Ledger, key, value string) {
	t.Helper()
	var set rwset.Builder
	set.Write("cc", key, []byte(value))
	info := l.Info()
	id := fmt.Sprintf("%064x", info.Height)
	b := block.New(info.Height, info.CurrentBlockHash, [][]byte{endorsed(id, set.Set(), 100)})
	require.NoError(t, l.Commit(t.Context(), &Block{Block: b, Txs: []Tx{{ID: id, Type: commonpb.HeaderType_ENDORSER_TRANSACTION, RWSet: set.Set()}}}))
}

func TestThoseWhoLookAtTheSameStateShareAView(t *testing.T) {
	l := openLedger(t, t.TempDir(), Options{})
	put(t, l, "a", "1")
	first, second := newSimulator(t, l, "tx1"), newSimulator(t, l, "tx2")
	require.Same(t, first.view.v, second.view.v)
	shared := first.view.v
	for _, s := range []*Simulator{first, second} {
		v, err := s.Get("cc", "a")
		require.NoError(t, err)
		require.Equal(t, "1", string(v))
	}
	require.Len(t, shared.finders, 1, "what the first one used to find the key serves the second")

	put(t, l, "a", "2")
	require.Empty(t, shared.finders, "a view of the past keeps nothing open")
	third := newSimulator(t, l, "tx3")
	require.NotSame(t, shared, third.view.v)
	for s, want := range map[*Simulator]string{first: "1", second: "1", third: "2"} {
		v, err := s.Get("cc", "a")
		require.NoError(t, err)
		require.Equal(t, want, string(v))
	}
	require.Empty(t, shared.finders)
	seen, err := first.view.HasTx(fmt.Sprintf("%064x", 1))
	require.NoError(t, err)
	require.False(t, seen, "in a block that came later")
	seen, err = l.HasTx(fmt.Sprintf("%064x", 1))
	require.NoError(t, err)
	require.True(t, seen)

	third.Close()
	third.Close()
	require.Nil(t, l.newest, "nobody looks at it")
	first.Close()
	v, err := second.Get("cc", "a")
	require.NoError(t, err, "the last to leave closes the view, not the first")
	require.Equal(t, "1", string(v))
}

// number is Decoded for keys whose value is a number; it counts how often it decodes.
func number(s *Simulator, key string, count *int) (int, error) {
	return Decoded(s, "cc", key, func(b []byte) (int, error) {
		*count++
		return strconv.Atoi(string(b))
	})
}

func TestDecodedOncePerState(t *testing.T) {
	l := openLedger(t, t.TempDir(), Options{})
	put(t, l, "n", "1")
	count := 0
	decoded := func(s *Simulator, want int) {
		t.Helper()
		n, err := number(s, "n", &count)
		require.NoError(t, err)
		require.Equal(t, want, n)
	}
	before := newSimulator(t, l, "tx1")
	decoded(before, 1)
	decoded(newSimulator(t, l, "tx2"), 1)
	require.Equal(t, 1, count)

	put(t, l, "n", "2") // as an upgrade replaces a definition
	after := newSimulator(t, l, "tx3")
	decoded(after, 2)
	decoded(before, 1)
	require.Equal(t, 2, count)

	// It is recorded as a Get is.
	got := newSimulator(t, l, "tx4")
	_, err := got.Get("cc", "n")
	require.NoError(t, err)
	want, err := got.Results()
	require.NoError(t, err)
	results, err := after.Results()
	require.NoError(t, err)
	require.Equal(t, want, results)
}

func TestDecodedWhatIsNotThereOrNotRight(t *testing.T) {
	l := openLedger(t, t.TempDir(), Options{})
	put(t, l, "text", "one")
	count := 0
	s, got := newSimulator(t, l, "tx1"), newSimulator(t, l, "tx2")
	for i := range 3 {
		n, err := number(s, "n", &count)
		require.NoError(t, err)
		require.Zero(t, n)
		require.Equal(t, i, count, "what is not there is not decoded")
		_, err = number(s, "text", &count)
		require.ErrorIs(t, err, strconv.ErrSyntax)
		require.Equal(t, i+1, count, "an error is not remembered")
	}
	for _, key := range []string{"n", "text"} {
		_, err := got.Get("cc", key)
		require.NoError(t, err)
	}
	want, err := got.Results()
	require.NoError(t, err)
	results, err := s.Results()
	require.NoError(t, err)
	require.Equal(t, want, results, "what was read is recorded all the same")
	s.Close()
	_, err = number(s, "text", &count)
	require.ErrorIs(t, err, errDone)
}

// Simulators come and go while blocks are committed; each sees one state.
func TestViewsWhileBlocksAreCommitted(t *testing.T) {
	l := openLedger(t, t.TempDir(), Options{})
	put(t, l, "a", "0")
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if err := consistent(l); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for i := range 200 {
		put(t, l, "a", strconv.Itoa(i+1))
	}
	close(stop)
	wg.Wait()
	require.Nil(t, l.newest)
}

// consistent looks at one state twice, by Get and by Decoded, and at the blocks before it.
func consistent(l *Ledger) error {
	s, err := l.NewSimulator("tx")
	if err != nil {
		return err
	}
	defer s.Close()
	v, err := s.Get("cc", "a")
	if err != nil {
		return err
	}
	n := 0
	d, err := number(s, "a", &n)
	if err != nil {
		return err
	}
	height, err := s.view.Height()
	if err != nil {
		return err
	}
	seen, err := s.view.HasTx(fmt.Sprintf("%064x", height-1))
	if err != nil {
		return err
	}
	if string(v) != strconv.Itoa(d) || uint64(d) != height-1 || !seen {
		return errors.Join(errors.New("the view is of two states"), fmt.Errorf("%s, %d, height %d, %t", v, d, height, seen))
	}
	return nil
}
