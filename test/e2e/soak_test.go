//go:build e2e

package e2e

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/heddleledger/heddle/client"
	"github.com/heddleledger/heddle/localnet"
	"github.com/heddleledger/heddle/wire/block"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/peerpb"
)

var (
	soakFor   = flag.Duration("soak", 10*time.Second, "how long TestSoak runs; `make soak` takes 20 minutes")
	soakKills = flag.Duration("soak.kill", time.Second, "how often TestSoak kills a node; `make soak` does it every minute")
)

// TestSoak kills one node after the other, as a power cut would, under a mixed load, and expects every transaction that was reported
// committed to be there on both peers, with the same state and chain of commit hashes, and nothing that grows from one kill to the next.
func TestSoak(t *testing.T) {
	n := start(t, localnet.Options{})
	for _, name := range []string{"counter", "marbles"} {
		n.install(name, "1.0", name)
		n.instantiate(name, "1.0", both, "init")
	}
	n.invoke("counter", "add", "hot", "1") // both peers have built both
	n.invoke("marbles", "create", "m0", "red", "1", "Anna")

	s := &soak{network: n, committed: map[string]string{"hot": ""}}
	load, stop := context.WithCancel(t.Context())
	var g errgroup.Group
	for worker := range 2 {
		g.Go(func() error { return s.repeat(load, s.newKey(worker)) })
	}
	g.Go(func() error { return s.repeat(load, s.hotKey) })
	g.Go(func() error { return s.repeat(load, s.marbles) })
	g.Go(func() error { return s.repeat(load, s.queries) })
	for peer := range n.Orgs {
		g.Go(func() error { return s.listen(load, peer) })
	}
	var used resources
	nodes := []localnet.Node{n.Orderer, n.Orgs[0].Peer, n.Orgs[1].Peer}
	for end := time.Now().Add(*soakFor); time.Now().Before(end); {
		victim := nodes[rand.IntN(len(nodes))]
		time.Sleep(*soakKills)
		used.sample(t, n, nodes, s.height())
		n.KillNode(victim)
		require.NoError(t, n.StartNode(t.Context(), victim))
	}
	time.Sleep(time.Second)
	stop()
	require.NoError(t, g.Wait())
	t.Log(used.String())

	s.verify()
	used.requireFlat(t)
}

// soak is a load on a network, and what came of it.
type soak struct {
	*network
	mu        sync.Mutex
	committed map[string]string // key of counter → the transaction that set it to 1
	hot       int               // times that the key "hot" was counted up for certain
	seen      uint64            // blocks that a listener has seen, of the slower one
}

// repeat runs step on connections of its own until ctx ends. What nodes that are down refuse is no failure: what matters is what they
// have confirmed.
func (s *soak) repeat(ctx context.Context, step func(context.Context, client.Route) error) error {
	for ctx.Err() == nil {
		err := s.connected(ctx, func(route client.Route) error {
			for ctx.Err() == nil {
				once, cancel := context.WithTimeout(ctx, 10*time.Second)
				err := step(once, route)
				cancel()
				if err != nil {
					return err
				}
			}
			return nil
		})
		var wrong *wrongAnswer
		if errors.As(err, &wrong) {
			return err
		}
		select {
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond): // a node is down, or on its way up
		}
	}
	return nil
}

// wrongAnswer is an answer that no killed node excuses.
type wrongAnswer struct{ error }

// connected calls f with fresh connections to all nodes.
func (s *soak) connected(ctx context.Context, f func(client.Route) error) error {
	var route client.Route
	for _, org := range s.Orgs {
		p, err := client.ConnectPeer(ctx, org.Peer.Address(), s.tls(s.PeerCA(org)))
		if err != nil {
			return err
		}
		defer p.Close()
		route.Endorsers = append(route.Endorsers, p)
	}
	o, err := client.ConnectOrderer(ctx, s.Orderer.Address(), s.tls(s.OrdererCA()))
	if err != nil {
		return err
	}
	defer o.Close()
	route.Orderer, route.Wait = o, route.Endorsers
	return f(route)
}

// newKey counts a key that nobody else touches.
func (s *soak) newKey(worker int) func(context.Context, client.Route) error {
	i := 0
	return func(ctx context.Context, route client.Route) error {
		i++
		key := fmt.Sprintf("k%d-%d", worker, i)
		r, err := s.user.Invoke(ctx, route, s.request("counter", "add", key, "1"))
		if err == nil {
			s.mu.Lock()
			s.committed[key] = r.TxID
			s.mu.Unlock()
		}
		return err
	}
}

