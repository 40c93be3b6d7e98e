package validation

import (
	"github.com/heddleledger/heddle/channelconfig"
	"github.com/heddleledger/heddle/ledger/rwset"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/peerpb"
)

const (
	lsccName = "lscc"
	vsccName = "vscc"
)

// system are the names of Fabric 1.4's system chaincodes, which have no definition in the state, and what may be done with them.
var system = map[string]struct{ byProposal, byChaincode bool }{
	lsccName:     {true, true},
	"qscc":       {true, true},
	"+lifecycle": {true, true},
	"cscc":       {true, false},
	"escc":       {false, false},
	vsccName:     {false, false},
}

func isSystem(name string) bool {
	_, ok := system[name]
	return ok
}

// open decodes the action and its read-write set, and checks all that can be checked of them without knowing the chaincode.
func (t *transaction) open(caps channelconfig.ApplicationCapabilities) *refusal {
	const other = peerpb.TxValidationCode_INVALID_OTHER_REASON
	if err := t.Open(); err != nil {
		return refused(err)
	}
	var err error
	if t.set, err = rwset.Parse(t.Action.Results); err != nil {
		return &refusal{peerpb.TxValidationCode_BAD_RWSET, err}
	}
	switch {
	case t.Extension.ChaincodeId == nil:
		return refuse(other, "nil ChaincodeId in header extension")
	case t.Action.ChaincodeId == nil:
		return refuse(other, "nil ChaincodeId in ChaincodeAction")
	}
	t.chaincode, t.version = t.Extension.ChaincodeId.Name, t.Action.ChaincodeId.Version
	switch {
	case t.chaincode == "":
		return refuse(other, "invalid chaincode ID")
	case t.chaincode != t.Action.ChaincodeId.Name:
		return refuse(other, "inconsistent ccid info (%s/%s)", t.chaincode, t.Action.ChaincodeId.Name)
	case t.version == "":
		return refuse(other, "invalid chaincode version")
	}
	if caps.V1_2Validation && t.HasEvents() {
		event := &peerpb.ChaincodeEvent{}
		if err := wire.UnmarshalAs14(t.Action.Events, event); err != nil {
			return refuse(other, "invalid chaincode event: %w", err)
		}
		if event.ChaincodeId != t.chaincode {
			return refuse(other, "chaincode event chaincode id does not match chaincode action chaincode id")
		}
	}
	return t.checkNamespaces(caps)
}

// checkNamespaces collects the namespaces written, each of which will have its policy asked, and refuses those that may not be.
func (t *transaction) checkNamespaces(caps channelconfig.ApplicationCapabilities) *refusal {
	const illegal = peerpb.TxValidationCode_ILLEGAL_WRITESET
	// Before 1.2 a transaction that wrote nothing was judged by no policy at all.
	if caps.V1_2Validation {
		t.judgedBy = append(t.judgedBy, t.chaincode)
	}
	seen := make(map[string]bool, len(t.set.Namespaces))
	toLSCC, toHidden := false, false
	for i := range t.set.Namespaces {
		ns := &t.set.Namespaces[i]
		if seen[ns.Name] {
			return refuse(illegal, "duplicate namespace '%s' in txRWSet", ns.Name)
		}
		seen[ns.Name] = true
		if !writes(ns, caps) {
			continue
		}
		if ns.Name != t.chaincode || !caps.V1_2Validation {
			t.judgedBy = append(t.judgedBy, ns.Name)
		}
		kind, known := system[ns.Name]
		toLSCC = toLSCC || ns.Name == lsccName
		toHidden = toHidden || known && (!kind.byChaincode || !kind.byProposal)
	}
	kind, isSystem := system[t.chaincode]
	switch {
	case !isSystem && toLSCC:
		return refuse(illegal, "chaincode %s attempted to write to the namespace of LSCC", t.chaincode)
	case !isSystem && toHidden:
		return refuse(illegal, "chaincode %s attempted to write to the namespace of a system chaincode that cannot be invoked", t.chaincode)
	case isSystem && !kind.byProposal:
		return refuse(illegal, "committing an invocation of cc %s is illegal", t.chaincode)
	case isSystem:
		// Fabric 1.4 judges an invocation of qscc, cscc or +lifecycle by that chaincode's policy alone, one endorsement by any member of the
		// channel, also when it writes elsewhere. A peer that refused it would part from the channel's other peers.
		t.judgedBy = []string{t.chaincode}
	}
	return nil
}

// writes tells whether a transaction writes in the namespace, looking at what the channel's capabilities know of.
func writes(ns *rwset.Namespace, caps channelconfig.ApplicationCapabilities) bool {
	if len(ns.KV.Writes) > 0 || caps.KeyLevelEndorsement && len(ns.KV.MetadataWrites) > 0 {
		return true
	}
	for i := range ns.Collections {
		h := ns.Collections[i].Hashed
		if caps.PrivateChannelData && (len(h.HashedWrites) > 0 || caps.KeyLevelEndorsement && len(h.MetadataWrites) > 0) {
			return true
		}
	}
	return false
}
