package main

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/plugin"
	"github.com/heddleledger/heddle/wire/msppb"
	"github.com/heddleledger/heddle/wire/peerpb"
	"github.com/heddleledger/heddle/wire/tx"
)

// blocklist refuses proposals of those whom it lists by the common name of their certificate.
type blocklist []string

func (b blocklist) Check(_ context.Context, r *plugin.AuthRequest) error {
	if r.Identity == nil {
		return nil // the peer's own checks will refuse it
	}
	if name := r.Identity.Certificate().Subject.CommonName; slices.Contains(b, name) {
		return fmt.Errorf("%s is on the blocklist", name)
	}
	return nil
}

// author tells chaincode who proposes: the common name of the creator's certificate, as the decoration "author". It is the same on every
// peer, so chaincode may write it to the ledger.
type author struct{}

func (author) Decorate(_ context.Context, p *tx.Proposal, input *peerpb.ChaincodeInput) (*peerpb.ChaincodeInput, error) {
	id := &msppb.SerializedIdentity{}
	if err := proto.Unmarshal(p.Creator(), id); err != nil {
		return nil, err
	}
	block, _ := pem.Decode(id.IdBytes)
	if block == nil {
		return nil, fmt.Errorf("the creator of %s has no certificate", p.TxID())
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, err
	}
	input.Decorations["author"] = []byte(cert.Subject.CommonName)
	return input, nil
}

// audited endorses as Fabric's own plugin does, and writes down what it has signed.
type audited struct{ w io.Writer }

func (a audited) Endorse(_ context.Context, r *plugin.EndorsementRequest) (*peerpb.Endorsement, []byte, error) {
	endorsement, err := r.Sign(r.Payload)
	if err == nil {
		fmt.Fprintf(a.w, "audit: endorsed transaction %s, payload %x\n", r.Proposal.TxID(), sha256.Sum256(r.Payload))
	}
	return endorsement, r.Payload, err
}

// appendOnly keeps a chaincode from changing or deleting what it has written; for the rest it judges as vscc.
type appendOnly struct{}

func (appendOnly) Validate(_ context.Context, r *plugin.ValidationRequest) error {
	for i := range r.Set.Namespaces {
		ns := &r.Set.Namespaces[i]
		if ns.Name != r.Namespace {
			continue
		}
		for _, w := range ns.KV.Writes {
			present, err := r.State.Get(ns.Name, w.Key)
			if err != nil {
				return &plugin.ExecutionFailure{Reason: err}
			}
			if present != nil {
				return fmt.Errorf("%s may only add, but the transaction changes %q", ns.Name, w.Key)
			}
		}
	}
	return r.Default()
}