// hotKey counts the one key, twice at a time: one of the two mostly loses.
func (s *soak) hotKey(ctx context.Context, route client.Route) error {
	errs := make(chan error, 2)
	for range cap(errs) {
		go func() {
			r, err := s.user.Invoke(ctx, route, s.request("counter", "add", "hot", "1"))
			if err == nil {
				s.mu.Lock()
				s.hot++
				s.mu.Unlock()
			} else if r != nil && len(r.Commits) == 2 && r.Commits[0].Code != r.Commits[1].Code {
				err = &wrongAnswer{fmt.Errorf("the peers differ in transaction %s: %v, %v", r.TxID, r.Commits[0].Code, r.Commits[1].Code)}
			} else if conflict(r) {
				err = nil
			}
			errs <- err
		}()
	}
	return errors.Join(<-errs, <-errs)
}

func conflict(r *client.Result) bool {
	return r != nil && len(r.Commits) > 0 && r.Commits[0].Code == peerpb.TxValidationCode_MVCC_READ_CONFLICT
}

// marbles makes marbles, lets them change hands by an index, and takes them away.
func (s *soak) marbles(ctx context.Context, route client.Route) error {
	name := fmt.Sprintf("m%d", rand.IntN(20))
	args := [][]string{
		{"create", name, "blue", "2", "Boris"}, {"transfer", name, "Clara"}, {"transferColor", "blue", "Dora"}, {"delete", name},
	}[rand.IntN(4)]
	r, err := s.user.Invoke(ctx, route, s.request("marbles", args...))
	var refused *client.EndorseError
	if errors.As(err, &refused) && refused.Response.GetResponse().GetStatus() == 500 || conflict(r) {
		return nil // the marble exists or does not, or somebody was faster
	}
	return err
}

// queries ask a peer for a key that is confirmed on both, and for a range.
func (s *soak) queries(ctx context.Context, route client.Route) error {
	s.mu.Lock()
	var key string
	for key = range s.committed {
		break // any one: maps have no order
	}
	s.mu.Unlock()
	for _, p := range route.Endorsers {
		r, err := s.user.Query(ctx, p, s.request("counter", "get", key))
		if err != nil {
			return err
		}
		if key != "hot" && string(r.Payload) != "1" {
			return &wrongAnswer{fmt.Errorf("%s says that %s, once committed, is %s", p.Address, key, r.Payload)}
		}
		if _, err := s.user.Query(ctx, p, s.request("marbles", "query", "m", "n")); err != nil {
			return err
		}
	}
	return nil
}

// listen reads a peer's blocks, each once and in order however often the peer goes away.
func (s *soak) listen(ctx context.Context, peer int) error {
	next := uint64(0)
	return s.repeat(ctx, func(_ context.Context, route client.Route) error {
		return s.user.Blocks(ctx, route.Endorsers[peer], s.Channel, client.Number(next), client.Forever(), func(b *commonpb.Block) error {
			if b.Header.Number != next {
				return &wrongAnswer{fmt.Errorf("block %d was delivered in place of %d", b.Header.Number, next)}
			}
			next++
			if peer == 0 {
				s.mu.Lock()
				s.seen = next
				s.mu.Unlock()
			}
			return nil
		})
	})
}

func (s *soak) height() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen
}

// verify holds both peers against what was confirmed, and against each other.
func (s *soak) verify() {
	t := s.t
	s.connect()
	s.invoke("counter", "add", "after", "1") // waits for both peers, so both have caught up
	require.Greater(t, len(s.committed), 1)
	t.Logf("%d new keys and %d counts of one key were confirmed in %d blocks", len(s.committed)-1, s.hot, s.height())
	delete(s.committed, "hot")
	for key, txID := range s.committed {
		require.Equal(t, "1", s.same("counter", "get", key), "key %s, transaction %s", key, txID)
		for _, p := range s.peers {
			tx, err := s.user.Transaction(t.Context(), p, s.Channel, txID)
			require.NoError(t, err)
			require.Equal(t, int32(peerpb.TxValidationCode_VALID), tx.ValidationCode)
		}
	}
	var hot int
	_, err := fmt.Sscan(s.same("counter", "get", "hot"), &hot)
	require.NoError(t, err)
	require.GreaterOrEqual(t, hot, s.hot)
	s.same("marbles", "query", "m", "n")
	var last [2][]byte
	for i, p := range s.peers {
		b, err := s.user.Block(t.Context(), p, s.Channel, client.Newest())
		require.NoError(t, err)
		last[i] = block.CommitHash(b)
	}
	require.NotEmpty(t, last[0])
	require.Equal(t, last[0], last[1])
}
