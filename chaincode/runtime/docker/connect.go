package docker

import (
	"context"
	"fmt"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"

	"github.com/heddleledger/heddle/config"
)

// Connect makes a client of the engine that vm names. No connection is made before the first request, which also settles the version of the API.
func Connect(vm config.VM) (*client.Client, error) {
	endpoint := vm.Endpoint
	if endpoint == "" {
		endpoint = config.DefaultEndpoint
	}
	host, encrypted := endpoint, vm.Docker.TLS.Enabled
	if rest, ok := strings.CutPrefix(endpoint, "http://"); ok {
		host = "tcp://" + rest
	} else if rest, ok := strings.CutPrefix(endpoint, "https://"); ok {
		host, encrypted = "tcp://"+rest, true
	}
	options := []client.Opt{client.WithHost(host), client.WithUserAgent("heddle")}
	if encrypted {
		t := vm.Docker.TLS
		if !t.Enabled {
			t = config.DockerTLS{} // what the system trusts, and no certificate of our own
		}
		options = append(options, client.WithTLSClientConfig(t.CA.File, t.Cert.File, t.Key.File))
	}
	engine, err := client.New(options...)
	if err != nil {
		return nil, fmt.Errorf("vm.endpoint %s: %w", endpoint, err)
	}
	return engine, nil
}

// Ping tells whether an engine answers.
func Ping(ctx context.Context, engine *client.Client) error {
	if _, err := engine.Ping(ctx, client.PingOptions{}); err != nil {
		return fmt.Errorf("failed to ping to Docker daemon: %w", err)
	}
	return nil
}

// RemoveNameless removes an image that a newer one has taken the name of, if there is one of that id, it has no other name, and nothing was made of it.
func RemoveNameless(ctx context.Context, engine *client.Client, id string) error {
	if id == "" {
		return nil
	}
	i, err := engine.ImageInspect(ctx, id)
	if err != nil || len(i.RepoTags) > 0 {
		return err
	}
	_, err = engine.ImageRemove(ctx, id, client.ImageRemoveOptions{PruneChildren: true})
	return err
}

// isGone tells whether the engine does not have what it was asked about, or is removing it already.
func isGone(err error) bool { return errdefs.IsNotFound(err) || errdefs.IsConflict(err) }
