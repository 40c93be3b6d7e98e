package node

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/channelconfig"
	"github.com/heddleledger/heddle/channelconfig/profile"
	"github.com/heddleledger/heddle/comm"
	"github.com/heddleledger/heddle/config"
	"github.com/heddleledger/heddle/deliver"
	"github.com/heddleledger/heddle/logging"
	"github.com/heddleledger/heddle/msp"
	"github.com/heddleledger/heddle/operations"
	"github.com/heddleledger/heddle/orderer"
	"github.com/heddleledger/heddle/orderer/raft"
	"github.com/heddleledger/heddle/orderer/solo"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/ordererpb"
)

// ordering is what the parts of one ordering node share while they are put together.
type ordering struct {
	conf        *config.Orderer
	logs        *logging.Logs
	folder      string // that blocks are kept in
	walDir      string // that the log of consensus is kept in
	metrics     *ordererMetrics
	own         *credentials
	id          *identity
	tls         *comm.ServerTLS // nil without TLS
	clientRoots *channelRoots   // whose client certificates are trusted
	store       *raft.Store
	registry    *orderer.Registry
}

// RunOrderer runs an ordering node until ctx ends.
func RunOrderer(ctx context.Context, conf *config.Orderer, logs *logging.Logs) error {
	defer steadyGC()()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	log := logs.Named("orderer")
	o := &ordering{conf: conf, logs: logs, metrics: newOrdererMetrics(logs)}
	if err := o.loadIdentity(); err != nil {
		return err
	}
	forget, err := o.chooseFolder()
	if err != nil {
		return err
	}
	defer forget()
	held, err := lock(ctx, log, "FileLedger.Location", o.folder, thisProcess("the ordering node"))
	if err != nil {
		return err
	}
	defer held.Close()
	g, ctx := errgroup.WithContext(ctx)
	chains, stopChains := context.WithCancelCause(context.WithoutCancel(ctx)) // outlives ctx, so that closing is orderly
	defer stopChains(nil)
	if err := o.openStores(chains); err != nil {
		return err
	}
	server, err := o.serve(ctx, g)
	if err == nil {
		o.own.start(ctx, g, o.metrics.registry)
		logSignals(ctx, g, log)
		log.Info("Beginning to serve requests")
		<-ctx.Done()
		log.Info("Stopping")
	}
	stop()
	// Readers that wait for blocks hold the server open: the registry ends them first.
	closed := errors.Join(o.registry.Close(), o.store.Close())
	server.Stop()
	return errors.Join(err, g.Wait(), closed)
}

func (o *ordering) loadIdentity() (err error) {
	conf := &o.conf.General
	o.own = newCredentials(o.logs, conf.Cluster.CertExpirationWarningThreshold)
	if o.id, err = o.own.addIdentity(conf.LocalMSPDir, conf.LocalMSPID, conf.BCCSP.SW.FileKeyStore.KeyStore); err != nil {
		return fmt.Errorf("loading the orderer's identity from %s (General.LocalMSPDir): %w", conf.LocalMSPDir, err)
	}
	var roots []string
	if conf.TLS.Enabled && conf.TLS.ClientAuthRequired {
		roots = conf.TLS.ClientRootCAs
	}
	if o.clientRoots, err = newChannelRoots(everybody, roots...); err != nil {
		return fmt.Errorf("General.TLS.ClientRootCAs: %w", err)
	}
	o.tls, err = tlsFiles{
		enabled: conf.TLS.Enabled, requireClient: conf.TLS.ClientAuthRequired,
		cert: conf.TLS.Certificate, key: conf.TLS.PrivateKey, clientRoots: o.clientRoots.roots,
	}.server(o.own, "server TLS")
	if o.tls != nil {
		o.tls.TimeShift = conf.TLS.TLSHandshakeTimeShift
	}
	return err
}

