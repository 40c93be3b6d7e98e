package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/heddleledger/heddle/chaincode/pack"
	"github.com/heddleledger/heddle/client"
	"github.com/heddleledger/heddle/comm"
)

// endorse starts a peer on the ledgers that are there, and measures how fast it endorses.
func (s *site) endorse(ctx context.Context) (r *Result, err error) {
	installed, err := pack.OpenStore(s.installed())
	if err != nil {
		return nil, err
	}
	for _, p := range s.packages {
		if _, err := installed.Install(p.Raw); err != nil {
			return nil, err
		}
	}
	org := s.Network.Orgs[0]
	if err := s.Network.StartNode(ctx, org.Peer); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Network.StopNode(org.Peer)) }()
	roots, err := comm.LoadRoots(s.Network.PeerCA(org))
	if err != nil {
		return nil, err
	}
	peer, err := client.ConnectPeer(ctx, org.Peer.Address(), comm.ClientOptions{TLS: &comm.ClientTLS{Roots: roots}})
	if err != nil {
		return nil, err
	}
	defer peer.Close()
	mode := s.proposals(peer)
	if _, err := s.propose(ctx, mode, "starting the chaincode", s.warming()); err != nil {
		return nil, err
	}
	process := Process{Name: "peer", PID: s.Network.Pid(org.Peer)}
	return s.median(func(int) (*Result, error) {
		if err := s.settle(ctx, process); err != nil {
			return nil, err
		}
		return Metered(func() (*Result, error) { return s.propose(ctx, mode, "endorsing", s.Count) }, process)
	})
}

// propose has proposals endorsed, every one.
func (s *site) propose(ctx context.Context, mode Mode, doing string, count int) (*Result, error) {
	progress, finish := s.report(doing, count)
	defer finish()
	r, err := Load{Count: count, Workers: s.Workers, Progress: progress}.Run(ctx, mode)
	if err != nil {
		return nil, err
	}
	if r.Failed > 0 {
		return nil, fmt.Errorf("%d of %d proposals were not endorsed: %v", r.Failed, count, r.Reasons)
	}
	r.Name = "endorse, " + s.name
	return r, nil
}

// proposals asks a peer to endorse what the transactions of the chains do: to read a key and write it, any key of any channel, for any client.
func (s *site) proposals(peer *client.Peer) Mode {
	clients := make([]*client.Client, len(s.clients))
	for i, signer := range s.clients {
		clients[i] = client.New(signer)
	}
	workers := make([]*rand.Rand, s.Workers)
	for i := range workers {
		workers[i] = rand.New(rand.NewPCG(uint64(i), 3))
	}
	return func(ctx context.Context, worker, i int) (string, error) {
		random := workers[worker]
		channel, who := s.chains[random.IntN(len(s.chains))], clients[random.IntN(len(clients))]
		chaincode, key := channel.Key(random.IntN(channel.Keys))
		proposal, err := who.NewProposal(client.Request{
			ChannelID: channel.ChannelID, Chaincode: channel.Packages[chaincode].Name,
			Args: [][]byte{[]byte("rw"), []byte(key), []byte(key), channel.Value(i)},
		})
		if err != nil {
			return "", err
		}
		_, err = who.Endorse(ctx, proposal, peer)
		return OK, err
	}
}
