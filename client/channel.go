package client

import (
	"context"
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// Join makes the peer join the channel whose genesis block this is.
func (c *Client) Join(ctx context.Context, peer *Peer, genesis *commonpb.Block) error {
	raw, err := wire.Marshal(genesis)
	if err != nil {
		return err
	}
	_, err = c.Query(ctx, peer, system("", "cscc", []byte("JoinChain"), raw))
	return err
}

// Channels lists the channels the peer has joined.
func (c *Client) Channels(ctx context.Context, peer *Peer) ([]string, error) {
	r := &peerpb.ChannelQueryResponse{}
	if err := c.querySystem(ctx, peer, r, "", "cscc", "GetChannels"); err != nil {
		return nil, err
	}
	ids := make([]string, len(r.Channels))
	for i, info := range r.Channels {
		ids[i] = info.GetChannelId()
	}
	return ids, nil
}

// ConfigBlock is the channel's newest configuration block, as the peer knows it.
func (c *Client) ConfigBlock(ctx context.Context, peer *Peer, channelID string) (*commonpb.Block, error) {
	b := &commonpb.Block{}
	return b, c.querySystem(ctx, peer, b, "", "cscc", "GetConfigBlock", channelID)
}

// ChainInfo is the height of the peer's ledger of the channel and the hashes of its last blocks. As Fabric's command does, it asks
// outside any channel, so that a peer which has not joined it says so.
func (c *Client) ChainInfo(ctx context.Context, peer *Peer, channelID string) (*commonpb.BlockchainInfo, error) {
	info := &commonpb.BlockchainInfo{}
	return info, c.querySystem(ctx, peer, info, "", "qscc", "GetChainInfo", channelID)
}

// Transaction is a committed transaction with its validation code, as the peer's ledger holds it.
func (c *Client) Transaction(ctx context.Context, peer *Peer, channelID, txID string) (*peerpb.ProcessedTransaction, error) {
	t := &peerpb.ProcessedTransaction{}
	return t, c.querySystem(ctx, peer, t, channelID, "qscc", "GetTransactionByID", channelID, txID)
}

// BlockByTxID is the block that holds the first transaction with an id, with its validation codes, as the peer's ledger holds it.
func (c *Client) BlockByTxID(ctx context.Context, peer *Peer, channelID, txID string) (*commonpb.Block, error) {
	b := &commonpb.Block{}
	return b, c.querySystem(ctx, peer, b, channelID, "qscc", "GetBlockByTxID", channelID, txID)
}

func (c *Client) querySystem(ctx context.Context, peer *Peer, into proto.Message, channelID, chaincode string, args ...string) error {
	r, err := c.Query(ctx, peer, system(channelID, chaincode, Args(args...)...))
	if err != nil {
		return err
	}
	if err := proto.Unmarshal(r.Payload, into); err != nil {
		return fmt.Errorf("peer %s: answer of %s.%s: %w", peer.Address, chaincode, args[0], err)
	}
	return nil
}

// system is a call of a system chaincode.
func system(channelID, chaincode string, args ...[]byte) Request {
	return Request{ChannelID: channelID, Chaincode: chaincode, Args: args, Type: peerpb.ChaincodeSpec_GOLANG}
}
