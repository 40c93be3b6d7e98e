package network

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/heddleledger/heddle"
	"github.com/heddleledger/heddle/client"
	"github.com/heddleledger/heddle/localnet"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// Demo runs the whole life of a chaincode on a network of its own and returns the exit status.
func Demo(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	return run(ctx, NewDemo(), args, stdout, stderr)
}

// NewDemo is the command demo.
func NewDemo() *cobra.Command {
	var keep bool
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Run a network, a chaincode and some transactions",
		Long: `Run a network in a temporary directory: an orderer and two organisations with one peer each, with TLS between all of them.
A Go chaincode is packaged, installed on both peers, instantiated so that both organisations must endorse, invoked, upgraded and queried.`,
		Example: "  heddle demo",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cmd.SilenceUsage = true
			return demo(cmd.Context(), keep, cmd.OutOrStdout())
		},
	}
	cmd.Flags().BoolVar(&keep, "keep", false, "Keep the directory, to look at it or to go on with: heddle up --dir DIR")
	return cmd
}

func demo(ctx context.Context, keep bool, out io.Writer) (err error) {
	dir, err := os.MkdirTemp("", "heddle-demo-")
	if err != nil {
		return err
	}
	s := &story{out: out, began: time.Now()}
	s.begin("make keys, certificates and the genesis block of a network in " + dir)
	n, err := localnet.Open(ctx, localnet.Options{Dir: dir, FreePorts: true, BatchTimeout: 500 * time.Millisecond})
	if err != nil {
		return errors.Join(err, os.RemoveAll(dir))
	}
	s.end("organisations Org1MSP and Org2MSP, orderer in etcdraft")

	s.begin("start an orderer and two peers")
	defer func() {
		err = errors.Join(err, n.Stop())
		if err == nil && !keep {
			err = os.RemoveAll(dir)
		} else {
			fmt.Fprintf(out, "\nEverything is in %s.\n", dir)
		}
	}()
	if err := n.Start(ctx); err != nil {
		return err
	}
	s.end(fmt.Sprintf("%s at %s, %s at %s, %s at %s", n.Orderer.Name, n.Orderer.Address(),
		n.Orgs[0].Peer.Name, n.Orgs[0].Peer.Address(), n.Orgs[1].Peer.Name, n.Orgs[1].Peer.Address()))

	s.begin("create a channel and join both peers")
	if err := n.CreateChannel(ctx); err != nil {
		return err
	}
	s.end("channel " + n.Channel)

	a, err := newActors(ctx, n)
	defer a.Close()
	if err != nil {
		return err
	}
	if err := s.chaincode(ctx, n, a); err != nil {
		return err
	}
	return s.worldState(ctx, a)
}

const (
	chaincodeName = "asset"
	bothEndorse   = "AND('Org1MSP.peer','Org2MSP.peer')"
)

// chaincode is the life of a chaincode: install, instantiate, invoke, upgrade.
func (s *story) chaincode(ctx context.Context, n *localnet.Network, a *actors) error {
	gopath := filepath.Join(n.Dir, "gopath")
	samples, err := heddle.Samples()
	if err != nil {
		return err
	}
	if err := os.CopyFS(gopath, samples); err != nil {
		return err
	}
	if err := s.install(ctx, n, gopath, "1.0", "example.com/asset"); err != nil {
		return err
	}
	if err := s.deploy(ctx, a, "instantiate", (*client.Client).Instantiate, "1.0", "init", "rug", "Anna", "120"); err != nil {
		return err
	}
	for _, args := range [][]string{
		{"put", "shawl", "Boris", "35"}, {"put", "tapestry", "Anna", "900"}, {"transfer", "rug", "Boris"}, {"del", "shawl"},
	} {
		if err := s.invoke(ctx, a, a.peers, peerpb.TxValidationCode_VALID, args...); err != nil {
			return err
		}
	}
	// One organisation alone cannot change anything.
	if err := s.invoke(ctx, a, a.peers[:1], peerpb.TxValidationCode_ENDORSEMENT_POLICY_FAILURE, "transfer", "tapestry", "Mallory"); err != nil {
		return err
	}
	if err := s.install(ctx, n, gopath, "2.0", "example.com/asset2"); err != nil {
		return err
	}
	if err := s.deploy(ctx, a, "upgrade", (*client.Client).Upgrade, "2.0", "init"); err != nil {
		return err
	}
	return s.invoke(ctx, a, a.peers, peerpb.TxValidationCode_VALID, "appraise", "rug", "150")
}

// worldState asks both peers for everything the chaincode holds, and holds the answers against each other.
func (s *story) worldState(ctx context.Context, a *actors) error {
	s.begin("query the world state at both peers")
	var states []string
	for _, p := range a.peers {
		r, err := a.user.Query(ctx, p, client.Request{ChannelID: a.channel, Chaincode: chaincodeName, Args: client.Args("range", "", "")})
		if err != nil {
			return err
		}
		states = append(states, string(r.Payload))
	}
	s.end("")
	for i, state := range states {
		fmt.Fprintf(s.out, "        %s  %s\n", a.names[i], state)
	}
	if states[0] != states[1] {
		return errors.New("the peers do not agree")
	}
	fmt.Fprintf(s.out, "\nBoth peers agree. %.1f s in all.\n", time.Since(s.began).Seconds())
	return nil
}
