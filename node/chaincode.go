package node

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/heddleledger/heddle/acl"
	"github.com/heddleledger/heddle/chaincode"
	"github.com/heddleledger/heddle/chaincode/pack"
	"github.com/heddleledger/heddle/chaincode/platform"
	"github.com/heddleledger/heddle/chaincode/platform/golang"
	"github.com/heddleledger/heddle/chaincode/runtime"
	"github.com/heddleledger/heddle/comm"
	"github.com/heddleledger/heddle/logging"
	"github.com/heddleledger/heddle/shim"
	"github.com/heddleledger/heddle/wire/peerpb"
	"github.com/heddleledger/heddle/wire/tx"
)

// defaultChaincodePort is where chaincode finds a peer whose configuration does not say.
const defaultChaincodePort = "7052"

// chaincodeListener is where chaincode registers. Under TLS its certificate, and those of the chaincode it lets in, are made by the
// peer itself at every start.
type chaincodeListener struct {
	address string
	tls     *comm.ServerTLS
}

// newChaincodeSupport wires the support service to the channels and to the runtime that the configuration asks for.
func (p *peer) newChaincodeSupport() (*chaincode.Support, *chaincodeListener, error) {
	conf, log := &p.conf.Chaincode, p.logs.Named("chaincode")
	listener, dialled := chaincodeAddresses(p.conf.Peer.ChaincodeListenAddress, p.conf.Peer.ChaincodeAddress, p.conf.Peer.ListenAddress, p.conf.Peer.Address)
	l := &chaincodeListener{address: listener}
	o := chaincode.Options{
		Packages:    p.packages,
		System:      p.systemChaincodes(),
		PeerAddress: dialled,
		Env: []string{
			"CORE_CHAINCODE_LOGGING_LEVEL=" + conf.Logging.Level,
			"CORE_CHAINCODE_LOGGING_SHIM=" + conf.Logging.Shim,
			"CORE_CHAINCODE_LOGGING_FORMAT=" + conf.Logging.Format,
		},
		ExecuteTimeout:  conf.ExecuteTimeout,
		StartupTimeout:  conf.StartupTimeout,
		Keepalive:       conf.Keepalive,
		TotalQueryLimit: p.conf.Ledger.State.TotalQueryLimit,
		Ledger:          p.channels.Ledger,
		KeyLevelEndorsement: func(id string) (enabled, joined bool) {
			b, ok := p.channels.Bundle(id)
			if !ok {
				return false, false
			}
			app, ok := b.Application()
			return ok && app.Capabilities.KeyLevelEndorsement, true
		},
		AuthorizeCall: func(id string, proposal *tx.Proposal) error {
			return p.acl.Check(acl.PeerChaincodeToChaincode, id, acl.Signed(proposal))
		},
		Log: log,
	}
	if conf.DevMode() {
		log.Warn("Running in chaincode development mode: chaincode is started by hand, and whatever connects to the chaincode listener, "+
			"which speaks plain text, may register", "address", dialled)
		return chaincode.New(o), l, nil
	}
	var support *chaincode.Support // the in-process runtime serves it, and it starts that runtime
	o.Runtime = &eitherRuntime{
		inProcess: p.newInProcessRuntime(func(s runtime.Stream) error { return support.Serve(s) }),
		outside:   p.outsideRuntime(),
	}
	if p.tls != nil {
		authority, err := runtime.NewAuthority(time.Now())
		if err != nil {
			return nil, nil, fmt.Errorf("making the certificates of the chaincode listener: %w", err)
		}
		certificate, err := authority.Server(hostOf(dialled), hostOf(listener))
		if err != nil {
			return nil, nil, err
		}
		roots, err := comm.NewRoots(authority.Root())
		if err != nil {
			return nil, nil, err
		}
		o.Authority = authority
		l.tls = &comm.ServerTLS{Certificate: certificate, RequireClientCert: true, ClientRoots: roots}
	}
	support = chaincode.New(o)
	return support, l, nil
}

// defines tells whether one of the peer's channels defines a chaincode in that version.
func (p *peer) defines(name, version string) bool {
	for _, id := range p.channels.IDs() {
		l, ok := p.channels.Ledger(id)
		if !ok {
			continue
		}
		s, err := l.NewSimulator("")
		if err != nil {
			continue // it is being closed
		}
		d, err := chaincode.Definition(s, name)
		s.Close()
		if err == nil && d.Version == version {
			return true
		}
	}
	return false
}

