package blocksync

import (
	"context"
	"log/slog"
	"time"

	"github.com/heddleledger/heddle/comm"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/tx"
)

// Config says what to pull, from where, and what to do with it. All fields without a default must be set.
type Config struct {
	ChannelID string
	// Endpoints are the orderers' addresses (host:port) now; asked again before each connection, since a configuration block may change them.
	Endpoints func() []string
	// Dial gives the connection settings for an address, asked before each connection: the trusted TLS roots change with the channel's
	// configuration. The TLS certificate in it is also what requests are bound to.
	Dial func(address string) (comm.ClientOptions, error)
	// Height is how many blocks the channel has. It is read once, at the start; from then on Run counts for itself, so that blocks which
	// Handle has taken but not yet stored are not pulled again.
	Height func() uint64
	// LastHash is the header hash of block Height()-1, against which the first pulled block is held; nil if Height() is 0.
	LastHash func() ([]byte, error)
	// Verify checks the orderer's signature over a block against the channel's policy /Channel/Orderer/BlockValidation.
	Verify func(*commonpb.Block) error
	// Handle takes the next block. An error ends Run: it means the block could not be stored, not that it is bad.
	Handle func(context.Context, *commonpb.Block) error
	Signer func() tx.Signer // asked for each request, since certificates are renewed
	Now    func() time.Time
	Log    *slog.Logger

	MinBackoff time.Duration // the first wait after a round of failures; 0 means 100 ms
	MaxBackoff time.Duration // the longest; 0 means 10 s
	Patience   time.Duration // how long orderers may fail until the log says that this is too long; trying goes on. 0 means for ever
}

func (c Config) orDefaults() Config {
	if c.MinBackoff == 0 {
		c.MinBackoff = 100 * time.Millisecond
	}
	if c.MaxBackoff == 0 {
		c.MaxBackoff = 10 * time.Second
	}
	return c
}