// chooseFolder takes FileLedger.Location or, if that is empty, a new temporary folder. A ledger of type ram has a temporary one with everything
// in it, which is removed when the node stops; that is what forget is for.
func (o *ordering) chooseFolder() (forget func(), err error) {
	keep, log := func() {}, o.logs.Named("orderer")
	o.folder, o.walDir = o.conf.FileLedger.Location, o.conf.Consensus.WALDir
	inMemory := o.conf.General.LedgerType == "ram"
	if o.folder != "" && !inMemory {
		return keep, nil
	}
	if o.folder, err = os.MkdirTemp("", o.conf.FileLedger.Prefix); err != nil {
		return nil, fmt.Errorf("making a temporary folder for blocks: %w", err)
	}
	if !inMemory {
		log.Warn("FileLedger.Location is empty: blocks are kept in a temporary folder, which the next start will not look for", "folder", o.folder)
		return keep, nil
	}
	o.walDir = filepath.Join(o.folder, "wal")
	log.Warn("General.LedgerType is ram: all channels are forgotten when the node stops", "folder", o.folder)
	return func() {
		if err := os.RemoveAll(o.folder); err != nil {
			log.Warn("The blocks could not be removed", "error", err)
		}
	}, nil
}

// openStores opens the log of consensus and every channel.
func (o *ordering) openStores(ctx context.Context) error {
	conf := &o.conf.General
	genesis, err := genesisBlock(conf)
	if err != nil {
		return err
	}
	clusterCert, err := o.clusterCertificate()
	if err != nil {
		return err
	}
	if o.store, err = raft.OpenStore(o.walDir); err != nil {
		return err
	}
	cutting := orderer.BatchCutting(conf.BatchCutting)
	tables := msp.NewKeyTables(conf.BCCSP.SW.KeyTables)
	o.registry, err = orderer.Open(ctx, orderer.Options{
		Dir:     o.folder,
		Genesis: genesis,
		Signer:  o.id.signer,
		Consenters: map[string]orderer.NewConsenter{
			"solo": solo.New(cutting),
			"etcdraft": raft.New(raft.Options{
				Store: o.store, ServerCert: clusterCert, Mode: cutting, Metrics: o.metrics.raft, TickInterval: o.conf.Consensus.TickIntervalOverride,
			}),
		},
		NoExpirationChecks: conf.Authentication.NoExpirationChecks,
		OnConfig: func(b *channelconfig.Bundle) {
			b.MSPs().UseKeyTables(tables)
			if err := o.clientRoots.update(b); err != nil {
				o.logs.Named("orderer").Error("The channel's TLS CAs cannot be used", "channel", b.ChannelID(), "error", err)
			}
		},
		Metrics: o.metrics.orderer,
		Now:     time.Now,
		Log:     o.logs.Named("orderer.channel"),
	})
	if err != nil {
		return errors.Join(err, o.store.Close())
	}
	return nil
}

// serve opens the listeners. The server is there in any case.
func (o *ordering) serve(ctx context.Context, g *errgroup.Group) (*grpc.Server, error) {
	conf := &o.conf.General
	server := comm.NewServer(comm.ServerOptions{
		TLS: o.tls,
		Keepalive: comm.Keepalive{
			MinInterval: conf.Keepalive.ServerMinInterval, Interval: conf.Keepalive.ServerInterval, Timeout: conf.Keepalive.ServerTimeout,
		},
		ConnectionTimeout: conf.ConnectionTimeout,
		MaxRecvMessage:    int(conf.MaxRecvMsgSize),
		MaxSendMessage:    int(conf.MaxSendMsgSize),
		Metrics:           o.metrics.calls,
		Log:               o.logs.Named("comm.grpc.server"),
	})
	ordererpb.RegisterAtomicBroadcastServer(server, orderer.NewServer(o.registry, &deliver.Server{
		TimeWindow:         conf.Authentication.TimeWindow,
		MutualTLS:          conf.TLS.Enabled && conf.TLS.ClientAuthRequired,
		NoExpirationChecks: conf.Authentication.NoExpirationChecks,
		Now:                time.Now,
		Metrics:            o.metrics.deliver,
		Log:                o.logs.Named("common.deliver"),
	}, o.logs.Named("orderer.common.server")))
	if err := o.serveOperations(ctx, g); err != nil {
		return server, err
	}
	metrics := &o.conf.Metrics
	if err := sendMetrics(ctx, g, metrics.Provider, &metrics.Statsd, o.metrics.registry, o.logs.Named("operations")); err != nil {
		return server, err
	}
	if conf.Profile.Enabled {
		if err := serveProfile(ctx, g, "General.Profile.Address", conf.Profile.Address, o.logs.Named("orderer")); err != nil {
			return server, err
		}
	}
	address := net.JoinHostPort(conf.ListenAddress, strconv.Itoa(int(conf.ListenPort)))
	return server, serve(ctx, g, "clients", "General.ListenAddress and ListenPort", address, server, o.logs.Named("orderer"))
}

