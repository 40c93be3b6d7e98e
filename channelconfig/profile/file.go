package profile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/heddleledger/heddle/config"
)

// File is a configtx.yaml, read but not yet decoded: environment variables reach into whichever part is asked for.
type File struct {
	path string
	data []byte
	env  []string
}

// TopLevel is the whole of configtx.yaml.
type TopLevel struct {
	Profiles      map[string]*Profile        `key:"Profiles"`
	Organizations []*Organization            `key:"Organizations"`
	Channel       *Profile                   `key:"Channel"`
	Application   *Application               `key:"Application"`
	Orderer       *Orderer                   `key:"Orderer"`
	Capabilities  map[string]map[string]bool `key:"Capabilities"`
	_             struct{}                   `key:"Resources,ignored"`
}

// Profile describes a channel.
type Profile struct {
	Consortium   string                 `key:"Consortium"`
	Application  *Application           `key:"Application"`
	Orderer      *Orderer               `key:"Orderer"`
	Consortiums  map[string]*Consortium `key:"Consortiums"`
	Capabilities map[string]bool        `key:"Capabilities"`
	Policies     map[string]*Policy     `key:"Policies"`
}

// Policy is a policy in words.
type Policy struct {
	Type string `key:"Type"` // Signature or ImplicitMeta
	Rule string `key:"Rule"` // OR('Org1MSP.member'), or ANY Readers
}

// Consortium is a set of organizations that may make channels together.
type Consortium struct {
	Organizations []*Organization `key:"Organizations"`
}

// Application is the peers' side of a channel.
type Application struct {
	Organizations []*Organization    `key:"Organizations"`
	Capabilities  map[string]bool    `key:"Capabilities"`
	Policies      map[string]*Policy `key:"Policies"`
	ACLs          map[string]string  `key:"ACLs"` // resource → policy
	_             struct{}           `key:"Resources,ignored"`
}

// Organization is a member, with its MSP's directory.
type Organization struct {
	Name             string             `key:"Name"`
	ID               string             `key:"ID"` // of its MSP
	MSPDir           string             `key:"MSPDir,path"`
	MSPType          string             `key:"MSPType"` // bccsp
	Policies         map[string]*Policy `key:"Policies"`
	AnchorPeers      []*AnchorPeer      `key:"AnchorPeers"`
	OrdererEndpoints []string           `key:"OrdererEndpoints"`
	AdminPrincipal   string             `key:"AdminPrincipal"` // of the default Admins policy: Role.ADMIN, or Role.MEMBER
	_                struct{}           `key:"SkipAsForeign,ignored"`
}

// AnchorPeer is where peers of other organizations reach this one.
type AnchorPeer struct {
	Host string `key:"Host"`
	Port int    `key:"Port"`
}

// Orderer is the ordering service's side of a channel.
type Orderer struct {
	OrdererType   string             `key:"OrdererType"` // solo, kafka or etcdraft
	Addresses     []string           `key:"Addresses"`
	BatchTimeout  time.Duration      `key:"BatchTimeout"`
	BatchSize     BatchSize          `key:"BatchSize"`
	Kafka         Kafka              `key:"Kafka"`
	EtcdRaft      *EtcdRaft          `key:"EtcdRaft"`
	Organizations []*Organization    `key:"Organizations"`
	MaxChannels   uint64             `key:"MaxChannels"` // 0: no limit
	Capabilities  map[string]bool    `key:"Capabilities"`
	Policies      map[string]*Policy `key:"Policies"`
	_             struct{}           `key:"SmartBFT,ignored"`
	_             struct{}           `key:"ConsenterMapping,ignored"`
}

// BatchSize is when a block is cut.
type BatchSize struct {
	MaxMessageCount   uint32      `key:"MaxMessageCount"`
	AbsoluteMaxBytes  config.Size `key:"AbsoluteMaxBytes"`
	PreferredMaxBytes config.Size `key:"PreferredMaxBytes"`
}

// Kafka is where a kafka orderer's brokers are.
type Kafka struct {
	Brokers []string `key:"Brokers"`
}

