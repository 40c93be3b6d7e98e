package client

import (
	"time"

	"github.com/heddleledger/heddle/wire/tx"
)

// Client is one identity talking to a network. It holds no connections; calls name the peers and orderers they use.
type Client struct {
	Signer tx.Signer
	Now    func() time.Time // the clock that goes into headers
}

// New returns a client for signer with the system's clock.
func New(signer tx.Signer) *Client { return &Client{Signer: signer, Now: time.Now} }
