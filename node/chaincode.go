package node

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/acl"
	"github.com/heddleledger/heddle/chaincode"
	"github.com/heddleledger/heddle/chaincode/confine"
	"github.com/heddleledger/heddle/chaincode/pack"
	"github.com/heddleledger/heddle/chaincode/platform"
	"github.com/heddleledger/heddle/chaincode/platform/golang"
	"github.com/heddleledger/heddle/chaincode/runtime"
	"github.com/heddleledger/heddle/comm"
	"github.com/heddleledger/heddle/ledger"
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
	listener, dialled := chaincodeAddresses(p.conf.Peer.ChaincodeListenAddress, p.conf.Peer.ChaincodeAddress, p.conf.Peer.ListenAddress, p.address)
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
		Defined:  p.defines,
		Debugged: conf.Process.Debug.Name,
		Metrics:  p.metrics.chaincode,
		Log:      log,
	}
	if conf.DevMode() {
		log.Warn("Running in chaincode development mode: chaincode is started by hand, and whatever connects to the chaincode listener, "+
			"which speaks plain text, may register", "address", dialled)
		return chaincode.New(o), l, nil
	}
	outside, err := p.outsideRuntime(dialled)
	if err != nil {
		return nil, nil, err
	}
	var support *chaincode.Support // the in-process runtime serves it, and it starts that runtime
	o.Runtime = &eitherRuntime{
		inProcess: p.newInProcessRuntime(func(s runtime.Stream) error { return support.Serve(s) }),
		outside:   outside,
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
		l.tls = &comm.ServerTLS{Certificate: comm.NewCertificate(certificate), RequireClientCert: true, ClientRoots: roots}
	}
	support = chaincode.New(o)
	return support, l, nil
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

// defines tells whether any channel defines the chaincode at that version. One that cannot be asked might.
func (p *peer) defines(name, version string) bool {
	for _, id := range p.channels.IDs() {
		l, ok := p.channels.Ledger(id)
		if !ok {
			continue
		}
		if defined, err := definedVersion(l, name); err != nil || defined == version {
			return true
		}
	}
	return false
}

// definedVersion is the version of a chaincode that a channel defines; empty if it defines none.
func definedVersion(l *ledger.Ledger, name string) (string, error) {
	s, err := l.NewSnapshot()
	if err != nil {
		return "", err
	}
	defer s.Close()
	raw, err := s.Get("lscc", name)
	if err != nil {
		return "", err
	}
	d := &peerpb.ChaincodeData{}
	if err := proto.Unmarshal(raw, d); err != nil {
		return "", err
	}
	return d.Version, nil
}

// newProcessRuntime runs chaincode as child processes, built from the installed packages.
func (p *peer) newProcessRuntime(dialled string) (*runtime.Process, error) {
	debugger, err := p.debugger()
	if err != nil {
		return nil, err
	}
	limits, err := p.confinement(dialled)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(p.conf.Peer.FileSystemPath, "chaincode-runtime")
	log := p.logs.Named("chaincode.build")
	return &runtime.Process{
		Build: func(ctx context.Context, pkg *pack.Package) (string, error) {
			return platform.Build(ctx, pkg.Type, golang.BuildRequest{
				CodePackage: pkg.Spec.CodePackage, Path: pkg.Path, CacheDir: p.buildCache(), Log: log,
				Debug: debugger != nil && debugger.Chaincode == pkg.Name,
			}, os.Environ(), limits)
		},
		Command: func(pkg *pack.Package, built, address string) (runtime.Executable, error) {
			return platform.Command(pkg.Type, built, address, os.Environ())
		},
		Dir:      filepath.Join(dir, "running"),
		Log:      p.logs.Named("peer.chaincode"),
		Limits:   limits,
		Debugger: debugger,
	}, nil
}

// debugger is Delve, if a chaincode is to be debugged; nil if not.
func (p *peer) debugger() (*runtime.Debugger, error) {
	conf := &p.conf.Chaincode.Process.Debug
	if conf.Name == "" {
		return nil, nil
	}
	dlv, err := exec.LookPath("dlv")
	if err == nil {
		dlv, err = filepath.Abs(dlv)
	}
	if err != nil {
		return nil, fmt.Errorf("chaincode.process.debug.name asks for chaincode %s to be debugged, which needs Delve, but there is no dlv on the PATH; "+
			"install it with: go install github.com/go-delve/delve/cmd/dlv@latest", conf.Name)
	}
	return &runtime.Debugger{Chaincode: conf.Name, Path: dlv, ListenAddress: conf.ListenAddress}, nil
}

// confinement is what chaincode processes are confined to, nil if they are not; the log says what the configuration or the system leaves open.
func (p *peer) confinement(dialled string) (*confine.Limits, error) {
	conf, log := &p.conf.Chaincode.Process, p.logs.Named("chaincode")
	if !conf.Confined {
		log.Warn("Chaincode processes are not confined: they can do whatever the peer's user can (chaincode.process.confined is false)")
		return nil, nil
	}
	s := &confine.Spec{Limits: confine.Limits{Memory: int64(conf.Memory), Files: conf.Files, Processes: conf.Processes}}
	if err := s.Connect(dialled); err != nil {
		return nil, fmt.Errorf("the address where chaincode finds the peer: %w", err)
	}
	if missing := confine.Missing(s); len(missing) > 0 {
		log.Warn("Chaincode processes are confined, but this system cannot restrict " + strings.Join(missing, "; "))
	} else {
		log.Info("Chaincode processes are confined to their own files, the peer's chaincode port and the limits of chaincode.process")
	}
	return &s.Limits, nil
}

// sweepBuilds removes what interrupted builds have left, and says what cannot be run. No chaincode may be launched before.
func (p *peer) sweepBuilds(ctx context.Context, g *errgroup.Group) {
	log := p.logs.Named("chaincode.build")
	switch {
	case p.conf.Chaincode.DevMode():
	case p.docker != nil:
		g.Go(func() error {
			if err := p.docker.Sweep(ctx); err != nil && ctx.Err() == nil {
				log.Warn("The Docker engine cannot be used yet", "reason", err)
			}
			return nil
		})
	default:
		if err := platform.Sweep(p.buildCache()); err != nil {
			log.Warn("What an interrupted build left cannot be removed", "reason", err)
		}
		for _, err := range platform.Missing(os.Environ()) {
			log.Warn("Some chaincode cannot be run", "reason", err)
		}
	}
}

// prepareBuilds compiles, in the background, what every Go chaincode needs, so that the first launch need not.
func (p *peer) prepareBuilds(ctx context.Context, g *errgroup.Group) {
	if p.conf.Chaincode.DevMode() || p.docker != nil {
		return
	}
	g.Go(func() error {
		log, began := p.logs.Named("chaincode.build"), time.Now()
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
