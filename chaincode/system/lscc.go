package system

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/acl"
	"github.com/heddleledger/heddle/chaincode"
	"github.com/heddleledger/heddle/chaincode/pack"
	"github.com/heddleledger/heddle/chaincode/platform"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// LSCC is the lifecycle system chaincode. A channel's chaincode definitions are its state: under a chaincode's name the ChaincodeData,
// under "<name>~collection" the collection configuration.
type LSCC struct {
	ACL      *acl.Checker
	Channels Channels
	Packages *pack.Store
	Log      *slog.Logger
}

// namespace is where lscc keeps its state.
const namespace = "lscc"

// collectionSuffix makes the key of a chaincode's collection configuration.
const collectionSuffix = "~collection"

// Name is "lscc".
func (s *LSCC) Name() string { return namespace }

// Invoke runs one function.
func (s *LSCC) Invoke(_ context.Context, c *chaincode.Call) *peerpb.Response {
	args := c.Input.GetArgs()
	if len(args) == 0 {
		return badArgs(args)
	}
	function := string(args[0])
	switch function {
	case "install":
		return s.install(c, args)
	case "deploy", "upgrade":
		return s.deploy(c, args)
	case "getid", "ChaincodeExists":
		return s.query(c, args, acl.LsccChaincodeExists, chaincodeName)
	case "getdepspec", "GetDeploymentSpec":
		return s.query(c, args, acl.LsccGetDeploymentSpec, s.deploymentSpec)
	case "getccdata", "GetChaincodeData":
		return s.query(c, args, acl.LsccGetChaincodeData, func(_ string, raw []byte) ([]byte, error) { return raw, nil })
	case "getchaincodes", "GetChaincodes":
		return s.instantiated(c, args)
	case "getinstalledchaincodes", "GetInstalledChaincodes":
		return s.installed(c, args)
	case "getinstalledpackage":
		return s.installedPackage(c, args)
	case "getcollectionsconfig", "GetCollectionsConfig":
		return s.collections(c, args)
	}
	return failure("invalid function to lscc: %s", function)
}

func badArgs(args [][]byte) *peerpb.Response {
	return failure("invalid number of arguments to lscc: %d", len(args))
}

// install(package) puts a package into the peer's store. It touches no channel. A peer of Fabric looks at the code package's state database
// artifacts alone, and leaves the rest to the client; this one does not trust clients.
func (s *LSCC) install(c *chaincode.Call, args [][]byte) *peerpb.Response {
	if len(args) < 2 {
		return badArgs(args)
	}
	if err := s.ACL.CheckResource(acl.LsccInstall, signed(c)); err != nil {
		return failure("access denied for [%s]: %s", args[0], err)
	}
	p, err := pack.Parse(args[1])
	if err != nil {
		return failure("%s", err)
	}
	if err := pack.ValidateName(p.Name); err != nil {
		return failure("%s", err)
	}
	if err := pack.ValidateVersion(p.Version); err != nil {
		return failure("%s", err)
	}
	if Reserved(p.Name) {
		return failure("cannot install: %s is the name of a system chaincode", p.Name)
	}
	if err := platform.Validate(p.Spec); err != nil {
		return failure("%s", err)
	}
	if _, err := s.Packages.Install(args[1]); err != nil {
		return failure("%s", err)
	}
	s.Log.Info("Installed chaincode", "name", p.Name, "version", p.Version)
	return success([]byte("OK"))
}

// query(channel, name) reads a chaincode's definition and returns what about makes of it. As in Fabric the channel argument only decides
// whose access rights apply; the definition is read in the channel of the proposal.
func (s *LSCC) query(c *chaincode.Call, args [][]byte, resource string, about func(name string, definition []byte) ([]byte, error)) *peerpb.Response {
	if len(args) != 3 {
		return badArgs(args)
	}
	if err := s.ACL.Check(resource, string(args[1]), signed(c)); err != nil {
		return failure("access denied for [%s][%s]: %s", args[0], args[1], err)
	}
	name := string(args[2])
	definition, err := s.definition(c, name)
	if err != nil {
		return failure("%s", err)
	}
	return answer(about(name, definition))
}

// definition is the ChaincodeData bytes under name.
func (s *LSCC) definition(c *chaincode.Call, name string) ([]byte, error) {
	raw, err := get(c, name)
	if err != nil {
		return nil, fmt.Errorf("transaction not found: %w", err)
	}
	if raw == nil {
		return nil, fmt.Errorf("could not find chaincode with name '%s'", name)
	}
	return raw, nil
}

// get reads lscc's state. A request without a channel has none.
func get(c *chaincode.Call, key string) ([]byte, error) {
	if c.Simulator == nil {
		return nil, fmt.Errorf("GET_STATE failed: transaction ID: %s: no ledger context", c.TxID)
	}
	return c.Simulator.Get(namespace, key)
}

func parseDefinition(name string, raw []byte) (*peerpb.ChaincodeData, error) {
	d := &peerpb.ChaincodeData{}
	if err := proto.Unmarshal(raw, d); err != nil {
		return nil, fmt.Errorf("error while marshalling: %s", name)
	}
	if d.Name != name {
		return nil, fmt.Errorf("chaincode name mismatch: %s!=%s", name, d.Name)
	}
	return d, nil
}

