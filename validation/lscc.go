package validation

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"

	"github.com/heddleledger/heddle/policy"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/kvrwsetpb"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// What lscc lets a chaincode and its versions be called.
var (
	chaincodeName    = regexp.MustCompile("^[a-zA-Z0-9]+([-_][a-zA-Z0-9]+)*$")
	chaincodeVersion = regexp.MustCompile("^[A-Za-z0-9_.+-]+$")
)

// The functions of lscc that write.
const (
	deployFunction  = "deploy"
	upgradeFunction = "upgrade"
)

// deployment is an invocation of lscc that instantiates or upgrades a chaincode.
type deployment struct {
	t        *transaction
	function string
	args     [][]byte // after the function: channel, deployment spec, and optionally policy, escc, vscc, collections
	spec     *peerpb.ChaincodeDeploymentSpec
	name     string
	version  string
	writes   []*kvrwsetpb.KVWrite  // to lscc's namespace
	written  *peerpb.ChaincodeData // the first of them
	stored   *peerpb.ChaincodeData // as the block before left it; nil if the chaincode is not instantiated
}

// deployment checks an invocation of lscc: what it writes must be what its arguments say and what the channel allows. upgraded names the
// chaincode if this upgrades one.
func (d *decision) deployment(t *transaction) (upgraded string, reason, err error) {
	u := &deployment{t: t}
	for _, check := range []func() error{u.parseArguments, u.checkNames} {
		if reason := check(); reason != nil {
			return "", reason, nil
		}
	}
	if reason := d.checkArgumentCount(u); reason != nil {
		return "", reason, nil
	}
	if u.stored, err = d.instantiated(u.name); err != nil {
		return "", nil, err
	}
	if reason := u.checkWrites(); reason != nil {
		return "", reason, nil
	}
	if u.function == deployFunction {
		reason, err = d.deploy(u)
	} else {
		reason, err = d.upgrade(u)
	}
	if reason != nil || err != nil {
		return "", reason, err
	}
	// Fabric looks for upgraded chaincodes with a reader that knows packages of Go only.
	if u.function == upgradeFunction && u.spec.ChaincodeSpec.Type == peerpb.ChaincodeSpec_GOLANG {
		upgraded = u.name
	}
	return upgraded, nil, nil
}

func (u *deployment) parseArguments() error {
	payload, invocation := &peerpb.ChaincodeProposalPayload{}, &peerpb.ChaincodeInvocationSpec{}
	if err := wire.UnmarshalOneofsAs14(u.t.ProposalPayload, payload); err != nil {
		return fmt.Errorf("error unmarshaling ChaincodeProposalPayload: %w", err)
	}
	if err := wire.UnmarshalAs14(payload.Input, invocation); err != nil {
		return fmt.Errorf("error unmarshaling ChaincodeInvocationSpec: %w", err)
	}
	args := invocation.GetChaincodeSpec().GetInput().GetArgs()
	if len(args) == 0 {
		return errors.New("malformed chaincode invocation spec")
	}
	u.function, u.args = string(args[0]), args[1:]
	if u.function != deployFunction && u.function != upgradeFunction {
		return fmt.Errorf("VSCC error: committing an invocation of function %s of lscc is invalid", u.function)
	}
	if len(u.args) < 2 {
		return fmt.Errorf("Wrong number of arguments for invocation lscc(%s): expected at least 2, received %d", u.function, len(u.args))
	}
	u.spec = &peerpb.ChaincodeDeploymentSpec{}
	if err := wire.UnmarshalAs14(u.args[1], u.spec); err != nil {
		return fmt.Errorf("GetChaincodeDeploymentSpec error unmarshaling ChaincodeDeploymentSpec: %w", err)
	}
	return nil
}

func (u *deployment) checkNames() error {
	if err := CheckDeploymentSpec(u.spec); err != nil {
		return fmt.Errorf("GetChaincodeDeploymentSpec error %w", err)
	}
	id := u.spec.GetChaincodeSpec().GetChaincodeId()
	if id == nil {
		return fmt.Errorf("VSCC error: invocation of lscc(%s) does not have appropriate arguments", u.function)
	}
	u.name, u.version = id.Name, id.Version
	switch {
	case !chaincodeName.MatchString(u.name):
		return fmt.Errorf("invalid chaincode name '%s'", u.name)
	case isSystem(u.name):
		return fmt.Errorf("chaincode name '%s' is reserved for system chaincodes", u.name)
	case !chaincodeVersion.MatchString(u.version):
		return fmt.Errorf("invalid chaincode version '%s'", u.version)
	}
	return nil
}

