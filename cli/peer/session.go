package peer

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/heddleledger/heddle/client"
	"github.com/heddleledger/heddle/comm"
	"github.com/heddleledger/heddle/config"
	"github.com/heddleledger/heddle/logging"
	"github.com/heddleledger/heddle/msp"
)

// session is what one command needs of its surroundings: the configuration, an identity, connections. Close ends the connections.
type session struct {
	log    *slog.Logger
	core   *config.Core
	signer *msp.Signer
	client *client.Client
	conns  []*client.Conn
}

// open reads core.yaml and the identity that it names. module is the name under which the command logs.
func open(io IO, module string) (*session, error) {
	logs, err := logging.FromEnv(io.Stderr, io.Env)
	if err != nil {
		return nil, err
	}
	core, _, err := config.LoadCore(io.Env)
	if err != nil {
		return nil, fmt.Errorf("Fatal error when initializing core config : %w", err)
	}
	signer, err := loadSigner(core)
	if err != nil {
		return nil, fmt.Errorf("Cannot run peer because %w", err)
	}
	return &session{log: logs.Named(module), core: core, signer: signer, client: client.New(signer)}, nil
}

func loadSigner(core *config.Core) (*msp.Signer, error) {
	dir := core.Peer.MSPConfigPath
	if info, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) || err == nil && !info.IsDir() {
		return nil, fmt.Errorf("cannot init crypto, folder %q does not exist; set CORE_PEER_MSPCONFIGPATH to the msp folder of an identity", dir)
	}
	if core.Peer.LocalMSPID == "" {
		return nil, errors.New("the local MSP must have an ID; set CORE_PEER_LOCALMSPID")
	}
	signer, err := msp.LoadSigner(dir, core.Peer.LocalMSPID)
	if err != nil {
		return nil, fmt.Errorf("error when setting up MSP of type %s from directory %s: %w", core.Peer.LocalMSPType, dir, err)
	}
	return signer, nil
}

// Close ends the session's connections.
func (s *session) Close() {
	for _, c := range s.conns {
		_ = c.Close()
	}
}

// peer connects to the peer that core.yaml names.
func (s *session) peer(ctx context.Context) (*client.Peer, error) {
	return s.connectPeer(ctx, s.core.Peer.Address, s.core.Peer.TLS.RootCert.File)
}

// peers connects to the peers that --peerAddresses names, or to the one of core.yaml if the flag was not given.
func (s *session) peers(ctx context.Context, f *peerFlags) ([]*client.Peer, error) {
	if len(f.addresses) == 0 {
		p, err := s.peer(ctx)
		return []*client.Peer{p}, err
	}
	if s.core.Peer.TLS.Enabled && len(f.roots) != len(f.addresses) {
		return nil, fmt.Errorf("number of peer addresses (%d) does not match the number of TLS root cert files (%d)", len(f.addresses), len(f.roots))
	}
	var peers []*client.Peer
	for i, address := range f.addresses {
		root := ""
		if i < len(f.roots) {
			root = f.roots[i]
		}
		p, err := s.connectPeer(ctx, address, root)
		if err != nil {
			return nil, err
		}
		peers = append(peers, p)
	}
	return peers, nil
}

func (s *session) connectPeer(ctx context.Context, address, root string) (*client.Peer, error) {
	t := s.core.Peer.TLS
	endpoint := endpoint{
		tls: t.Enabled, root: root, serverName: t.ServerHostOverride, timeout: s.core.Peer.Client.ConnTimeout,
		mutual: t.ClientAuthRequired, cert: t.ClientCert.File, key: t.ClientKey.File,
	}
	options, err := endpoint.options()
	if err != nil {
		return nil, err
	}
	p, err := client.ConnectPeer(ctx, address, options)
	if err != nil {
		return nil, fmt.Errorf("endorser client failed to connect to %s: %w", address, connectCause(err))
	}
	s.conns = append(s.conns, p.Conn)
	return p, nil
}

