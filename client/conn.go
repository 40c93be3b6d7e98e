package client

import (
	"context"

	"google.golang.org/grpc"

	"github.com/heddleledger/heddle/comm"
	"github.com/heddleledger/heddle/wire/ordererpb"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// Conn is a connection to one server, used as a Peer or as an Orderer. It is safe for concurrent use.
type Conn struct {
	Address     string
	TLSCertHash []byte // SHA-256 of the certificate this side showed; nil without mutual TLS
	cc          *grpc.ClientConn
}

// Connect returns once the connection to address (host:port) stands. The error is a *ConnectError.
func Connect(ctx context.Context, address string, o comm.ClientOptions) (*Conn, error) {
	cc, err := comm.Dial(ctx, address, o)
	if err != nil {
		return nil, &ConnectError{Address: address, Err: err}
	}
	return &Conn{Address: address, TLSCertHash: o.TLS.CertHash(), cc: cc}, nil
}

// Close ends the connection and all calls on it.
func (c *Conn) Close() error { return c.cc.Close() }

// Peer is a connection to a peer.
type Peer struct {
	*Conn
	endorser peerpb.EndorserClient
	deliver  peerpb.DeliverClient
	admin    peerpb.AdminClient
}

// ConnectPeer connects to a peer.
func ConnectPeer(ctx context.Context, address string, o comm.ClientOptions) (*Peer, error) {
	c, err := Connect(ctx, address, o)
	if err != nil {
		return nil, err
	}
	return &Peer{
		Conn: c, endorser: peerpb.NewEndorserClient(c.cc), deliver: peerpb.NewDeliverClient(c.cc), admin: peerpb.NewAdminClient(c.cc),
	}, nil
}

// Orderer is a connection to an ordering node.
type Orderer struct {
	*Conn
	broadcast ordererpb.AtomicBroadcastClient
}

// ConnectOrderer connects to an ordering node.
func ConnectOrderer(ctx context.Context, address string, o comm.ClientOptions) (*Orderer, error) {
	c, err := Connect(ctx, address, o)
	if err != nil {
		return nil, err
	}
	return &Orderer{Conn: c, broadcast: ordererpb.NewAtomicBroadcastClient(c.cc)}, nil
}
