package config

import (
	"runtime"
	"strings"
	"time"

	"github.com/heddleledger/heddle/version"
)

// Core is core.yaml: the configuration of a peer and of the commands that talk to one.
type Core struct {
	Peer       Peer           `key:"peer"`
	VM         VM             `key:"vm"`
	Chaincode  Chaincode      `key:"chaincode"`
	Ledger     Ledger         `key:"ledger"`
	Operations CoreOperations `key:"operations"`
	Metrics    CoreMetrics    `key:"metrics"`

	File    string // the file that was read
	origins origins
}

// Peer is the section "peer".
type Peer struct {
	ID                     string         `key:"id"`
	NetworkID              string         `key:"networkId"`
	ListenAddress          string         `key:"listenAddress"`
	ChaincodeListenAddress string         `key:"chaincodeListenAddress"` // empty: peer's host, port 7052
	ChaincodeAddress       string         `key:"chaincodeAddress"`       // what chaincode dials; empty: derived
	Address                string         `key:"address"`
	AddressAutoDetect      bool           `key:"addressAutoDetect"` // address gets this machine's own IP address
	ConnectionTimeout      time.Duration  `key:"connectiontimeout"` // of a TLS handshake with a client
	Keepalive              PeerKeepalive  `key:"keepalive"`
	TLS                    PeerTLS        `key:"tls"`
	Authentication         Authentication `key:"authentication"`
	FileSystemPath         string         `key:"fileSystemPath,path"`
	BCCSP                  BCCSP          `key:"BCCSP"`
	MSPConfigPath          string         `key:"mspConfigPath,path"`
	LocalMSPID             string         `key:"localMspId"`
	LocalMSPType           string         `key:"localMspType"`
	Client                 Client         `key:"client"`
	DeliveryClient         DeliveryClient `key:"deliveryclient"`
	Profile                PeerProfile    `key:"profile"`
	AdminService           AdminService   `key:"adminService"`
	Handlers               Handlers       `key:"handlers"`
	ValidatorPoolSize      int            `key:"validatorPoolSize"` // 0: as many as there are processors
	Limits                 Limits         `key:"limits"`
	MaxRecvMsgSize         Size           `key:"maxRecvMsgSize"`
	MaxSendMsgSize         Size           `key:"maxSendMsgSize"`
}

// PeerKeepalive is "peer.keepalive".
type PeerKeepalive struct {
	MinInterval    time.Duration   `key:"minInterval"` // clients that ping more often are cut off
	Interval       time.Duration   `key:"interval"`    // between the server's own pings
	Timeout        time.Duration   `key:"timeout"`
	Client         ClientKeepalive `key:"client"`
	DeliveryClient ClientKeepalive `key:"deliveryClient"`
}

// ClientKeepalive says how a gRPC client keeps its connection up.
type ClientKeepalive struct {
	Interval time.Duration `key:"interval"`
	Timeout  time.Duration `key:"timeout"`
}

// FileRef is a key whose only child is "file".
type FileRef struct {
	File string `key:"file,path"`
}

// FileRefs is a key whose only child is "files".
type FileRefs struct {
	Files []string `key:"files,path"`
}

// PeerTLS is "peer.tls".
type PeerTLS struct {
	Enabled            bool     `key:"enabled"`
	ClientAuthRequired bool     `key:"clientAuthRequired"`
	Cert               FileRef  `key:"cert"`
	Key                FileRef  `key:"key"`
	RootCert           FileRef  `key:"rootcert"`
	ClientRootCAs      FileRefs `key:"clientRootCAs"`
	ServerRootCAs      FileRefs `key:"serverRootCAs"`
	ClientKey          FileRef  `key:"clientKey"`
	ClientCert         FileRef  `key:"clientCert"`
	ServerHostOverride string   `key:"serverhostoverride"`
}

// ClientPair is the certificate and key files for outgoing connections: clientCert and clientKey, or the server's when neither is set.
func (t *PeerTLS) ClientPair() (cert, key string) {
	if t.ClientCert.File == "" && t.ClientKey.File == "" {
		return t.Cert.File, t.Key.File
	}
	return t.ClientCert.File, t.ClientKey.File
}

// Authentication is "peer.authentication".
type Authentication struct {
	TimeWindow time.Duration `key:"timewindow"` // how far a request's timestamp may be from now
}

