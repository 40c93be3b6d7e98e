package client

import (
	"context"

	"github.com/heddleledger/heddle/wire/peerpb"
)

// Follower is a stream of a peer's filtered blocks, for one goroutine.
type Follower struct {
	filtered *filtered
}

// Follow opens a stream of filtered blocks, from the newest on, and returns when it has started: every block that the peer commits from now
// on is seen. It lives until ctx ends.
func (c *Client) Follow(ctx context.Context, peer *Peer, channelID string) (*Follower, error) {
	f, err := c.openFiltered(ctx, peer, channelID)
	if err != nil {
		return nil, &DeliverError{Address: peer.Address, ChannelID: channelID, Err: err}
	}
	return &Follower{filtered: f}, nil
}

// Next waits for the next block.
func (f *Follower) Next() (*peerpb.FilteredBlock, error) {
	if b := f.filtered.first; b != nil {
		f.filtered.first = nil
		return b, nil
	}
	return f.filtered.recv()
}
