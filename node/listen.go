package node

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"

	"github.com/heddleledger/heddle/comm"
	"github.com/heddleledger/heddle/operations"
	"github.com/heddleledger/heddle/version"
)

// drainTime is how long a stopping server lets calls in progress end by themselves.
const drainTime = 3 * time.Second

// serve answers on address until ctx ends, then lets calls in progress end for a while.
func serve(ctx context.Context, g *errgroup.Group, what, address string, server *grpc.Server, log *slog.Logger) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("listening for %s: %w", what, err)
	}
	log.Info("Listening", "for", what, "address", listener.Addr().String())
	g.Go(func() error { return server.Serve(listener) })
	g.Go(func() error {
		<-ctx.Done()
		drained := time.AfterFunc(drainTime, server.Stop)
		server.GracefulStop()
		drained.Stop()
		return nil
	})
	return nil
}

// tlsFiles are the parts of a configuration that make a TLS server.
type tlsFiles struct {
	enabled, requireClient bool
	cert, key              string
	clientRoots            *comm.Roots
}

func (f tlsFiles) server() (*comm.ServerTLS, error) {
	if !f.enabled {
		return nil, nil
	}
	pair, err := tls.LoadX509KeyPair(f.cert, f.key)
	if err != nil {
		return nil, fmt.Errorf("loading the TLS certificate %s and key %s: %w", f.cert, f.key, err)
	}
	return &comm.ServerTLS{Certificate: pair, RequireClientCert: f.requireClient, ClientRoots: f.clientRoots}, nil
}

func operationsTLS(f tlsFiles) (*operations.TLS, error) {
	s, err := f.server()
	if s == nil {
		return nil, err
	}
	return &operations.TLS{Certificate: s.Certificate, RequireClientCert: s.RequireClientCert, ClientRoots: s.ClientRoots}, nil
}

// startOperations serves metrics, health and log levels until ctx ends.
func startOperations(ctx context.Context, g *errgroup.Group, o operations.Options) (*operations.Server, error) {
	o.Version, o.CommitSHA = version.Fabric, version.Commit()
	s, err := operations.Start(o)
	if err != nil {
		return nil, err
	}
	o.Log.Info("Listening", "for", "operations", "address", s.Address())
	g.Go(func() error {
		<-ctx.Done()
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
		defer cancel()
		return s.Close(closing)
	})
	return s, nil
}