// Client is "peer.client" and "orderer.client".
type Client struct {
	ConnTimeout time.Duration `key:"connTimeout"`
}

// DeliveryClient is how a peer pulls blocks from orderers.
type DeliveryClient struct {
	ReconnectTotalTimeThreshold time.Duration     `key:"reconnectTotalTimeThreshold"` // without an orderer that is told
	ConnTimeout                 time.Duration     `key:"connTimeout"`
	ReConnectBackoffThreshold   time.Duration     `key:"reConnectBackoffThreshold"`
	AddressOverrides            []AddressOverride `key:"addressOverrides"`
	StaticRootsEnabled          bool              `key:"staticRootsEnabled"` // trust peer.tls.rootcert for orderers too
}

// AddressOverride replaces an orderer address of the channel configuration.
type AddressOverride struct {
	From        string `key:"from"`
	To          string `key:"to"`
	CACertsFile string `key:"caCertsFile,path"`
}

// PeerProfile is the pprof server.
type PeerProfile struct {
	Enabled       bool   `key:"enabled"`
	ListenAddress string `key:"listenAddress"`
}

// AdminService is a separate listener for administrators; empty, or with the peer's port, means the peer's own.
type AdminService struct {
	ListenAddress string `key:"listenAddress"`
}

// Limits is "peer.limits".
type Limits struct {
	Concurrency Concurrency `key:"concurrency"`
}

// Concurrency is how many requests a service runs at once; 0 means no limit. A key that is missing has the value of Fabric's sample file.
type Concurrency struct {
	EndorserService int `key:"endorserService"`
	DeliverService  int `key:"deliverService"`
}

// VM is the section "vm": the container engine.
type VM struct {
	Endpoint string `key:"endpoint"` // unix:///path, tcp:// or http(s)://host:port; empty: DefaultEndpoint
	Docker   Docker `key:"docker"`
}

// DefaultEndpoint is where a Docker engine listens unless told otherwise.
const DefaultEndpoint = "unix:///var/run/docker.sock"

// Docker is "vm.docker".
type Docker struct {
	TLS          DockerTLS  `key:"tls"`
	AttachStdout bool       `key:"attachStdout"` // chaincode's output goes to the peer's log
	HostConfig   HostConfig `key:"hostConfig"`
}

// HostConfig is "vm.docker.hostConfig": what the engine is asked for with every container, under the engine's own names. Zero leaves it to the engine.
type HostConfig struct {
	NetworkMode      string    `key:"NetworkMode"`
	Dns              []string  `key:"Dns"`
	DnsSearch        []string  `key:"DnsSearch"`
	ExtraHosts       []string  `key:"ExtraHosts"`
	IpcMode          string    `key:"IpcMode"`
	PidMode          string    `key:"PidMode"`
	UTSMode          string    `key:"UTSMode"`
	LogConfig        LogConfig `key:"LogConfig"`
	CapAdd           []string  `key:"CapAdd"`
	CapDrop          []string  `key:"CapDrop"`
	SecurityOpt      []string  `key:"SecurityOpt"`
	ReadonlyRootfs   bool      `key:"ReadonlyRootfs"`
	CgroupParent     string    `key:"CgroupParent"`
	Memory           int64     `key:"Memory"`     // bytes
	MemorySwap       int64     `key:"MemorySwap"` // bytes, memory included; -1: no limit
	MemorySwappiness int64     `key:"MemorySwappiness"`
	OomKillDisable   bool      `key:"OomKillDisable"`
	CpuShares        int64     `key:"CpuShares"`
	Cpuset           string    `key:"Cpuset"` // an older name of CpusetCPUs
	CpusetCPUs       string    `key:"CpusetCPUs"`
	CpusetMEMs       string    `key:"CpusetMEMs"`
	CpuQuota         int64     `key:"CpuQuota"`  // microseconds
	CpuPeriod        int64     `key:"CpuPeriod"` // microseconds
	BlkioWeight      uint16    `key:"BlkioWeight"`
}

// LogConfig is a logging driver of the engine and its options.
type LogConfig struct {
	Type   string            `key:"Type"`
	Config map[string]string `key:"Config"`
}

