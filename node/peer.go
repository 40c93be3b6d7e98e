package node

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/heddleledger/heddle/acl"
	"github.com/heddleledger/heddle/chaincode"
	"github.com/heddleledger/heddle/chaincode/pack"
	"github.com/heddleledger/heddle/chaincode/runtime"
	"github.com/heddleledger/heddle/chaincode/runtime/docker"
	"github.com/heddleledger/heddle/chaincode/system"
	"github.com/heddleledger/heddle/channel"
	"github.com/heddleledger/heddle/channelconfig"
	"github.com/heddleledger/heddle/comm"
	"github.com/heddleledger/heddle/config"
	"github.com/heddleledger/heddle/deliver"
	"github.com/heddleledger/heddle/endorser"
	"github.com/heddleledger/heddle/ledger"
	"github.com/heddleledger/heddle/logging"
	"github.com/heddleledger/heddle/msp"
	"github.com/heddleledger/heddle/operations"
	"github.com/heddleledger/heddle/plugin"
	"github.com/heddleledger/heddle/shim"
	"github.com/heddleledger/heddle/wire/peerpb"
	"github.com/heddleledger/heddle/wire/tx"
)

// peer is what the parts of one peer share while they are put together.
type peer struct {
	conf    *config.Core
	address string // where others find the peer
	logs    *logging.Logs
	metrics *peerMetrics
	own     *credentials
	id      *identity
	tls     *comm.ServerTLS // nil without TLS
	// clientCert is what the peer shows to orderers; nil without TLS.
	clientCert *comm.Certificate
	roots      *channelRoots // whose client certificates are trusted
	made       *msp.Made     // the endorsements that the peer has given
	channels   *channel.Registry
	acl        *acl.Checker
	packages   *pack.Store
	docker     *docker.Runtime  // nil if chaincode runs as processes
	processes  *runtime.Process // nil if it does not

	support    atomic.Pointer[chaincode.Support] // nil until chaincode can be run
	handlers   handlers
	compiledIn map[string]shim.Chaincode
}

// RunPeer runs a peer until ctx ends. plugins are what the build has beyond Fabric's own handlers.
func RunPeer(ctx context.Context, conf *config.Core, logs *logging.Logs, plugins plugin.Registry) error {
	defer steadyGC()()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	handlers, err := findHandlers(&conf.Peer, plugins)
	if err != nil {
		return err
	}
	address, err := peerAddress(&conf.Peer)
	if err != nil {
		return err
	}
	p := &peer{conf: conf, address: address, logs: logs, metrics: newPeerMetrics(logs), handlers: handlers, compiledIn: plugins.Chaincodes}
	if err := p.loadIdentity(); err != nil {
		return err
	}
	held, err := lock(ctx, logs.Named("nodeCmd"), "peer.fileSystemPath", conf.Peer.FileSystemPath, thisProcess("the peer "+conf.Peer.ID))
	if err != nil {
		return err
	}
	defer held.Close()
	g, ctx := errgroup.WithContext(ctx)
	channels, stopChannels := context.WithCancel(context.WithoutCancel(ctx)) // outlives ctx, so that closing is orderly
	defer stopChannels()
	if err := p.openStores(channels); err != nil {
		return err
	}
	if err := p.chooseRuntime(ctx); err != nil {
		return errors.Join(err, p.channels.Close())
	}
	support, chaincodes, err := p.newChaincodeSupport()
	if err != nil {
		return errors.Join(err, p.channels.Close())
	}
	p.support.Store(support)
	err = p.serve(ctx, g, support, chaincodes)
	if err == nil {
		p.own.start(ctx, g, p.metrics.registry)
		log := p.logs.Named("nodeCmd")
		logSignals(ctx, g, log)
		// Scripts wait for this very line.
		log.Info(fmt.Sprintf("Started peer with ID=[%s], network ID=[%s], address=[%s]", conf.Peer.ID, conf.Peer.NetworkID, p.address))
		p.prepareBuilds(ctx, g)
		<-ctx.Done()
		log.Info("Stopping")
	}
	stop()
	// Chaincode first, so that invokes under way end; then the channels, which end the readers that wait for blocks.
	stopped := errors.Join(support.Close(), p.channels.Close())
	err = errors.Join(err, g.Wait(), stopped)
	if p.docker != nil {
		err = errors.Join(err, p.docker.Close())
	}
	return err
}

