package configtxgen

import (
	"fmt"
	"os"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/wire"
)

// writeBlock makes the genesis block of -profile.
func (c *command) writeBlock() error {
	c.log.Info("Generating genesis block")
	if c.made.Orderer != nil && c.made.Consortiums == nil {
		c.log.Warn("Genesis block does not contain a consortiums group definition.  This block cannot be used for orderer bootstrap.")
	}
	block, err := c.made.GenesisBlock(c.channelID, time.Now())
	if err != nil {
		return err
	}
	c.log.Info("Writing genesis block")
	return write(c.outputBlock, "genesis block", block)
}

// writeChannelTx makes the transaction that asks for a channel of -profile.
func (c *command) writeChannelTx() error {
	c.log.Info("Generating new channel configtx")
	tx, err := c.made.CreateChannelTx(c.channelID, c.systemChannel, time.Now())
	if err != nil {
		return err
	}
	c.log.Info("Writing new channel tx")
	return write(c.outputChannelTx, "channel create tx", tx)
}

// writeAnchors makes the transaction that sets the anchor peers of -asOrg.
func (c *command) writeAnchors() error {
	c.log.Info("Generating anchor peer update")
	tx, err := c.made.AnchorPeersUpdate(c.channelID, c.asOrg)
	if err != nil {
		return err
	}
	c.log.Info("Writing anchor peer update")
	return write(c.outputAnchors, "channel anchor peer update", tx)
}

func write(path, what string, m proto.Message) error {
	raw, err := wire.Marshal(m)
	if err == nil {
		err = os.WriteFile(path, raw, 0o644)
	}
	if err != nil {
		return fmt.Errorf("Error writing %s: %w", what, err)
	}
	return nil
}
