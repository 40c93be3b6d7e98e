package node

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/heddleledger/heddle/chaincode/platform"
	"github.com/heddleledger/heddle/chaincode/runtime"
	"github.com/heddleledger/heddle/chaincode/runtime/docker"
	"github.com/heddleledger/heddle/config"
)

// answering is how long a Docker engine may take to show that it is there.
const answering = 2 * time.Second

// chooseRuntime decides whether chaincode runs in containers: if chaincode.runtime says so or, where it says nothing, if vm.endpoint names an engine
// or there is one in the usual place. The core.yaml that Fabric ships names that place itself, so naming it does not mean that there is an engine.
func (p *peer) chooseRuntime(ctx context.Context) error {
	conf, log := p.conf, p.logs.Named("chaincode")
	if conf.Chaincode.DevMode() || conf.Chaincode.Runtime == "process" {
		return nil
	}
	r, err := p.newDockerRuntime()
	if err != nil {
		return err
	}
	answers := func() error {
		ctx, cancel := context.WithTimeout(ctx, answering)
		defer cancel()
		return r.Ping(ctx)
	}
	named := conf.VM.Endpoint != "" && conf.VM.Endpoint != config.DefaultEndpoint
	if err := answers(); err != nil {
		if conf.Chaincode.Runtime == "" && !named {
			log.Info("Chaincode runs as processes, for no Docker engine answers; set chaincode.runtime to docker or process to decide it", "reason", err)
			return r.Close()
		}
		log.Warn("The Docker engine does not answer; chaincode cannot be started until it does", "endpoint", conf.VM.Endpoint, "reason", err)
	}
	log.Info("Chaincode runs in Docker containers", "endpoint", conf.VM.Endpoint)
	p.docker = r
	return nil
}

func (p *peer) newDockerRuntime() (*docker.Runtime, error) {
	conf := &p.conf.Chaincode
	dir, err := filepath.Abs(p.conf.Peer.FileSystemPath)
	if err != nil {
		return nil, fmt.Errorf("peer.fileSystemPath: %w", err)
	}
	return docker.New(docker.Options{
		VM: p.conf.VM,
		Images: platform.Images{
			Builder:     config.ExpandImage(conf.Builder),
			Golang:      config.ExpandImage(conf.Golang.Runtime),
			Car:         config.ExpandImage(conf.Car.Runtime),
			Node:        config.ExpandImage(conf.Node.Runtime),
			Java:        config.ExpandImage(conf.Java.Runtime),
			DynamicLink: conf.Golang.DynamicLink,
		},
		Pull:      conf.Pull,
		NetworkID: p.conf.Peer.NetworkID,
		PeerID:    p.conf.Peer.ID,
		Dir:       dir,
		Env:       os.Environ(),
		Metrics:   p.metrics.docker,
		Log:       p.logs.Named("peer.chaincode"),
		BuildLog:  p.logs.Named("chaincode.build"),
	})
}

// outsideRuntime is the runtime of chaincode that is not compiled in.
func (p *peer) outsideRuntime(dialled string) (runtime.Runtime, error) {
	if p.docker != nil {
		return p.docker, nil
	}
	var err error
	p.processes, err = p.newProcessRuntime(dialled)
	return p.processes, err
}
