package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/heddleledger/heddle"
	"github.com/heddleledger/heddle/bench/chain"
	"github.com/heddleledger/heddle/chaincode/pack"
	"github.com/heddleledger/heddle/chaincode/platform"
	"github.com/heddleledger/heddle/localnet"
	"github.com/heddleledger/heddle/wire/peerpb"
	"github.com/heddleledger/heddle/wire/tx"
)

// Growth measures how the rates at which a peer commits and endorses move as what it has to do with grows.
//
// Each point begins with an empty ledger, which this process fills through a peer's own pipeline with a synthetic chain (package chain). It
// then commits blocks made beforehand, each of whose transactions reads one key of the state, any, and writes it. Then a real peer is
// started on that ledger, and endorses such transactions; nothing is ordered. Either is measured after a while of the same load
// that is not, so that what a peer remembers it has met, and when nothing is left to be done in the background.
type Growth struct {
	Dir          string // where everything goes; its folder crypto is that of Network
	Quick        bool   // as for Axes
	Count        int    // transactions committed, and proposals endorsed, in each round
	Rounds       int    // at each point, of which the one with the median rate counts
	Workers      int    // proposals under way at a time
	Endorsements int    // of each transaction, 1 or 2
	KeyTables    int    // the limit of msp.NewKeyTables, for committing; the peer has its own
	// Network is a network in Dir that does not run. The peer of its first organisation endorses. If nil, nothing is endorsed.
	Network *localnet.Network
	Log     *slog.Logger
	// Progress is told what begins, and of how many operations it consists; what it returns is told how many have been done, and the end. It
	// may be nil, and so may the first function that it returns.
	Progress func(name string, expected int) (progress func(done int), finish func())
	// Profile begins to profile this process under a name. It may be nil.
	Profile func(name string) (stop func() error, err error)
}

// valueSize is the size of every value in the state, in bytes.
const valueSize = 100

// Run measures along the axes. A transaction that does not end as VALID, or a proposal that is not endorsed, is an error.
func (g *Growth) Run(ctx context.Context, axes ...Axis) ([]*Curve, error) {
	people, err := chain.NewPeople(filepath.Join(g.Dir, "crypto"))
	if err != nil {
		return nil, err
	}
	path, code, err := loadChaincode(filepath.Join(g.Dir, "gopath"))
	if err != nil {
		return nil, err
	}
	var curves []*Curve
	for _, axis := range axes {
		c := &Curve{Axis: axis.Name, Title: axis.Title, Base: base(g.Quick)}
		for _, value := range axis.Values {
			s := &site{Growth: g, Setting: c.Base, name: fmt.Sprintf("%s %d", axis.Name, value), codes: map[string]int{}}
			axis.set(&s.Setting, value)
			if s.clients, err = people.Clients(s.Signers); err != nil {
				return nil, err
			}
			if s.packages, err = copies(path, code, s.Chaincodes); err != nil {
				return nil, err
			}
			p, err := s.measure(ctx, people, axis.Endorse && g.Network != nil)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", s.name, err)
			}
			p.Value = value
			c.Points = append(c.Points, p)
		}
		curves = append(curves, c)
	}
	return curves, nil
}

// loadChaincode packages the sample chaincode of loads. It writes the samples to gopath.
func loadChaincode(gopath string) (path string, code []byte, err error) {
	samples, err := heddle.Samples()
	if err != nil {
		return "", nil, err
	}
	if err := os.CopyFS(gopath, samples); err != nil {
		return "", nil, err
	}
	return platform.Collect(peerpb.ChaincodeSpec_GOLANG, "example.com/load", []string{"GOPATH=" + gopath, "GO111MODULE=off"})
}

// copies are n chaincodes of the same code.
func copies(path string, code []byte, n int) ([]*pack.Package, error) {
	all := make([]*pack.Package, n)
	for i := range all {
		raw, err := pack.Create(&peerpb.ChaincodeDeploymentSpec{CodePackage: code, ChaincodeSpec: &peerpb.ChaincodeSpec{
			Type: peerpb.ChaincodeSpec_GOLANG, ChaincodeId: &peerpb.ChaincodeID{Name: fmt.Sprintf("load%d", i+1), Version: "1.0", Path: path},
			Input: &peerpb.ChaincodeInput{},
		}})
		if err != nil {
			return nil, err
		}
		if all[i], err = pack.Parse(raw); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// site is where one point is measured.
type site struct {
	*Growth
	Setting
	name     string
	packages []*pack.Package
	clients  []tx.Signer
	chains   []*chain.Chain // one for each channel
	made     int            // transactions, of all chains

	mu    sync.Mutex
	codes map[string]int // of the transactions committed
}

// measure commits, then endorses. It leaves nothing in the folder of the peer's data but the chaincode that was built.
func (s *site) measure(ctx context.Context, people *chain.People, endorse bool) (p Point, err error) {
	for i := range s.Channels {
		c, err := chain.New(people, chain.Options{
			ChannelID: fmt.Sprintf("channel%d", i+1), Packages: s.packages, Endorsements: s.Endorsements, Clients: s.clients,
			Keys: s.Keys / s.Channels, ValueSize: valueSize,
		})
		if err != nil {
			return p, err
		}
		s.chains = append(s.chains, c)
	}
	defer func() {
		for _, dir := range []string{s.ledgers(), s.installed(), s.blocks()} {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()
	if p.Commit, err = s.commit(ctx); err != nil {
		return p, fmt.Errorf("committing: %w", err)
	}
	if endorse {
		if p.Endorse, err = s.endorse(ctx); err != nil {
			return p, fmt.Errorf("endorsing: %w", err)
		}
	}
	return p, nil
}

// The folders of a peer, and one for the blocks that are to be committed.
func (s *site) ledgers() string   { return filepath.Join(s.data(), "ledgersData") }
func (s *site) installed() string { return filepath.Join(s.data(), "chaincodes") }
func (s *site) blocks() string    { return filepath.Join(s.Dir, "blocks") }

func (s *site) data() string {
	if s.Network == nil {
		return filepath.Join(s.Dir, "data")
	}
	return s.Network.DataDir(s.Network.Orgs[0].Peer)
}

// warming is how many operations come before those that are measured: each signer is to be met many times, as long as they are not too many.
func (s *site) warming() int {
	return max(s.Count/4, min(100*s.Signers, 2*s.Count), 2*s.Signers, 2*s.Chaincodes*s.Channels)
}

// median is the result with the median rate of as many rounds as there shall be.
func (s *site) median(measure func(round int) (*Result, error)) (*Result, error) {
	var all []*Result
	for round := range s.Rounds {
		r, err := measure(round + 1)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b *Result) int { return cmp.Compare(a.TPS, b.TPS) })
	return all[len(all)/2], nil
}

// report says what is done now.
func (s *site) report(doing string, expected int) (progress func(done int), finish func()) {
	if s.Progress == nil {
		return func(int) {}, func() {}
	}
	progress, finish = s.Progress(s.name+", "+doing, expected)
	if progress == nil {
		progress = func(int) {}
	}
	return progress, finish
}
