package chaincode

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/chaincode/pack"
	"github.com/heddleledger/heddle/ledger"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// lscc is the namespace in which a channel keeps the definitions of its chaincodes, each under the chaincode's name.
const lscc = "lscc"

// Definition reads the definition of a chaincode in the channel of the simulator, which records the read. It must not be changed. The texts are
// Fabric's.
func Definition(simulator *ledger.Simulator, name string) (*peerpb.ChaincodeData, error) {
	if simulator == nil {
		return nil, fmt.Errorf("could not get definition for chaincode %s without a ledger context\n", name)
	}
	var bad error
	d, err := ledger.Decoded(simulator, lscc, name, func(raw []byte) (*peerpb.ChaincodeData, error) {
		d := &peerpb.ChaincodeData{}
		bad = proto.Unmarshal(raw, d)
		return d, bad
	})
	switch {
	case bad != nil:
		return nil, fmt.Errorf("chaincode %s has bad definition: %w", name, bad)
	case err != nil:
		return nil, unreadable(name, err)
	case d == nil:
		return nil, notFound(name)
	}
	return d, nil
}

func unreadable(name string, err error) error {
	return fmt.Errorf("could not retrieve state for chaincode %s: %w", name, err)
}

func notFound(name string) error { return fmt.Errorf("chaincode %s not found", name) }

func read(simulator *ledger.Simulator, name string) ([]byte, error) {
	raw, err := simulator.Get(lscc, name)
	switch {
	case err != nil:
		return nil, unreadable(name, err)
	case raw == nil:
		return nil, notFound(name)
	}
	return raw, nil
}

// checkedPackage is the installed package to launch for a call, held against the definition in the call's channel. Init has no definition
// yet that the simulator could read: lscc has just written it, from the same installed package.
func (s *Support) checkedPackage(c *Call) (*pack.Package, error) {
	if c.Init {
		p, err := s.Packages.Get(c.Name, c.Version)
		if err != nil {
			return nil, &initLaunchError{fmt.Errorf("cannot deploy a chaincode which is not installed: could not get chaincode from fs: %w", err)}
		}
		return p, nil
	}
	p, err := s.definedPackage(c)
	if err != nil {
		return nil, fmt.Errorf("[channel %s] failed to get chaincode container info for %s:%s: %w", c.ChannelID, c.Name, c.Version, err)
	}
	return p, nil
}

func (s *Support) definedPackage(c *Call) (*pack.Package, error) {
	if c.Simulator == nil {
		return nil, fmt.Errorf("could not get container info for chaincode %s without a ledger context\n", c.Name)
	}
	raw, err := read(c.Simulator, c.Name)
	if err != nil {
		return nil, err
	}
	p, err := s.installed(c.Name, raw)
	if err != nil {
		return nil, fmt.Errorf("could not get chaincode code: %w", err)
	}
	if p.Version != c.Version {
		return nil, fmt.Errorf("the channel defines version %s", p.Version)
	}
	return p, nil
}

// installed finds the package for a definition, in its encoded form, and checks its fingerprint.
func (s *Support) installed(name string, definition []byte) (*pack.Package, error) {
	d := &peerpb.ChaincodeData{}
	if err := proto.Unmarshal(definition, d); err != nil {
		return nil, errors.New("error while marshalling: " + name)
	}
	if d.Name != name {
		return nil, fmt.Errorf("chaincode name mismatch: %s!=%s", name, d.Name)
	}
	p, err := s.Packages.Get(name, d.Version)
	if err != nil {
		return nil, fmt.Errorf("invalid deployment spec: %w", err)
	}
	return p, p.Check(d)
}