// orderer connects to the orderer that the flags name.
func (s *session) orderer(ctx context.Context, f *ordererFlags) (*client.Orderer, error) {
	endpoint := endpoint{
		tls: f.tls, root: f.caFile, serverName: f.serverName, timeout: f.timeout,
		mutual: f.clientAuth, cert: f.certFile, key: f.keyFile, timeShift: f.timeShift,
	}
	options, err := endpoint.options()
	if err != nil {
		return nil, err
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

// endpoint says how one server is reached.
type endpoint struct {
	tls, mutual     bool
	root, cert, key string // files
	serverName      string
	timeout         time.Duration
	timeShift       time.Duration
}

func (e endpoint) options() (comm.ClientOptions, error) {
	o := comm.ClientOptions{Timeout: e.timeout}
	if !e.tls {
		return o, nil
	}
	if e.root == "" {
		return o, errors.New("TLS is on but no root certificate is given; set --cafile for an orderer, CORE_PEER_TLS_ROOTCERT_FILE or --tlsRootCertFiles for a peer")
	}
	roots, err := comm.LoadRoots(e.root)
	if err != nil {
		return o, fmt.Errorf("unable to load the TLS root certificate: %w", err)
	}
	o.TLS = &comm.ClientTLS{Roots: roots, ServerName: e.serverName, TimeShift: e.timeShift}
	if e.mutual {
		pair, err := tls.LoadX509KeyPair(e.cert, e.key)
		if err != nil {
			return o, fmt.Errorf("unable to load the TLS client certificate and key: %w", err)
		}
		o.TLS.Certificate = &pair
	}
	return o, nil
}

// ordererFlags are the flags that say how to reach an orderer.
type ordererFlags struct {
	address                               string
	tls, clientAuth                       bool
	caFile, certFile, keyFile, serverName string
	timeout, timeShift                    time.Duration
}

func (f *ordererFlags) add(flags *pflag.FlagSet) {
	flags.StringVarP(&f.address, "orderer", "o", "", "Ordering service endpoint")
	flags.BoolVar(&f.tls, "tls", false, "Use TLS when communicating with the orderer endpoint")
	flags.StringVar(&f.caFile, "cafile", "", "Path to file containing PEM-encoded trusted certificate(s) for the ordering endpoint")
	flags.BoolVar(&f.clientAuth, "clientauth", false, "Use mutual TLS when communicating with the orderer endpoint")
	flags.StringVar(&f.certFile, "certfile", "", "Path to file containing PEM-encoded X509 public key to use for mutual TLS communication with the orderer endpoint")
	flags.StringVar(&f.keyFile, "keyfile", "", "Path to file containing PEM-encoded private key to use for mutual TLS communication with the orderer endpoint")
	flags.StringVar(&f.serverName, "ordererTLSHostnameOverride", "", "The hostname override to use when validating the TLS connection to the orderer")
	flags.DurationVar(&f.timeout, "connTimeout", 3*time.Second, "Timeout for client to connect")
	flags.DurationVar(&f.timeShift, "tlsHandshakeTimeShift", 0, "The amount of time to shift backwards for certificate expiration checks during TLS handshakes with the orderer endpoint")
}

// given tells whether the flags name an orderer.
func (f *ordererFlags) given() bool { return len(strings.Split(f.address, ":")) == 2 }

// required refuses a command that needs an orderer and was given none.
func (f *ordererFlags) required() error {
	if !f.given() {
		return fmt.Errorf("ordering service endpoint %s is not valid or missing; give it with -o host:port", f.address)
	}
	return nil
}

// peerFlags name the peers to ask.
type peerFlags struct {
	addresses, roots []string
}

func (f *peerFlags) add(flags *pflag.FlagSet) {
	flags.StringArrayVar(&f.addresses, "peerAddresses", nil, "The addresses of the peers to connect to")
	flags.StringArrayVar(&f.roots, "tlsRootCertFiles", nil, "If TLS is enabled, the paths to the TLS root cert files of the peers to connect to. The order and number of certs specified should match the --peerAddresses flag")
}

// one refuses more than one peer, for commands that talk to one.
func (f *peerFlags) one(command string) error {
	if len(f.addresses) > 1 {
		return fmt.Errorf("'%s' command can only be executed against one peer. received %d", command, len(f.addresses))
	}
	return nil
}
