package channel

import (
	"context"
	"time"

	"github.com/heddleledger/heddle/blocksync"
	"github.com/heddleledger/heddle/channelconfig"
	"github.com/heddleledger/heddle/comm"
	"github.com/heddleledger/heddle/wire/tx"
)

// Sync says how channels pull their blocks. All fields but Endpoints must be set.
type Sync struct {
	// Dial gives the connection settings for an orderer of a channel whose configuration this is.
	Dial func(bundle *channelconfig.Bundle, address string) (comm.ClientOptions, error)
	// Endpoints gives the orderers' addresses; nil means those in the configuration.
	Endpoints func(bundle *channelconfig.Bundle) []string
	Signer    func() tx.Signer // signs a request; asked for each, since certificates are renewed
	Now       func() time.Time

	MinBackoff, MaxBackoff, Patience time.Duration // as in blocksync.Config
}

// run pulls blocks until ctx ends or the channel stops.
func (s *Sync) run(ctx context.Context, c *Channel) error {
	return blocksync.Run(ctx, blocksync.Config{
		ChannelID: c.id,
		Endpoints: func() []string {
			if s.Endpoints != nil {
				return s.Endpoints(c.Bundle())
			}
			return c.Bundle().OrdererAddresses()
		},
		Dial:       func(address string) (comm.ClientOptions, error) { return s.Dial(c.Bundle(), address) },
		Height:     c.ledger.Height,
		LastHash:   func() ([]byte, error) { return c.ledger.Info().CurrentBlockHash, nil },
		Verify:     c.Verify,
		Handle:     c.handle,
		Signer:     s.Signer,
		Now:        s.Now,
		Log:        c.o.Log,
		MinBackoff: s.MinBackoff,
		MaxBackoff: s.MaxBackoff,
		Patience:   s.Patience,
	})
}