func (p *peer) loadIdentity() error {
	conf := &p.conf.Peer
	p.own = newCredentials(p.logs, week)
	var err error
	if p.id, err = p.own.addIdentity(conf.MSPConfigPath, conf.LocalMSPID, conf.BCCSP.SW.FileKeyStore.KeyStore); err != nil {
		return fmt.Errorf("Cannot run peer because error when setting up MSP of type %s from directory %s: %w", conf.LocalMSPType, conf.MSPConfigPath, err)
	}
	var roots []string
	if conf.TLS.Enabled && conf.TLS.ClientAuthRequired {
		roots = append(slices.Clone(conf.TLS.ClientRootCAs.Files), conf.TLS.RootCert.File)
	}
	if p.roots, err = newChannelRoots(peersOrganisations, roots...); err != nil {
		return fmt.Errorf("peer.tls: %w", err)
	}
	if conf.TLS.Enabled {
		cert, key := conf.TLS.ClientPair()
		if p.clientCert, err = p.own.addTLS("client TLS", cert, key); err != nil {
			return err
		}
	}
	p.tls, err = tlsFiles{
		enabled: conf.TLS.Enabled, requireClient: conf.TLS.ClientAuthRequired,
		cert: conf.TLS.Cert.File, key: conf.TLS.Key.File, clientRoots: p.roots.roots,
	}.server(p.own, "server TLS")
	return err
}

// madeLimit is how many endorsements of its own the peer knows again in blocks: those of some seconds at full load.
const madeLimit = 8192

// endorser is the identity to endorse one proposal with.
func (p *peer) endorser() tx.Signer { return p.made.Signer(p.id.current.Load()) }

// openStores opens the installed packages and every channel the peer has joined.
func (p *peer) openStores(ctx context.Context) error {
	dir := p.conf.Peer.FileSystemPath
	var err error
	if p.packages, err = pack.OpenStore(filepath.Join(dir, "chaincodes")); err != nil {
		return err
	}
	p.packages.Log = p.logs.Named("ccprovider")
	tables := msp.NewKeyTables(p.conf.Peer.BCCSP.SW.KeyTables)
	p.made = msp.NewMade(madeLimit)
	p.channels, err = channel.Open(ctx, channel.Options{
		Dir:    ledgersDir(p.conf),
		Ledger: ledger.Options{DisableHistory: !p.conf.Ledger.History.EnableHistoryDatabase, Metrics: p.metrics.ledger},
		Sync: &channel.Sync{
			Dial: p.dialOrderer, Endpoints: p.orderers, Signer: p.id.signer, Now: time.Now,
			MaxBackoff: min(p.conf.Peer.DeliveryClient.ReConnectBackoffThreshold, maxBackoff),
			Patience:   p.conf.Peer.DeliveryClient.ReconnectTotalTimeThreshold,
		},
		Workers: p.conf.Peer.ValidatorPoolSize,
		Plugins: p.handlers.validations,
		Metrics: p.metrics.channels,
		OnConfig: func(b *channelconfig.Bundle) {
			b.MSPs().UseKeyTables(tables)
			b.MSPs().UseMade(p.made)
			if err := p.roots.update(b); err != nil {
				p.logs.Named("channel").Error("The channel's TLS CAs cannot be used", "channel", b.ChannelID(), "error", err)
			}
		},
		OnCommit: func(c channel.Committed) {
			if support := p.support.Load(); support != nil {
				support.Upgraded(c.Chaincodes)
			}
		},
		Log: p.logs.Named("channel"),
	})
	if err != nil {
		return err
	}
	p.acl = acl.New(p.id.local, p.channels.Bundle)
	return nil
}

