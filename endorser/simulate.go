package endorser

import (
	"context"
	"fmt"
	"slices"

	"github.com/heddleledger/heddle/chaincode"
	"github.com/heddleledger/heddle/chaincode/system"
	"github.com/heddleledger/heddle/ledger"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// systemVersion is the version that system chaincodes have.
const systemVersion = "latest"

// result is what a simulation gave.
type result struct {
	response *peerpb.Response
	event    *peerpb.ChaincodeEvent // nil when the chaincode set none
	writes   []byte                 // encoded rwset.TxReadWriteSet; nil without a simulator
	version  string                 // of the chaincode that ran
	escc     string                 // how the chaincode's definition wants results endorsed
}

// simulate runs the chaincode that r calls.
func (s *Server) simulate(ctx context.Context, r *request) (*result, error) {
	var sim *ledger.Simulator
	if needsSimulator(r) {
		var err error
		if sim, err = r.ledger.NewSimulator(r.TxID()); err != nil {
			return nil, err
		}
		defer sim.Close()
	}
	res := &result{version: systemVersion, escc: defaultESCC}
	if !system.Reserved(r.id.Name) {
		definition, err := s.definition(r.id.Name, sim)
		if err != nil {
			return nil, err
		}
		res.version, res.escc = definition.Version, definition.Escc
	}
	if err := s.call(ctx, r, sim, res); err != nil {
		return nil, err
	}
	if sim != nil {
		var err error
		if res.writes, err = sim.Results(); err != nil {
			return nil, err
		}
	}
	return res, nil
}

// needsSimulator: the query and configuration chaincodes look at the ledger as it is, and leave no reads in a transaction.
func needsSimulator(r *request) bool {
	return r.ledger != nil && r.id.Name != "qscc" && r.id.Name != "cscc"
}

// definition is the chaincode's definition in the channel, held against the instantiation policy of the installed package.
func (s *Server) definition(name string, sim *ledger.Simulator) (*peerpb.ChaincodeData, error) {
	d, err := chaincode.Definition(sim, name)
	if err != nil {
		return nil, fmt.Errorf("make sure the chaincode %s has been successfully instantiated and try again: %w", name, err)
	}
	return d, s.o.Packages.CheckPolicy(d)
}

// call runs the chaincode and, when it was lscc's deploy or upgrade, the Init of the chaincode deployed.
func (s *Server) call(ctx context.Context, r *request, sim *ledger.Simulator, res *result) error {
	input, err := s.decorated(ctx, r)
	if err != nil {
		return err
	}
	response, event, err := s.o.Chaincode.Invoke(ctx, &chaincode.Call{
		ChannelID: r.ChannelID(), TxID: r.TxID(),
		Name: r.id.Name, Version: res.version,
		Input: input, Decorations: input.Decorations, Proposal: r.Proposal, Simulator: sim,
	})
	if err != nil {
		return err
	}
	res.response = response
	if response.Status >= refused {
		return nil
	}
	res.event = event
	if deploys(r) {
		return s.init(ctx, r, sim, input.Decorations)
	}
	return nil
}

// decorated is the proposal's input as the decorators leave it, without the decorations of the client.
func (s *Server) decorated(ctx context.Context, r *request) (*peerpb.ChaincodeInput, error) {
	input := &peerpb.ChaincodeInput{Args: r.Spec.Input.Args, IsInit: r.Spec.Input.IsInit}
	if len(s.o.Decorators) == 0 {
		return input, nil
	}
	input.Args, input.Decorations = slices.Clone(input.Args), map[string][]byte{}
	for _, d := range s.o.Decorators {
		var err error
		if input, err = d.Decorate(ctx, r.Proposal, input); err != nil {
			return nil, fmt.Errorf("decorating the input: %w", err)
		}
		if input == nil {
			return nil, fmt.Errorf("decorating the input: the decorator %T returned none", d)
		}
	}
	return input, nil
}