// DockerTLS is how the container engine is reached.
type DockerTLS struct {
	Enabled bool    `key:"enabled"`
	CA      FileRef `key:"ca"`
	Cert    FileRef `key:"cert"`
	Key     FileRef `key:"key"`
}

// Chaincode is the section "chaincode".
type Chaincode struct {
	Runtime        string            `key:"runtime"` // Heddle's own key: docker or process; empty: docker if an engine is there
	Builder        string            `key:"builder"` // image that builds chaincode; this and the images below are templates, see ExpandImage
	Pull           bool              `key:"pull"`    // ask the registry for newer runtime images at every build
	Golang         GolangImage       `key:"golang"`
	Car            RuntimeImage      `key:"car"`
	Java           RuntimeImage      `key:"java"` // builds as well
	Node           RuntimeImage      `key:"node"`
	StartupTimeout time.Duration     `key:"startuptimeout"`
	ExecuteTimeout time.Duration     `key:"executetimeout"`
	Mode           string            `key:"mode"`              // net or dev
	Keepalive      time.Duration     `key:"keepalive,seconds"` // 0 or less: none
	System         map[string]string `key:"system"`            // system chaincodes and whether each is enabled
	Logging        ChaincodeLogging  `key:"logging"`
	Process        ChaincodeProcess  `key:"process"`
}

// RuntimeImage is the image that chaincode of a language runs on.
type RuntimeImage struct {
	Runtime string `key:"runtime"`
}

// GolangImage is "chaincode.golang".
type GolangImage struct {
	Runtime     string `key:"runtime"`
	DynamicLink bool   `key:"dynamicLink"` // for runtime images with the C library that the builder has
}

// ExpandImage fills in a template of an image name, such as $(DOCKER_NS)/fabric-ccenv:$(TWO_DIGIT_VERSION), as Fabric 1.4.12 does.
func ExpandImage(template string) string {
	return strings.NewReplacer(
		"$(ARCH)", runtime.GOARCH,
		"$(PROJECT_VERSION)", version.Fabric,
		"$(TWO_DIGIT_VERSION)", version.Fabric[:strings.LastIndexByte(version.Fabric, '.')],
		"$(BASE_VERSION)", version.FabricBase,
		"$(DOCKER_NS)", "hyperledger",
		"$(BASE_DOCKER_NS)", "hyperledger",
	).Replace(template)
}

// DevMode tells whether chaincode is started by hand.
func (c *Chaincode) DevMode() bool { return c.Mode == "dev" }

// ChaincodeProcess is "chaincode.process", Heddle's own: what chaincode that runs as a process may do and use.
type ChaincodeProcess struct {
	Confined  bool           `key:"confined"`  // keeps it from files and addresses that are none of its business
	Memory    Size           `key:"memory"`    // of its data; 0: no limit, as for those below
	Files     int            `key:"files"`     // open ones
	Processes int            `key:"processes"` // and threads, beyond those that the peer's user runs already
	Debug     ChaincodeDebug `key:"debug"`
}

// ChaincodeDebug is "chaincode.process.debug": a Go chaincode to run under Delve.
type ChaincodeDebug struct {
	Name          string `key:"name"`          // of the chaincode; empty: none
	ListenAddress string `key:"listenAddress"` // where Delve waits for a client
}

// ChaincodeLogging is given to chaincode in its environment.
type ChaincodeLogging struct {
	Level  string `key:"level"`
	Shim   string `key:"shim"`
	Format string `key:"format"`
}

// Ledger is the section "ledger".
type Ledger struct {
	State   LedgerState   `key:"state"`
	History LedgerHistory `key:"history"`
}

// LedgerState is "ledger.state".
type LedgerState struct {
	StateDatabase   string `key:"stateDatabase"`
	TotalQueryLimit int    `key:"totalQueryLimit"` // results a query may give
}

// LedgerHistory is "ledger.history".
type LedgerHistory struct {
	EnableHistoryDatabase bool `key:"enableHistoryDatabase"`
}

// CoreOperations is the section "operations": health, metrics and log levels over HTTP.
type CoreOperations struct {
	ListenAddress string            `key:"listenAddress"`
	TLS           CoreOperationsTLS `key:"tls"`
}