// serve opens the listeners.
func (p *peer) serve(ctx context.Context, g *errgroup.Group, support *chaincode.Support, chaincodes *chaincodeListener) (err error) {
	conf := &p.conf.Peer
	server := comm.NewServer(p.serverOptions())
	defer func() {
		if err != nil {
			server.Stop()
		}
	}()
	peerpb.RegisterEndorserServer(server, p.whenRebuilt(ctx, g, endorser.New(endorser.Options{
		Log: p.logs.Named("endorser"), Now: time.Now, Signer: p.endorser, Local: p.id.local, ACL: p.acl, Packages: p.packages, Chaincode: support,
		Filters: p.handlers.filters, Decorators: p.handlers.decorators, Endorsements: p.handlers.endorsements,
		Metrics: p.metrics.endorser,
		Channel: func(id string) (*channelconfig.Bundle, *ledger.Ledger, bool) {
			c, ok := p.channels.Get(id)
			if !ok {
				return nil, nil, false
			}
			return c.Bundle(), c.Ledger(), true
		},
	})))
	peerpb.RegisterDeliverServer(server, deliver.Peer{Server: &deliver.Server{
		Channel:    p.deliverChannel,
		TimeWindow: conf.Authentication.TimeWindow,
		MutualTLS:  p.tls != nil && p.tls.RequireClientCert,
		Now:        time.Now,
		Metrics:    p.metrics.deliver,
		Log:        p.logs.Named("common.deliverevents"),
	}})
	if err := p.serveAdmin(ctx, g, server); err != nil {
		return err
	}
	refuseAbsent(server)
	if err := p.serveOperations(ctx, g); err != nil {
		return err
	}
	metrics := &p.conf.Metrics
	if err := sendMetrics(ctx, g, metrics.Provider, &metrics.Statsd, p.metrics.registry, p.logs.Named("operations")); err != nil {
		return err
	}
	if conf.Profile.Enabled {
		if err := serveProfile(ctx, g, "peer.profile.listenAddress", conf.Profile.ListenAddress, p.logs.Named("nodeCmd")); err != nil {
			return err
		}
	}
	if err := chaincodes.serve(ctx, g, support, p.logs); err != nil {
		return err
	}
	p.sweepBuilds(ctx, g)
	return serve(ctx, g, "clients", "peer.listenAddress", conf.ListenAddress, server, p.logs.Named("nodeCmd"))
}

// serverOptions are those of the listeners for clients and administrators.
func (p *peer) serverOptions() comm.ServerOptions {
	conf := &p.conf.Peer
	return comm.ServerOptions{
		TLS: p.tls,
		Keepalive: comm.Keepalive{
			MinInterval: conf.Keepalive.MinInterval, Interval: conf.Keepalive.Interval, Timeout: conf.Keepalive.Timeout,
		},
		Limits: map[string]int{
			"protos.Endorser": conf.Limits.Concurrency.EndorserService,
			"protos.Deliver":  conf.Limits.Concurrency.DeliverService,
		},
		ConnectionTimeout: conf.ConnectionTimeout,
		MaxRecvMessage:    int(conf.MaxRecvMsgSize),
		MaxSendMessage:    int(conf.MaxSendMsgSize),
		Metrics:           p.metrics.calls,
		Log:               p.logs.Named("comm.grpc.server"),
	}
}

func (p *peer) serveOperations(ctx context.Context, g *errgroup.Group) error {
	conf := p.conf.Operations
	if conf.ListenAddress == "" {
		return nil
	}
	roots, err := comm.LoadRoots(conf.TLS.ClientRootCAs.Files...)
	if err != nil {
		return fmt.Errorf("operations.tls.clientRootCAs: %w", err)
	}
	opsTLS, err := operationsTLS(p.own, tlsFiles{
		enabled: conf.TLS.Enabled, requireClient: conf.TLS.ClientAuthRequired, cert: conf.TLS.Cert.File, key: conf.TLS.Key.File, clientRoots: roots,
	})
	if err != nil {
		return err
	}
	checks := map[string]operations.HealthCheck{
		"channels":   func(context.Context) error { return p.channels.Err() },
		"statedb":    func(context.Context) error { return p.channels.Check((*ledger.Ledger).CheckState) },
		"blockstore": func(context.Context) error { return p.channels.Check((*ledger.Ledger).CheckBlocks) },
	}
	switch {
	case p.conf.Chaincode.DevMode():
	case p.docker != nil:
		checks["docker"] = p.docker.Ping // Fabric's name
	default:
		checks["chaincode"] = p.processes.Ready
	}
	return startOperations(ctx, g, operations.Options{
		Address: conf.ListenAddress, TLS: opsTLS, Gatherer: gatherer(p.conf.Metrics.Provider, p.metrics.registry), Logs: p.logs, Log: p.logs.Named("operations"),
	}, checks)
}

// systemChaincodes are the parts of the peer that clients call as chaincode.
func (p *peer) systemChaincodes() []chaincode.System {
	var enabled []chaincode.System
	for _, s := range []chaincode.System{
		&system.LSCC{ACL: p.acl, Channels: p.channels, Packages: p.packages, Log: p.logs.Named("lscc")},
		&system.CSCC{ACL: p.acl, Channels: p.channels},
		&system.QSCC{ACL: p.acl, Channels: p.channels},
	} {
		switch strings.ToLower(p.conf.Chaincode.System[s.Name()]) {
		case "enable", "enabled", "yes", "true":
			enabled = append(enabled, s)
		}
	}
	return enabled
}

// hostOf is the host of a host:port address, for derived addresses.
func hostOf(address string) string {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	return host
}
