package localnet

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// ChannelBlock is the file that holds the channel's first block, once CreateChannel has run.
func (n *Network) ChannelBlock() string { return filepath.Join(n.Dir, "channel", n.Channel+".block") }

// CreateChannel creates the network's application channel and joins every peer to it. What was done before, it leaves.
func (n *Network) CreateChannel(ctx context.Context) error {
	if _, err := os.Stat(n.ChannelBlock()); err != nil {
		if err := n.createOrFetch(ctx); err != nil {
			return err
		}
	}
	for _, org := range n.Orgs {
		if err := n.join(ctx, org); err != nil {
			return err
		}
	}
	return nil
}

// createOrFetch asks the orderer for the channel; should it exist already, an earlier run was interrupted, and its first block is fetched.
func (n *Network) createOrFetch(ctx context.Context) error {
	admin := n.Admin(n.Orgs[0])
	create := []string{"channel", "create", "-c", n.Channel, "-f", n.channelTx(), "--outputBlock", n.ChannelBlock()}
	_, err := n.Peer(ctx, admin, append(create, n.OrdererFlags()...)...)
	if err == nil {
		return nil
	}
	fetch := []string{"channel", "fetch", "oldest", n.ChannelBlock(), "-c", n.Channel}
	if _, again := n.Peer(ctx, admin, append(fetch, n.OrdererFlags()...)...); again != nil {
		return err
	}
	return nil
}

func (n *Network) join(ctx context.Context, org Org) error {
	joined, err := n.Peer(ctx, n.Admin(org), "channel", "list")
	if err != nil {
		return err
	}
	if slices.Contains(strings.Fields(joined.Stdout), n.Channel) {
		return nil
	}
	_, err = n.Peer(ctx, n.Admin(org), "channel", "join", "-b", n.ChannelBlock())
	return err
}
