package node

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
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
	clientRoots, err := newChannelRoots(general.TLS.ClientRootCAs...)
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
	metrics := prometheus.NewRegistry()
	metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))

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
				Store: store, ServerCert: clusterCertificate(&general), Mode: cutting, Metrics: raft.NewMetrics(metrics),
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
	ordererpb.RegisterAtomicBroadcastServer(server, orderer.NewServer(registry, deliver.Server{
		TimeWindow:         general.Authentication.TimeWindow,
		MutualTLS:          general.TLS.Enabled && general.TLS.ClientAuthRequired,
		NoExpirationChecks: general.Authentication.NoExpirationChecks,
		Now:                time.Now,
		Metrics:            deliver.NewMetrics(metrics),
		Log:                logs.Named("common.deliver"),
	}, logs.Named("orderer.common.server")))

	address := net.JoinHostPort(general.ListenAddress, strconv.Itoa(int(general.ListenPort)))
	start := func() error {
		if err := startOrdererOperations(ctx, g, conf, logs, metrics); err != nil {
			return err
		}
		return serve(ctx, g, "clients", address, server, log)
	}
	err = start()
	if err == nil {
		log.Info("Beginning to serve requests")
		<-ctx.Done()
	}
	// Readers that wait for blocks hold the server open: the registry ends them first.
	closed := errors.Join(registry.Close(), store.Close())
	server.Stop()
	if err != nil {
		return errors.Join(err, closed)
	}
	return errors.Join(g.Wait(), closed)
}

func startOrdererOperations(ctx context.Context, g *errgroup.Group, conf *config.Orderer, logs *logging.Logs, metrics *prometheus.Registry) error {
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
	_, err = startOperations(ctx, g, operations.Options{
		Address: conf.Operations.ListenAddress, TLS: opsTLS, Gatherer: gatherer(conf.Metrics.Provider, metrics), Logs: logs, Log: logs.Named("operations"),
	})
	return err
}

// gatherer is what /metrics shows; nothing unless the provider is prometheus.
func gatherer(provider string, r *prometheus.Registry) prometheus.Gatherer {
	if provider != "prometheus" {
		return nil
	}
	return r
}

// clusterCertificate is the PEM certificate by which the node finds itself among a channel's consenters: the one for the cluster, or the
// server's. Without TLS there is none, and etcdraft channels say so.
func clusterCertificate(g *config.General) []byte {
	file := g.Cluster.ServerCertificate
	if file == "" {
		file = g.TLS.Certificate
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	return pem
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