// EtcdRaft is the cluster of an etcdraft orderer.
type EtcdRaft struct {
	Consenters []*Consenter `key:"Consenters"`
	Options    RaftOptions  `key:"Options"`
}

// Consenter is one node of the cluster, with the files of its TLS certificates.
type Consenter struct {
	Host          string `key:"Host"`
	Port          uint32 `key:"Port"`
	ClientTLSCert string `key:"ClientTLSCert,path"`
	ServerTLSCert string `key:"ServerTLSCert,path"`
}

// RaftOptions are what all nodes of the cluster must agree on.
type RaftOptions struct {
	TickInterval         string      `key:"TickInterval"` // a duration
	ElectionTick         uint32      `key:"ElectionTick"`
	HeartbeatTick        uint32      `key:"HeartbeatTick"`
	MaxInflightBlocks    uint32      `key:"MaxInflightBlocks"`
	SnapshotIntervalSize config.Size `key:"SnapshotIntervalSize"`
}

// Open finds and reads configtx.yaml in dir or, if that is empty, where FABRIC_CFG_PATH and its defaults say. env is the process environment,
// as os.Environ gives it; CONFIGTX_… overrides keys.
func Open(dir string, env []string) (*File, error) {
	search := env
	if dir != "" {
		search = append(append([]string(nil), env...), "FABRIC_CFG_PATH="+dir)
	}
	path, err := config.FindFile("configtx", search)
	if err != nil {
		return nil, fmt.Errorf("Could not find configtx.yaml. Please make sure that FABRIC_CFG_PATH or -configPath is set to a path which contains configtx.yaml: %w", err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("Error reading configuration: %w", err)
	}
	return Parse(path, data, env), nil
}

// Parse takes a file's text. path gives the directory that relative paths start from.
func Parse(path string, data []byte, env []string) *File {
	return &File{path: path, data: data, env: env}
}

// Path is where the file lies.
func (f *File) Path() string { return f.path }

// TopLevel decodes the whole file. CONFIGTX_ORDERER_ORDERERTYPE overrides Orderer.OrdererType.
func (f *File) TopLevel() (*TopLevel, []config.Notice, error) {
	t, notices, err := f.decode("")
	if err != nil {
		return nil, nil, err
	}
	for _, org := range t.Organizations {
		org.complete(filepath.Dir(f.path))
	}
	if t.Orderer != nil {
		if err := t.Orderer.complete(filepath.Dir(f.path)); err != nil {
			return nil, nil, fmt.Errorf("%s: Orderer: %w", filepath.Base(f.path), err)
		}
	}
	return t, notices, nil
}

// Organization decodes the file for one organization of its list.
func (f *File) Organization(name string) (*Organization, error) {
	t, _, err := f.decode("")
	if err != nil {
		return nil, err
	}
	for _, org := range t.Organizations {
		if org.Name == name {
			org.complete(filepath.Dir(f.path))
			return org, nil
		}
	}
	return nil, fmt.Errorf("organization %s not found", name)
}

// Profile decodes the file for one profile. CONFIGTX_ORDERER_ORDERERTYPE overrides the profile's Orderer.OrdererType.
func (f *File) Profile(name string) (*Profile, []config.Notice, error) {
	t, notices, err := f.decode("Profiles." + name)
	if err != nil {
		return nil, nil, err
	}
	p, ok := t.Profiles[name]
	if !ok || p == nil {
		return nil, nil, &UnknownProfileError{Name: name}
	}
	if err := p.complete(filepath.Dir(f.path)); err != nil {
		return nil, nil, fmt.Errorf("%s: profile %s: %w", filepath.Base(f.path), name, err)
	}
	return p, notices, nil
}

// UnknownProfileError says that the file has no profile of a name. The text is that of Fabric's configtxgen, two spaces included.
type UnknownProfileError struct{ Name string }

func (e *UnknownProfileError) Error() string {
	return e.Short() + ". Please make sure that FABRIC_CFG_PATH or -configPath is set to a path which contains configtx.yaml with the specified profile"
}

// Short is the error without what to do about it.
func (e *UnknownProfileError) Short() string { return "Could not find profile:  " + e.Name }

func (f *File) decode(root string) (*TopLevel, []config.Notice, error) {
	t := &TopLevel{}
	notices, err := config.Decode(f.path, f.data, config.Options{Prefix: "CONFIGTX", Env: f.env, Root: root}, t)
	if err != nil {
		return nil, nil, fmt.Errorf("Error reading configuration: %w", err)
	}
	return t, notices, nil
}

// complete fills defaults. Sections that are there but empty in the text are nil and stay so.
func (p *Profile) complete(dir string) error {
	if p.Application != nil {
		completeAll(p.Application.Organizations, dir)
	}
	for _, c := range p.Consortiums {
		if c != nil {
			completeAll(c.Organizations, dir)
		}
	}
	if p.Orderer == nil {
		return nil
	}
	completeAll(p.Orderer.Organizations, dir)
	return p.Orderer.complete(dir)
}

func completeAll(orgs []*Organization, dir string) {
	for _, org := range orgs {
		org.complete(dir)
	}
}

func (o *Organization) complete(dir string) {
	if o.MSPType == "" {
		o.MSPType = "bccsp"
	}
	if o.AdminPrincipal == "" {
		o.AdminPrincipal = "Role.ADMIN"
	}
	if o.MSPDir == "" {
		o.MSPDir = dir
	}
}

func (o *Orderer) complete(dir string) error {
	if o.OrdererType == "" {
		o.OrdererType = "solo"
	}
	if o.Addresses == nil {
		o.Addresses = []string{"127.0.0.1:7050"}
	}
	if o.BatchTimeout == 0 {
		o.BatchTimeout = 2 * time.Second
	}
	fill(&o.BatchSize.MaxMessageCount, 500)
	fill(&o.BatchSize.AbsoluteMaxBytes, 10<<20)
	fill(&o.BatchSize.PreferredMaxBytes, 2<<20)
	switch o.OrdererType {
	case "solo":
	case "kafka":
		if o.Kafka.Brokers == nil {
			o.Kafka.Brokers = []string{"127.0.0.1:9092"}
		}
	case "etcdraft":
		if o.EtcdRaft == nil {
			return errors.New("etcdraft raft configuration missing")
		}
		return o.EtcdRaft.complete()
	default:
		return fmt.Errorf("unknown orderer type: %s", o.OrdererType)
	}
	return nil
}

func (r *EtcdRaft) complete() error {
	if r.Options.TickInterval == "" {
		r.Options.TickInterval = "500ms"
	}
	fill(&r.Options.ElectionTick, 10)
	fill(&r.Options.HeartbeatTick, 1)
	fill(&r.Options.MaxInflightBlocks, 5)
	fill(&r.Options.SnapshotIntervalSize, 20<<20)
	if len(r.Consenters) == 0 {
		return errors.New("etcdraft configuration did not specify any consenter")
	}
	if _, err := time.ParseDuration(r.Options.TickInterval); err != nil {
		return fmt.Errorf("Etcdraft TickInterval (%s) must be in time duration format", r.Options.TickInterval)
	}
	if r.Options.ElectionTick <= r.Options.HeartbeatTick {
		return errors.New("election tick must be greater than heartbeat tick")
	}
	for _, c := range r.Consenters {
		var lacks []string
		if c.Host == "" {
			lacks = append(lacks, "host")
		}
		if c.Port == 0 {
			lacks = append(lacks, "port")
		}
		if c.ClientTLSCert == "" {
			lacks = append(lacks, "client TLS cert")
		}
		if c.ServerTLSCert == "" {
			lacks = append(lacks, "server TLS cert")
		}
		if len(lacks) > 0 {
			return fmt.Errorf("consenter info in etcdraft configuration did not specify %s", strings.Join(lacks, ", "))
		}
	}
	return nil
}

func fill[N uint32 | config.Size](v *N, otherwise N) {
	if *v == 0 {
		*v = otherwise
	}
}
