package node

import (
	"context"
	"errors"
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

// serve answers on address, the value of key, until ctx ends, then lets calls in progress end for a while. After an error the server is stopped.
func serve(ctx context.Context, g *errgroup.Group, what, key, address string, server *grpc.Server, log *slog.Logger) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		server.Stop()
		return fmt.Errorf("listening for %s at %s (%s): %w", what, address, key, err)
	}
	log.Info("Listening", "for", what, "address", listener.Addr().String())
	g.Go(func() error {
		if err := server.Serve(listener); !errors.Is(err, grpc.ErrServerStopped) { // which it gives when it is stopped before it began
			return err
		}
		return nil
	})
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

// server loads the certificate and, from then on, keeps it among the node's credentials, as that of role.
func (f tlsFiles) server(c *credentials, role string) (*comm.ServerTLS, error) {
	if !f.enabled {
		return nil, nil
	}
	certificate, err := c.addTLS(role, f.cert, f.key)
	if err != nil {
		return nil, err
	}
	return &comm.ServerTLS{Certificate: certificate, RequireClientCert: f.requireClient, ClientRoots: f.clientRoots}, nil
}

func operationsTLS(c *credentials, f tlsFiles) (*operations.TLS, error) {
	s, err := f.server(c, "operations TLS")
	if s == nil {
		return nil, err
	}
	return &operations.TLS{Certificate: s.Certificate, RequireClientCert: s.RequireClientCert, ClientRoots: s.ClientRoots}, nil
}

// startOperations serves metrics, health and log levels until ctx ends. checks are what /healthz asks, by component.
func startOperations(ctx context.Context, g *errgroup.Group, o operations.Options, checks map[string]operations.HealthCheck) error {
	o.Version, o.CommitSHA = version.Fabric, version.Commit()
	s, err := operations.Start(o)
	if err != nil {
		return err
	}
	o.Log.Info("Listening", "for", "operations", "address", s.Address())
	for component, check := range checks {
		err = errors.Join(err, s.RegisterHealthCheck(component, check))
	}
	g.Go(func() error {
		<-ctx.Done()
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
		defer cancel()
		return s.Close(closing)
	})
	return err
}
