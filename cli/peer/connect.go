package peer

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"time"

	"github.com/heddleledger/heddle/client"
	"github.com/heddleledger/heddle/comm"
)

// endpoint says how one server is reached. owner is "peer" or "orderer", which the names of the settings begin with.
type endpoint struct {
	owner, address string
	tls, mutual    bool
	root           rootCert
	cert, key      string // files
	serverName     string
	timeout        time.Duration
	timeShift      time.Duration
}

// rootCert is what vouches for a server's certificate: certificates in PEM, or the file that holds them, which goes first.
type rootCert struct{ file, pem string }

// peer connects to the peer that core.yaml names. role, endorser or deliver, is what errors say of it.
func (s *session) peer(ctx context.Context, role string) (*client.Peer, error) {
	return s.connectPeer(ctx, role, s.core.Peer.Address, rootCert{file: s.core.Peer.TLS.RootCert.File})
}

// peers connects to the peers that the flags name, or to the one of core.yaml if they name none.
func (s *session) peers(ctx context.Context, f *peerFlags) ([]*client.Peer, error) {
	if len(f.addresses) == 0 {
		p, err := s.peer(ctx, "endorser")
		return []*client.Peer{p}, err
	}
	var peers []*client.Peer
	for i, address := range f.addresses {
		p, err := s.connectPeer(ctx, "endorser", address, f.root(i))
		if err != nil {
			return nil, err
		}
		peers = append(peers, p)
	}
	return peers, nil
}

func (s *session) connectPeer(ctx context.Context, role, address string, root rootCert) (*client.Peer, error) {
	t := s.core.Peer.TLS
	options, err := endpoint{
		owner: "peer", address: address, tls: t.Enabled, root: root, serverName: t.ServerHostOverride, timeout: s.core.Peer.Client.ConnTimeout,
		mutual: t.ClientAuthRequired, cert: t.ClientCert.File, key: t.ClientKey.File,
	}.options()
	if err != nil {
		return nil, fmt.Errorf("failed to load config for PeerClient: %w", err)
	}
	p, err := client.ConnectPeer(ctx, address, options)
	if err != nil {
		return nil, fmt.Errorf("%s client failed to connect to %s: %w", role, address, connectCause(err))
	}
	s.conns = append(s.conns, p.Conn)
	return p, nil
}

// orderer connects to the orderer that the flags name.
func (s *session) orderer(ctx context.Context, f *ordererFlags) (*client.Orderer, error) {
	options, err := endpoint{
		owner: "orderer", address: f.address, tls: f.tls, root: rootCert{file: f.caFile}, serverName: f.serverName, timeout: f.timeout,
		mutual: f.clientAuth, cert: f.certFile, key: f.keyFile, timeShift: f.timeShift,
	}.options()
	if err != nil {
		return nil, fmt.Errorf("failed to load config for OrdererClient: %w", err)
	}
	o, err := client.ConnectOrderer(ctx, f.address, options)
	if err != nil {
		return nil, fmt.Errorf("orderer client failed to connect to %s: %w", f.address, connectCause(err))
	}
	s.conns = append(s.conns, o.Conn)
	return o, nil
}

// connectCause drops the address that the caller's message has already.
func connectCause(err error) error {
	var c *client.ConnectError
	if errors.As(err, &c) {
		return c.Err
	}
	return err
}

func (e endpoint) options() (comm.ClientOptions, error) {
	o := comm.ClientOptions{Timeout: e.timeout}
	if e.address == "" {
		return o, fmt.Errorf("%s address must be set", e.owner)
	}
	var err error
	if e.tls {
		if o.TLS, err = e.trusted(); err != nil {
			return o, err
		}
	}
	if e.mutual {
		pair, err := tls.LoadX509KeyPair(e.cert, e.key)
		if err != nil {
			return o, fmt.Errorf("unable to load %s.tls.clientCert.file and %[1]s.tls.clientKey.file: %w", e.owner, err)
		}
		if o.TLS != nil {
			o.TLS.Certificate = &pair
		}
	}
	return o, nil
}

// trusted says whom to trust to be the server.
func (e endpoint) trusted() (*comm.ClientTLS, error) {
	var roots *comm.Roots
	var err error
	switch {
	case e.root.file != "":
		roots, err = comm.LoadRoots(e.root.file)
	case e.root.pem != "":
		roots, err = comm.NewRoots([]byte(e.root.pem))
	default:
		return nil, fmt.Errorf("TLS is on but no root certificate is given for %s; set --cafile for an orderer, CORE_PEER_TLS_ROOTCERT_FILE or --tlsRootCertFiles for a peer", e.address)
	}
	if err != nil {
		return nil, fmt.Errorf("unable to load %s.tls.rootcert.file: %w", e.owner, err)
	}
	return &comm.ClientTLS{Roots: roots, ServerName: e.serverName, TimeShift: e.timeShift}, nil
}
