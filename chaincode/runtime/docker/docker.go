// Package docker runs chaincode in containers of a Docker engine, as Fabric 1.4 does, with its names of images and containers.
//
// A start, from the launch to the running container:
//
//	Start → sweep (once: containers that a killed peer left)
//	      → image: is there one made of this very code? else build it, once however many wait
//	               build: run the builder image (/chaincode/input → command → /chaincode/output),
//	                      then put its output into the runtime image with a generated Dockerfile
//	      → create the container; upload the TLS files; attach to its output; start it
//
// Images that a build needs are pulled if the engine does not have them; where there is no registry, `heddle images build` makes them.
//
// Invariants: a container that this package made is removed when it ends, when its start fails, or when the next peer with the same name and
// directory starts. An image is used for the code it was made of only: it carries the code's hash as a label. Nothing of the peer's environment
// reaches a container but, for builds, the variables that name proxies.
package docker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/heddleledger/heddle/chaincode/platform"
	"github.com/heddleledger/heddle/chaincode/runtime"
	"github.com/heddleledger/heddle/config"
)

// Options say how a peer uses its engine.
type Options struct {
	VM        config.VM // Endpoint, how to reach it, and what every container gets
	Images    platform.Images
	Pull      bool          // ask the registry for a newer runtime image at every build
	NetworkID string        // with PeerID the beginning of the names of images and containers
	PeerID    string        // unique among the peers of an engine
	Dir       string        // of the peer: tells its containers from those of another peer by the same name
	Env       []string      // the peer's environment; only variables that name proxies are read
	Grace     time.Duration // between SIGTERM and SIGKILL, in whole seconds; 0 means 2 s
	Metrics   *Metrics
	Log       *slog.Logger // gets the chaincode's output
	BuildLog  *slog.Logger // gets the output of builds
}

// Runtime starts chaincode in containers.
type Runtime struct {
	o      Options
	engine *client.Client
	host   *container.HostConfig

	builds  runtime.Builds // by image and code
	sweepMu sync.Mutex
	swept   bool
}

// New makes a runtime. The engine need not answer yet.
func New(o Options) (*Runtime, error) {
	engine, err := Connect(o.VM)
	if err != nil {
		return nil, err
	}
	if o.Grace == 0 {
		o.Grace = 2 * time.Second
	}
	return &Runtime{o: o, engine: engine, host: hostConfig(&o.VM.Docker.HostConfig)}, nil
}

// Close lets go of the connections to the engine. Every instance must have ended.
func (r *Runtime) Close() error { return r.engine.Close() }

// Ping tells whether the engine answers.
func (r *Runtime) Ping(ctx context.Context) error { return Ping(ctx, r.engine) }

// Start runs the launch's package in a container of its own, for which it makes an image if there is none.
func (r *Runtime) Start(ctx context.Context, l runtime.Launch) (runtime.Instance, error) {
	if l.Package == nil {
		return nil, fmt.Errorf("error building chaincode %s: it has no package", l.ID())
	}
	c, err := platform.InContainer(l.Package.Type, l.Package.Spec.CodePackage, l.Package.Path, r.o.Images)
	if err != nil {
		return nil, fmt.Errorf("error building chaincode %s: %w", l.ID(), err)
	}
	if err := r.Sweep(ctx); err != nil {
		return nil, err
	}
	id, err := r.create(ctx, &l, c)
	if err != nil {
		return nil, err
	}
	i, err := r.run(ctx, &l, id)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("starting the container of chaincode %s: %w", l.ID(), err), r.remove(ctx, id))
	}
	return i, nil
}

// removing is how long the engine may take to remove a container.
const removing = 30 * time.Second

// remove removes a container, running or not, also after ctx has ended.
func (r *Runtime) remove(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), removing)
	defer cancel()
	_, err := r.engine.ContainerRemove(ctx, id, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
	if err != nil && !isGone(err) {
		return fmt.Errorf("removing container %s: %w", id, err)
	}
	return nil
}
