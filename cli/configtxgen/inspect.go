package configtxgen

import (
	"fmt"
	"os"

	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/channelconfig/deepjson"
	"github.com/heddleledger/heddle/wire/commonpb"
)

// showBlock prints the block in the file -inspectBlock names.
func (c *command) showBlock() error {
	c.log.Info("Inspecting block")
	raw, err := os.ReadFile(c.inspectBlock)
	if err != nil {
		return fmt.Errorf("Could not read block %s: %w", c.inspectBlock, err)
	}
	c.log.Info("Parsing genesis block")
	block := &commonpb.Block{}
	if err := proto.Unmarshal(raw, block); err != nil {
		return fmt.Errorf("error unmarshaling to block: error unmarshaling Block: %w", err)
	}
	return c.print(block, "malformed block contents")
}

// showChannelTx prints the transaction in the file -inspectChannelCreateTx names.
func (c *command) showChannelTx() error {
	c.log.Info("Inspecting transaction")
	raw, err := os.ReadFile(c.inspectChannelTx)
	if err != nil {
		return fmt.Errorf("could not read channel create tx: %w", err)
	}
	c.log.Info("Parsing transaction")
	tx := &commonpb.Envelope{}
	if err := proto.Unmarshal(raw, tx); err != nil {
		return fmt.Errorf("Error unmarshaling envelope: error unmarshaling Envelope: %w", err)
	}
	return c.print(tx, "malformed transaction contents")
}

func (c *command) print(m proto.Message, failure string) error {
	text, err := deepjson.Marshal(m)
	if err != nil {
		return fmt.Errorf("%s: %w", failure, err)
	}
	_, err = c.out.Write(text)
	return err
}

// showOrg prints the definition of the organization -printOrg names.
func (c *command) showOrg() error {
	for _, org := range c.top.Organizations {
		if org.Name != c.printOrg {
			continue
		}
		group, err := org.Group()
		if err != nil {
			return fmt.Errorf("bad org definition for org %s: %w", org.Name, err)
		}
		text, err := deepjson.MarshalOrg(group)
		if err != nil {
			return fmt.Errorf("malformed org definition for org: %s: %w", org.Name, err)
		}
		_, err = c.out.Write(text)
		return err
	}
	return fmt.Errorf("organization %s not found", c.printOrg)
}