// instantiated is a chaincode's entry in lscc's state, which lscc itself wrote: it must be readable.
func (d *decision) instantiated(name string) (*peerpb.ChaincodeData, error) {
	raw, err := d.state.Get(lsccName, name)
	if err != nil {
		return nil, fmt.Errorf("could not retrieve state for chaincode %s on channel %s, error %w", name, d.v.channelID, err)
	}
	if raw == nil {
		return nil, nil
	}
	data := &peerpb.ChaincodeData{}
	if err := wire.UnmarshalTextAs14(raw, data); err != nil {
		return nil, fmt.Errorf("unmarshalling ChaincodeQueryResponse failed, error %w", err)
	}
	return data, nil
}

// checkWrites holds what is written against the deployment spec.
func (u *deployment) checkWrites() error {
	found := false
	for i := range u.t.set.Namespaces {
		if ns := &u.t.set.Namespaces[i]; ns.Name == lsccName {
			u.writes, found = ns.KV.Writes, true
		}
	}
	switch {
	case !found:
		return errors.New("No read write set for lscc was found")
	case len(u.writes) == 0:
		return errors.New("LSCC must issue at least one single putState upon deploy/upgrade")
	case u.writes[0].Key != u.name:
		return fmt.Errorf("expected key %s, found %s", u.name, u.writes[0].Key)
	}
	u.written = &peerpb.ChaincodeData{}
	if err := wire.UnmarshalTextAs14(u.writes[0].Value, u.written); err != nil {
		return fmt.Errorf("unmarhsalling of ChaincodeData failed, error %w", err)
	}
	switch {
	case u.written.Name != u.name:
		return fmt.Errorf("expected cc name %s, found %s", u.name, u.written.Name)
	case u.written.Version != u.version:
		return fmt.Errorf("expected cc version %s, found %s", u.version, u.written.Version)
	}
	// Fabric looks at public writes alone: an Init may write to another chaincode's collections.
	for i := range u.t.set.Namespaces {
		if ns := &u.t.set.Namespaces[i]; ns.Name != lsccName && ns.Name != u.name && len(ns.KV.Writes) > 0 {
			return fmt.Errorf("LSCC invocation is attempting to write to namespace %s", ns.Name)
		}
	}
	return nil
}

func (d *decision) deploy(u *deployment) (reason, err error) {
	if u.stored != nil {
		return fmt.Errorf("Chaincode %s is already instantiated", u.name), nil
	}
	if d.p.caps.PrivateChannelData {
		if reason, err = d.checkCollections(u); reason != nil || err != nil {
			return reason, err
		}
	} else if len(u.writes) != 1 {
		return errors.New("LSCC can only issue a single putState upon deploy"), nil
	}
	return d.mayInstantiate(u, u.written.InstantiationPolicy), nil
}

func (d *decision) upgrade(u *deployment) (reason, err error) {
	switch {
	case u.stored == nil:
		return fmt.Errorf("Upgrading non-existent chaincode %s", u.name), nil
	case u.stored.Version == u.version:
		return fmt.Errorf("Existing version of the cc on the ledger (%s) should be different from the upgraded one", u.version), nil
	}
	if d.p.caps.V1_2Validation {
		if reason, err = d.checkCollections(u); reason != nil || err != nil {
			return reason, err
		}
	} else if len(u.writes) != 1 {
		return errors.New("LSCC can only issue a single putState upon upgrade"), nil
	}
	was, is := u.stored.InstantiationPolicy, u.written.InstantiationPolicy
	if reason := d.mayInstantiate(u, was); reason != nil {
		return reason, nil
	}
	if d.p.caps.V1_1Validation && !bytes.Equal(was, is) {
		return d.mayInstantiate(u, is), nil
	}
	return nil, nil
}

func (d *decision) checkArgumentCount(u *deployment) error {
	most := 5
	if d.p.caps.PrivateChannelData {
		most = 6 // the last is the collections
	}
	if len(u.args) > most {
		return fmt.Errorf("Wrong number of arguments for invocation lscc(%s): received %d", u.function, len(u.args))
	}
	return nil
}

// mayInstantiate asks an instantiation policy about the transaction's creator.
func (d *decision) mayInstantiate(u *deployment, raw []byte) error {
	if len(raw) == 0 {
		return errors.New("no instantiation policy was specified")
	}
	if err := d.policies.compile(raw).evaluate([]policy.SignedData{u.t.creator}); err != nil {
		return fmt.Errorf("chaincode instantiation policy violated, error %w", err)
	}
	return nil
}