func (o *ordering) serveOperations(ctx context.Context, g *errgroup.Group) error {
	conf := &o.conf.Operations
	if conf.ListenAddress == "" {
		return nil
	}
	roots, err := comm.LoadRoots(conf.TLS.ClientRootCAs...)
	if err != nil {
		return fmt.Errorf("Operations.TLS.ClientRootCAs: %w", err)
	}
	opsTLS, err := operationsTLS(o.own, tlsFiles{
		enabled: conf.TLS.Enabled, requireClient: conf.TLS.ClientAuthRequired, cert: conf.TLS.Certificate, key: conf.TLS.PrivateKey, clientRoots: roots,
	})
	if err != nil {
		return err
	}
	return startOperations(ctx, g, operations.Options{
		Address: conf.ListenAddress, TLS: opsTLS, Gatherer: gatherer(o.conf.Metrics.Provider, o.metrics.registry), Logs: o.logs, Log: o.logs.Named("operations"),
	}, map[string]operations.HealthCheck{
		"channels":   func(context.Context) error { return o.registry.Err() },
		"blockstore": func(context.Context) error { return o.registry.CheckBlocks() },
	})
}

// clusterCertificate gives the PEM certificate by which the node finds itself among a channel's consenters: the one for the cluster, or the
// server's. Without TLS there is none, and etcdraft channels say so.
func (o *ordering) clusterCertificate() (func() []byte, error) {
	file := o.conf.General.Cluster.ServerCertificate
	if file == "" {
		return o.serverCertificate, nil
	}
	fixed, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading the certificate by which the node is known to its cluster (General.Cluster.ServerCertificate): %w", err)
	}
	return func() []byte { return fixed }, nil
}

// serverCertificate is the server's present TLS certificate in PEM form; nil without TLS.
func (o *ordering) serverCertificate() []byte {
	if o.tls == nil {
		return nil
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: o.tls.Certificate.Get().Certificate[0]})
}

// genesisBlock is the system channel's first block, from the file or made from the profile that the configuration names.
func genesisBlock(g *config.General) (*commonpb.Block, error) {
	if g.GenesisMethod == "provisional" {
		return provisionalBlock(g)
	}
	raw, err := os.ReadFile(g.GenesisFile)
	if err != nil {
		return nil, fmt.Errorf("reading the genesis block (General.GenesisFile): %w", err)
	}
	b := &commonpb.Block{}
	if err := proto.Unmarshal(raw, b); err != nil {
		return nil, fmt.Errorf("the genesis file %s does not hold a block: %w", g.GenesisFile, err)
	}
	return b, nil
}

func provisionalBlock(g *config.General) (*commonpb.Block, error) {
	file, err := profile.Open("", os.Environ())
	if err != nil {
		return nil, err
	}
	p, _, err := file.Profile(g.GenesisProfile)
	if err != nil {
		return nil, fmt.Errorf("General.GenesisProfile: %w", err)
	}
	return p.GenesisBlock(g.SystemChannel, time.Now())
}