// CoreOperationsTLS is "operations.tls". Relative paths are the process's own, as in Fabric.
type CoreOperationsTLS struct {
	Enabled            bool       `key:"enabled"`
	Cert               PlainFile  `key:"cert"`
	Key                PlainFile  `key:"key"`
	ClientAuthRequired bool       `key:"clientAuthRequired"`
	ClientRootCAs      PlainFiles `key:"clientRootCAs"`
}

// PlainFile is a file whose relative path is the process's own.
type PlainFile struct {
	File string `key:"file"`
}

// PlainFiles are files whose relative paths are the process's own.
type PlainFiles struct {
	Files []string `key:"files"`
}

// defaultCore is what holds for keys that neither the file nor the environment gives.
func defaultCore() *Core {
	c := &Core{}
	p := &c.Peer
	p.ListenAddress, p.Address = "0.0.0.0:7051", "0.0.0.0:7051"
	p.ConnectionTimeout = 5 * time.Second
	p.Keepalive = PeerKeepalive{
		MinInterval: time.Minute, Interval: 2 * time.Hour, Timeout: 20 * time.Second,
		Client:         ClientKeepalive{Interval: time.Minute, Timeout: 20 * time.Second},
		DeliveryClient: ClientKeepalive{Interval: time.Minute, Timeout: 20 * time.Second},
	}
	p.Authentication.TimeWindow = 15 * time.Minute
	p.FileSystemPath = "/var/hyperledger/production"
	p.BCCSP = BCCSP{Default: "SW", SW: SW{Hash: "SHA2", Security: 256, KeyTables: defaultKeyTables}}
	p.MSPConfigPath, p.LocalMSPID, p.LocalMSPType = "msp", "SampleOrg", "bccsp"
	p.Client.ConnTimeout = 3 * time.Second
	p.DeliveryClient = DeliveryClient{
		ReconnectTotalTimeThreshold: time.Hour, ConnTimeout: 3 * time.Second, ReConnectBackoffThreshold: time.Hour,
	}
	p.Profile.ListenAddress = "0.0.0.0:6060"
	p.Handlers = Handlers{
		AuthFilters: []Handler{{Name: "DefaultAuth"}, {Name: "ExpirationCheck"}},
		Decorators:  []Handler{{Name: "DefaultDecorator"}},
		Endorsers:   map[string]Handler{"escc": {Name: "DefaultEndorsement"}},
		Validators:  map[string]Handler{"vscc": {Name: "DefaultValidation"}},
	}
	p.Limits.Concurrency = Concurrency{EndorserService: 2500, DeliverService: 2500}
	p.MaxRecvMsgSize, p.MaxSendMsgSize = 100<<20, 100<<20
	c.Chaincode = Chaincode{
		Builder:        "$(DOCKER_NS)/fabric-ccenv:$(TWO_DIGIT_VERSION)",
		Golang:         GolangImage{Runtime: "$(BASE_DOCKER_NS)/fabric-baseos:$(ARCH)-$(BASE_VERSION)"},
		Car:            RuntimeImage{Runtime: "$(BASE_DOCKER_NS)/fabric-baseos:$(ARCH)-$(BASE_VERSION)"},
		Java:           RuntimeImage{Runtime: "$(DOCKER_NS)/fabric-javaenv:$(TWO_DIGIT_VERSION)"},
		Node:           RuntimeImage{Runtime: "$(BASE_DOCKER_NS)/fabric-baseimage:$(ARCH)-$(BASE_VERSION)"},
		StartupTimeout: 5 * time.Minute, ExecuteTimeout: 30 * time.Second, Mode: "net",
		System:  map[string]string{"cscc": "enable", "lscc": "enable", "qscc": "enable"},
		Logging: ChaincodeLogging{Level: "info", Shim: "warning"},
		Process: ChaincodeProcess{Confined: true, Memory: 2 << 30, Files: 4096, Processes: 1024, Debug: ChaincodeDebug{ListenAddress: "127.0.0.1:2345"}},
	}
	c.Ledger = Ledger{
		State:   LedgerState{StateDatabase: "goleveldb", TotalQueryLimit: 100000},
		History: LedgerHistory{EnableHistoryDatabase: true},
	}
	c.Metrics = CoreMetrics{Provider: "disabled", Statsd: Statsd{Network: "udp", Address: "127.0.0.1:8125", WriteInterval: 10 * time.Second}}
	return c
}