// eitherRuntime runs what is compiled into the peer inside it, and everything else outside, in a process or container of its own.
type eitherRuntime struct {
	inProcess *runtime.InProcess
	outside   runtime.Runtime
}

func (e *eitherRuntime) Start(ctx context.Context, l runtime.Launch) (runtime.Instance, error) {
	if _, ok := e.inProcess.Chaincodes[l.Name]; ok {
		return e.inProcess.Start(ctx, l)
	}
	return e.outside.Start(ctx, l)
}

func (p *peer) newInProcessRuntime(serve func(runtime.Stream) error) *runtime.InProcess {
	r := &runtime.InProcess{Chaincodes: map[string]func(string, runtime.ClientStream) error{}, Serve: serve}
	for name, cc := range p.compiledIn {
		r.Chaincodes[name] = func(id string, s runtime.ClientStream) error { return shim.StartInProc(id, s, cc) }
	}
	return r
}

// newProcessRuntime runs chaincode as child processes, built from the installed packages.
func (p *peer) newProcessRuntime() *runtime.Process {
	dir := filepath.Join(p.conf.Peer.FileSystemPath, "chaincode-runtime")
	log := p.logs.Named("chaincode.build")
	return &runtime.Process{
		Build: func(ctx context.Context, pkg *pack.Package) (string, error) {
			return platform.Build(ctx, pkg.Type, golang.BuildRequest{
				CodePackage: pkg.Spec.CodePackage, Path: pkg.Path, CacheDir: p.buildCache(), Log: log,
			}, os.Environ())
		},
		Command: func(pkg *pack.Package, built, address string) (runtime.Executable, error) {
			return platform.Command(pkg.Type, built, address, os.Environ())
		},
		Dir: filepath.Join(dir, "running"),
		Log: p.logs.Named("peer.chaincode"),
	}
}

// prepareBuilds does, in the background, what else the first launch would do: it compiles what every Go chaincode needs, or tidies up the engine.
func (p *peer) prepareBuilds(ctx context.Context, g *errgroup.Group) {
	if p.conf.Chaincode.DevMode() {
		return
	}
	if p.docker != nil {
		g.Go(func() error {
			if err := p.docker.Sweep(ctx); err != nil && ctx.Err() == nil {
				p.logs.Named("chaincode.build").Warn("The Docker engine cannot be used yet", "reason", err)
			}
			return nil
		})
		return
	}
	g.Go(func() error {
		began, log := time.Now(), p.logs.Named("chaincode.build")
		if err := golang.Prepare(ctx, p.buildCache()); err != nil {
			if ctx.Err() == nil {
				log.Warn("Go chaincode cannot be built yet", "reason", err)
			}
			return nil
		}
		log.Info("Ready to build Go chaincode", "took", time.Since(began).Round(time.Millisecond))
		return nil
	})
}

// buildCache keeps executables of chaincode.
func (p *peer) buildCache() string {
	return filepath.Join(p.conf.Peer.FileSystemPath, "chaincode-runtime", "builds")
}

// serve lets chaincode register until ctx ends.
func (l *chaincodeListener) serve(ctx context.Context, g *errgroup.Group, support *chaincode.Support, logs *logging.Logs) error {
	server := comm.NewServer(comm.ServerOptions{TLS: l.tls, Log: logs.Named("comm.grpc.server")})
	peerpb.RegisterChaincodeSupportServer(server, support)
	return serve(ctx, g, "chaincode", "peer.chaincodeListenAddress", l.address, server, logs.Named("nodeCmd"))
}

// chaincodeAddresses are where the peer listens for chaincode and where chaincode finds it. What the configuration leaves out is
// derived as in Fabric: the port 7052 on the peer's own host.
func chaincodeAddresses(listen, dial, peerListen, peerAddress string) (listener, dialled string) {
	if listen == "" {
		listen = net.JoinHostPort(hostOf(peerListen), defaultChaincodePort)
	}
	if dial == "" {
		host, port, err := net.SplitHostPort(listen)
		if ip := net.ParseIP(host); err != nil || host == "" || ip != nil && ip.IsUnspecified() {
			host = hostOf(peerAddress)
		}
		if port == "" {
			port = defaultChaincodePort
		}
		dial = net.JoinHostPort(host, port)
	}
	return listen, dial
}
