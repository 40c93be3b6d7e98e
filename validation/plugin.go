package validation

import (
	"context"
	"fmt"

	"github.com/heddleledger/heddle/plugin"
)

// ask lets the plugin of that name judge.
func (d *decision) ask(ctx context.Context, name string, r *plugin.ValidationRequest) error {
	p, ok := d.v.plugins[name]
	if !ok {
		return &plugin.ExecutionFailure{Reason: fmt.Errorf(
			"plugin with name %s couldn't be used: plugin with name %s wasn't found (chaincode %s was instantiated with it)", name, name, r.Namespace)}
	}
	return p.Validate(ctx, r)
}

// request is what a plugin is asked about a transaction.
func (d *decision) request(t *transaction, ns string, def *definition) *plugin.ValidationRequest {
	return &plugin.ValidationRequest{
		Transaction: t.Transaction, Block: d.p.block, Namespace: ns, Set: t.set, Policy: def.rule,
		State: d.state, MSPs: d.p.bundle.MSPs(), Capabilities: d.p.caps, Endorsed: t.endorsements,
	}
}
