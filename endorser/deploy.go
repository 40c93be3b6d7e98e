package endorser

import (
	"context"
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/chaincode"
	"github.com/heddleledger/heddle/chaincode/system"
	"github.com/heddleledger/heddle/ledger"
	"github.com/heddleledger/heddle/validation"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// deploys tells whether r asks lscc to deploy or upgrade a chaincode.
func deploys(r *request) bool {
	args := r.Spec.Input.Args
	return r.id.Name == "lscc" && len(args) >= 3 && (string(args[0]) == "deploy" || string(args[0]) == "upgrade")
}

// init launches the chaincode that lscc has just defined and runs its Init in the same simulation. What runs is the installed package;
// only the arguments are the proposal's, and the decorations those of the call of lscc. A failure discards the definition too.
func (s *Server) init(ctx context.Context, r *request, sim *ledger.Simulator, decorations map[string][]byte) error {
	spec := &peerpb.ChaincodeDeploymentSpec{}
	if err := proto.Unmarshal(r.Spec.Input.Args[2], spec); err != nil {
		return fmt.Errorf("error unmarshaling ChaincodeDeploymentSpec: %w", err)
	}
	if err := validation.CheckDeploymentSpec(spec); err != nil {
		return err
	}
	id := spec.ChaincodeSpec.GetChaincodeId()
	p, err := s.o.Packages.Get(id.GetName(), id.GetVersion())
	if err != nil {
		return fmt.Errorf("cannot deploy a chaincode which is not installed: could not get chaincode from fs: %w", err)
	}
	if system.Reserved(p.Name) {
		return fmt.Errorf("attempting to deploy a system chaincode %s/%s", p.Name, r.ChannelID())
	}
	_, _, err = s.o.Chaincode.Invoke(ctx, &chaincode.Call{
		ChannelID: r.ChannelID(), TxID: r.TxID(),
		Name: p.Name, Version: p.Version, Init: true,
		Input: spec.ChaincodeSpec.Input, Decorations: decorations, Proposal: r.Proposal, Simulator: sim,
	})
	if err != nil {
		s.o.Metrics.initFailed(r.ChannelID(), p.Name)
	}
	return err
}
