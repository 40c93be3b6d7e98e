package node

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"
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

// RunOrderer runs an ordering node until ctx ends.
func RunOrderer(ctx context.Context, conf *config.Orderer, logs *logging.Logs) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	log := logs.Named("orderer")
	general := conf.General
	signer, err := msp.LoadSigner(general.LocalMSPDir, general.LocalMSPID)
	if err != nil {
		return fmt.Errorf("loading the orderer's identity from %s (General.LocalMSPDir): %w", general.LocalMSPDir, err)
	}
	genesis, err := genesisBlock(&general)
	if err != nil {
		return err
	}
	var roots []string
	if general.TLS.Enabled && general.TLS.ClientAuthRequired {
		roots = general.TLS.ClientRootCAs
	}
	clientRoots, err := newChannelRoots(everybody, roots...)
	if err != nil {
		return fmt.Errorf("General.TLS.ClientRootCAs: %w", err)
	}
	serverTLS, err := tlsFiles{
		enabled: general.TLS.Enabled, requireClient: general.TLS.ClientAuthRequired,
		cert: general.TLS.Certificate, key: general.TLS.PrivateKey, clientRoots: clientRoots.roots,
	}.server()
	if err != nil {
		return err
	}
	clusterCert, err := clusterCertificate(&general)
	if err != nil {
		return err
	}
	metrics := newMetrics()

	g, ctx := errgroup.WithContext(ctx)
	store, err := raft.OpenStore(conf.Consensus.WALDir, logs.Named("orderer.consensus.etcdraft"))
	if err != nil {
		return err
	}
	cutting := orderer.BatchCutting(general.BatchCutting)
	chains, stopChains := context.WithCancelCause(context.WithoutCancel(ctx)) // outlives ctx, so that closing is orderly
	defer stopChains(nil)
	registry, err := orderer.Open(chains, orderer.Options{
		Dir:     conf.FileLedger.Location,
		Genesis: genesis,
		Signer:  signer,
		Consenters: map[string]orderer.NewConsenter{
			"solo": solo.New(cutting),
			"etcdraft": raft.New(raft.Options{
				Store: store, ServerCert: clusterCert, Mode: cutting, Metrics: raft.NewMetrics(metrics),
			}),
		},
		NoExpirationChecks: general.Authentication.NoExpirationChecks,
		OnConfig: func(b *channelconfig.Bundle) {
			if err := clientRoots.update(b); err != nil {
				log.Error("The channel's TLS CAs cannot be used", "channel", b.ChannelID(), "error", err)
			}
		},
		Metrics: orderer.NewMetrics(metrics),
		Now:     time.Now,
		Log:     logs.Named("orderer.channel"),
	})
	if err != nil {
		return errors.Join(err, store.Close())
	}
	server := comm.NewServer(comm.ServerOptions{
		TLS: serverTLS,
		Keepalive: comm.Keepalive{
			MinInterval: general.Keepalive.ServerMinInterval, Interval: general.Keepalive.ServerInterval, Timeout: general.Keepalive.ServerTimeout,
		},
		ConnectionTimeout: general.ConnectionTimeout,
		Log:               logs.Named("comm.grpc.server"),
	})
	ordererpb.RegisterAtomicBroadcastServer(server, orderer.NewServer(registry, &deliver.Server{
		TimeWindow:         general.Authentication.TimeWindow,
		MutualTLS:          general.TLS.Enabled && general.TLS.ClientAuthRequired,
		NoExpirationChecks: general.Authentication.NoExpirationChecks,
		Now:                time.Now,
		Metrics:            deliver.NewMetrics(metrics),
		Log:                logs.Named("common.deliver"),
	}, logs.Named("orderer.common.server")))

	address := net.JoinHostPort(general.ListenAddress, strconv.Itoa(int(general.ListenPort)))
	start := func() error {
		if err := startOrdererOperations(ctx, g, conf, logs, metrics, registry); err != nil {
			return err
		}
		return serve(ctx, g, "clients", "General.ListenAddress and ListenPort", address, server, log)
	}
	err = start()
	if err == nil {
		warnOfExpiry(ctx, g, logs.Named("certmonitor"), time.Now(), certificates(signer, serverTLS, nil))
		log.Info("Beginning to serve requests")
		<-ctx.Done()
		log.Info("Stopping")
	}
	stop()
	// Readers that wait for blocks hold the server open: the registry ends them first.
	closed := errors.Join(registry.Close(), store.Close())
	server.Stop()
	return errors.Join(err, g.Wait(), closed)
}

func startOrdererOperations(ctx context.Context, g *errgroup.Group, conf *config.Orderer, logs *logging.Logs, metrics *prometheus.Registry, registry *orderer.Registry) error {
	if conf.Operations.ListenAddress == "" {
		return nil
	}
	roots, err := comm.LoadRoots(conf.Operations.TLS.ClientRootCAs...)
	if err != nil {
		return fmt.Errorf("Operations.TLS.ClientRootCAs: %w", err)
	}
	t := conf.Operations.TLS
	opsTLS, err := operationsTLS(tlsFiles{
		enabled: t.Enabled, requireClient: t.ClientAuthRequired, cert: t.Certificate, key: t.PrivateKey, clientRoots: roots,
	})
	if err != nil {
		return err
	}
	return startOperations(ctx, g, operations.Options{
		Address: conf.Operations.ListenAddress, TLS: opsTLS, Gatherer: gatherer(conf.Metrics.Provider, metrics), Logs: logs, Log: logs.Named("operations"),
	}, map[string]operations.HealthCheck{
		"channels": func(context.Context) error { return registry.Err() },
	})
}

// clusterCertificate is the PEM certificate by which the node finds itself among a channel's consenters: the one for the cluster, or the
// server's. Without TLS there is none, and etcdraft channels say so.
func clusterCertificate(g *config.General) ([]byte, error) {
	key, file := "General.Cluster.ServerCertificate", g.Cluster.ServerCertificate
	if file == "" {
		key, file = "General.TLS.Certificate", g.TLS.Certificate
	}
	pem, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) && g.Cluster.ServerCertificate == "" && !g.TLS.Enabled {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the certificate by which the node is known to its cluster (%s): %w", key, err)
	}
	return pem, nil
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