func chaincodeName(name string, raw []byte) ([]byte, error) {
	d, err := parseDefinition(name, raw)
	return []byte(d.GetName()), err
}

// deploymentSpec is the deployment spec of the installed package, held against the channel's definition.
func (s *LSCC) deploymentSpec(name string, raw []byte) ([]byte, error) {
	d, err := parseDefinition(name, raw)
	if err != nil {
		return nil, err
	}
	p, err := s.Packages.Get(name, d.Version)
	if err != nil {
		return nil, fmt.Errorf("invalid deployment spec: %w", err)
	}
	if err := p.Check(d); err != nil {
		return nil, err
	}
	return p.SpecBytes, nil
}

// instantiated() lists the chaincodes of the proposal's channel; path and input are known only where the package is installed.
func (s *LSCC) instantiated(c *chaincode.Call, args [][]byte) *peerpb.Response {
	if len(args) != 1 {
		return badArgs(args)
	}
	if err := s.ACL.Check(acl.LsccGetInstantiatedChaincodes, c.ChannelID, signed(c)); err != nil {
		return failure("access denied for [%s][%s]: %s", args[0], c.ChannelID, err)
	}
	if c.Simulator == nil {
		return failure("GET_STATE_BY_RANGE failed: transaction ID: %s: no ledger context", c.TxID)
	}
	// An empty start of a range is U+0001, as the shim makes it: below lie composite keys.
	rows, err := c.Simulator.Range(namespace, "\x01", "", 0)
	if err != nil {
		return failure("%s", err)
	}
	defer rows.Close()
	r := &peerpb.ChaincodeQueryResponse{}
	for {
		row, err := rows.Next()
		if err != nil {
			return failure("%s", err)
		}
		if row == nil {
			return answer(wire.Marshal(r))
		}
		if strings.Contains(row.Key, collectionSuffix) {
			continue
		}
		d := &peerpb.ChaincodeData{}
		if err := proto.Unmarshal(row.Value, d); err != nil {
			return failure("%s", err)
		}
		info := &peerpb.ChaincodeInfo{Name: d.Name, Version: d.Version, Escc: d.Escc, Vscc: d.Vscc}
		if p, err := s.Packages.Get(d.Name, d.Version); err == nil {
			info.Path, info.Input = p.Path, inputText(p.Spec.ChaincodeSpec.Input)
		}
		r.Chaincodes = append(r.Chaincodes, info)
	}
}

// inputText is the input of a package in protobuf's one-line text form, which is how Fabric reports it.
func inputText(in *peerpb.ChaincodeInput) string {
	if in == nil {
		return "<nil>"
	}
	var b strings.Builder
	for _, a := range in.Args {
		b.WriteString("args:" + strconv.Quote(string(a)) + " ")
	}
	return b.String()
}

// installed() lists the peer's install store.
func (s *LSCC) installed(c *chaincode.Call, args [][]byte) *peerpb.Response {
	if len(args) != 1 {
		return badArgs(args)
	}
	if err := s.ACL.CheckResource(acl.LsccGetInstalledChaincodes, signed(c)); err != nil {
		return failure("access denied for [%s]: %s", args[0], err)
	}
	packages, err := s.Packages.List()
	if err != nil {
		return failure("%s", err)
	}
	r := &peerpb.ChaincodeQueryResponse{}
	for _, p := range packages {
		r.Chaincodes = append(r.Chaincodes, &peerpb.ChaincodeInfo{Name: p.Name, Version: p.Version, Path: p.Path, Id: p.ID})
	}
	return answer(wire.Marshal(r))
}

// installedPackage(name, version) is the file of an installed package, whether it fits a channel or not. Fabric has no such function; who may
// list the installed chaincodes may read them.
func (s *LSCC) installedPackage(c *chaincode.Call, args [][]byte) *peerpb.Response {
	if len(args) != 3 {
		return badArgs(args)
	}
	if err := s.ACL.CheckResource(acl.LsccGetInstalledChaincodes, signed(c)); err != nil {
		return failure("access denied for [%s]: %s", args[0], err)
	}
	p, err := s.Packages.Get(string(args[1]), string(args[2]))
	if err != nil {
		return failure("%s", err)
	}
	return success(p.Raw)
}

// collections(name) is the collection configuration of a chaincode, as it was given.
func (s *LSCC) collections(c *chaincode.Call, args [][]byte) *peerpb.Response {
	if len(args) != 2 {
		return badArgs(args)
	}
	if err := s.ACL.Check(acl.LsccGetCollectionsConfig, c.ChannelID, signed(c)); err != nil {
		return failure("access denied for [%s]: %s", args[0], err)
	}
	raw, err := get(c, string(args[1])+collectionSuffix)
	if err != nil {
		return failure("%s", err)
	}
	if len(raw) == 0 {
		return failure("collections config not defined for chaincode %s", args[1])
	}
	return success(raw)
}
