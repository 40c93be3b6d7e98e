package plugin

import (
	"context"
	"maps"
	"slices"

	"github.com/heddleledger/heddle/config"
	"github.com/heddleledger/heddle/msp"
	"github.com/heddleledger/heddle/shim"
	"github.com/heddleledger/heddle/wire/peerpb"
	"github.com/heddleledger/heddle/wire/tx"
)

// Registry holds what a build adds to the peer, by the names that core.yaml uses. A name of Fabric's own, such as DefaultAuth, stands for the
// handler given here, if one is. The zero Registry adds nothing.
type Registry struct {
	AuthFilters  map[string]AuthFilter
	Decorators   map[string]Decorator
	Endorsements map[string]Endorsement
	Validations  map[string]Validation
	// Chaincodes run inside the peer once they are installed and instantiated as any other. They are trusted, and every peer of the channel
	// must agree with them.
	Chaincodes map[string]shim.Chaincode
}

// Names are the names registered, for config.Core's Validate.
func (r *Registry) Names() config.HandlerNames {
	return config.HandlerNames{
		AuthFilters: slices.Sorted(maps.Keys(r.AuthFilters)), Decorators: slices.Sorted(maps.Keys(r.Decorators)),
		Endorsers: slices.Sorted(maps.Keys(r.Endorsements)), Validators: slices.Sorted(maps.Keys(r.Validations)),
	}
}

// AuthFilter lets proposals through or not. Filters are asked in the order in which core.yaml lists them, before the peer's own checks, so
// also about proposals whose signature is wrong.
type AuthFilter interface {
	// Check refuses a proposal by an error. The client gets its text, with the gRPC code Unknown.
	Check(ctx context.Context, r *AuthRequest) error
}

// DefaultAuth lets every proposal through.
type DefaultAuth struct{}

func (DefaultAuth) Check(context.Context, *AuthRequest) error { return nil }

// AuthRequest is a proposal that has come in. Nothing in it has been verified.
type AuthRequest struct {
	*tx.Proposal
	// Identity is the creator, as the MSPs of the proposal's channel, or the peer's own MSP, know it; nil if they do not.
	Identity *msp.Identity
}

// Decorator changes what a chaincode gets to see of a proposal's input; system chaincodes too. Decorators work in the order in which core.yaml
// lists them, each on what the one before returned.
type Decorator interface {
	// Decorate returns the input to use, which may be the one it was given, changed: that one is the decorator's own. Chaincode reads
	// input.Decorations, an empty map at first, with GetDecorations; chaincode that it calls sees them too. An error fails the proposal.
	Decorate(ctx context.Context, p *tx.Proposal, input *peerpb.ChaincodeInput) (*peerpb.ChaincodeInput, error)
}

// DefaultDecorator changes nothing.
type DefaultDecorator struct{}

func (DefaultDecorator) Decorate(_ context.Context, _ *tx.Proposal, input *peerpb.ChaincodeInput) (*peerpb.ChaincodeInput, error) {
	return input, nil
}
