package config

import "time"

// Orderer is orderer.yaml: the configuration of an ordering node.
type Orderer struct {
	General    General           `key:"General"`
	FileLedger FileLedger        `key:"FileLedger"`
	Operations OrdererOperations `key:"Operations"`
	Metrics    OrdererMetrics    `key:"Metrics"`
	Consensus  Consensus         `key:"Consensus"`

	File    string // the file that was read
	origins origins
}

// General is the section "General".
type General struct {
	LedgerType        string                `key:"LedgerType"` // file or ram; not json, an aid for debugging of 1.4's
	ListenAddress     string                `key:"ListenAddress"`
	ListenPort        uint16                `key:"ListenPort"`
	TLS               OrdererTLS            `key:"TLS"`
	Cluster           Cluster               `key:"Cluster"`
	Keepalive         OrdererKeepalive      `key:"Keepalive"`
	ConnectionTimeout time.Duration         `key:"ConnectionTimeout"`
	MaxRecvMsgSize    Size                  `key:"MaxRecvMsgSize"`
	MaxSendMsgSize    Size                  `key:"MaxSendMsgSize"`
	GenesisMethod     string                `key:"GenesisMethod"` // file or provisional; BootstrapMethod is 2.x's name for it
	GenesisProfile    string                `key:"GenesisProfile"`
	SystemChannel     string                `key:"SystemChannel"`
	GenesisFile       string                `key:"GenesisFile,path"` // BootstrapFile is 2.x's name for it
	BootstrapMethod   string                `key:"BootstrapMethod"`
	BootstrapFile     string                `key:"BootstrapFile,path"`
	Profile           OrdererProfile        `key:"Profile"`
	LocalMSPDir       string                `key:"LocalMSPDir,path"`
	LocalMSPID        string                `key:"LocalMSPID"`
	BCCSP             BCCSP                 `key:"BCCSP"`
	Authentication    OrdererAuthentication `key:"Authentication"`
	BatchCutting      string                `key:"BatchCutting"` // Heddle's own key: eager or timeout
}

// OrdererTLS is "General.TLS".
type OrdererTLS struct {
	Enabled               bool          `key:"Enabled"`
	PrivateKey            string        `key:"PrivateKey,path"`
	Certificate           string        `key:"Certificate,path"`
	RootCAs               []string      `key:"RootCAs,path"`
	ClientAuthRequired    bool          `key:"ClientAuthRequired"`
	ClientRootCAs         []string      `key:"ClientRootCAs,path"`
	TLSHandshakeTimeShift time.Duration `key:"TLSHandshakeTimeShift"` // how far the clock is set back when clients' certificates are checked
}

// Cluster is what ordering nodes know of each other. Nodes order alone here, so that is little.
type Cluster struct {
	ServerCertificate              string        `key:"ServerCertificate"` // by which consenter sets name the node; empty: TLS.Certificate
	CertExpirationWarningThreshold time.Duration `key:"CertExpirationWarningThreshold"`
}

// OrdererKeepalive is "General.Keepalive".
type OrdererKeepalive struct {
	ServerMinInterval time.Duration `key:"ServerMinInterval"`
	ServerInterval    time.Duration `key:"ServerInterval"`
	ServerTimeout     time.Duration `key:"ServerTimeout"`
}

// OrdererProfile is the pprof server.
type OrdererProfile struct {
	Enabled bool   `key:"Enabled"`
	Address string `key:"Address"`
}

// OrdererAuthentication is "General.Authentication".
type OrdererAuthentication struct {
	TimeWindow         time.Duration `key:"TimeWindow"`
	NoExpirationChecks bool          `key:"NoExpirationChecks"`
}

// FileLedger is where blocks are kept.
type FileLedger struct {
	Location string `key:"Location"`
	Prefix   string `key:"Prefix"` // of a temporary directory, used when Location is empty
}

// OrdererOperations is the section "Operations".
type OrdererOperations struct {
	ListenAddress string               `key:"ListenAddress"`
	TLS           OrdererOperationsTLS `key:"TLS"`
}

// OrdererOperationsTLS is "Operations.TLS". Relative paths are the process's own, as in Fabric.
type OrdererOperationsTLS struct {
	Enabled            bool     `key:"Enabled"`
	Certificate        string   `key:"Certificate"`
	PrivateKey         string   `key:"PrivateKey"`
	RootCAs            []string `key:"RootCAs"`
	ClientAuthRequired bool     `key:"ClientAuthRequired"`
	ClientRootCAs      []string `key:"ClientRootCAs"`
}

// OrdererMetrics is the section "Metrics".
type OrdererMetrics struct {
	Provider string `key:"Provider"` // disabled, prometheus or statsd
	Statsd   Statsd `key:"Statsd"`
}

// Consensus is what the consensus engine keeps on disk.
type Consensus struct {
	WALDir string `key:"WALDir"` // the log, and what marks its snapshots
	// TickIntervalOverride, if above zero, is used in place of every channel's own TickInterval.
	TickIntervalOverride time.Duration `key:"TickIntervalOverride"`
}

// defaultOrderer is what holds for keys that neither the file nor the environment gives.
func defaultOrderer() *Orderer {
	return &Orderer{
		General: General{
			LedgerType: "file", ListenAddress: "127.0.0.1", ListenPort: 7050,
			Cluster:           Cluster{CertExpirationWarningThreshold: 7 * 24 * time.Hour},
			Keepalive:         OrdererKeepalive{ServerMinInterval: time.Minute, ServerInterval: 2 * time.Hour, ServerTimeout: 20 * time.Second},
			ConnectionTimeout: 5 * time.Second, MaxRecvMsgSize: 100 << 20, MaxSendMsgSize: 100 << 20,
			GenesisProfile: "SampleSingleMSPSolo", SystemChannel: "test-system-channel-name",
			Profile: OrdererProfile{Address: "0.0.0.0:6060"}, LocalMSPDir: "msp", LocalMSPID: "SampleOrg",
			BCCSP:          BCCSP{Default: "SW", SW: SW{Hash: "SHA2", Security: 256, KeyTables: defaultKeyTables}},
			Authentication: OrdererAuthentication{TimeWindow: 15 * time.Minute},
			BatchCutting:   "eager",
		},
		FileLedger: FileLedger{Location: "/var/hyperledger/production/orderer", Prefix: "hyperledger-fabric-ordererledger"},
		Operations: OrdererOperations{ListenAddress: "127.0.0.1:0"},
		Metrics:    OrdererMetrics{Provider: "disabled", Statsd: Statsd{Network: "udp", Address: "127.0.0.1:8125", WriteInterval: 30 * time.Second}},
		Consensus: Consensus{
			WALDir: "/var/hyperledger/production/orderer/etcdraft/wal",
		},
	}
}

// completeOrderer takes 2.x's names for the genesis block where 1.4's are not given, then fills what is still open.
func completeOrderer(o *Orderer, dir string) {
	g := &o.General
	if g.GenesisMethod == "" {
		g.GenesisMethod = g.BootstrapMethod
	}
	if g.GenesisFile == "" {
		g.GenesisFile = g.BootstrapFile
	}
	if g.GenesisMethod == "" {
		g.GenesisMethod = "provisional"
	}
	if g.GenesisFile == "" {
		g.GenesisFile = absolute(dir, "genesisblock")
	}
}
