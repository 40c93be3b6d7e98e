package chain

import (
	"strings"

	"github.com/heddleledger/heddle/chaincode/pack"
	"github.com/heddleledger/heddle/client"
	"github.com/heddleledger/heddle/ledger/rwset"
	"github.com/heddleledger/heddle/policy"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/kvrwsetpb"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// lscc is the system chaincode that holds the definitions of the others.
const lscc = "lscc"

// Deploy instantiates the chaincodes, in one block.
func (c *Chain) Deploy(each func(*commonpb.Block) error) error {
	rule := "OR('" + org1 + ".peer', '" + org2 + ".peer')"
	if c.Endorsements > 1 {
		rule = strings.Replace(rule, "OR", "AND", 1)
	}
	endorsement, err := policy.Parse(rule)
	if err != nil {
		return err
	}
	drafts := make([]*draft, len(c.Packages))
	for i, p := range c.Packages {
		if drafts[i], err = c.deployment(p, wire.MustMarshal(endorsement)); err != nil {
			return err
		}
	}
	return c.cut(len(drafts), len(drafts), 0, func(at *kvrwsetpb.Version) *draft {
		c.deployed = append(c.deployed, at)
		return drafts[at.TxNum]
	}, each)
}

// deployment is what the administrator, and lscc, make of a package.
func (c *Chain) deployment(p *pack.Package, endorsement []byte) (*draft, error) {
	request, err := client.Deployment{
		ChannelID: c.ChannelID, Name: p.Name, Version: p.Version, Path: p.Path, Type: p.Type, Init: client.Args("init"), Policy: endorsement,
	}.Request("deploy")
	if err != nil {
		return nil, err
	}
	definition := p.Data()
	definition.Escc, definition.Vscc, definition.Policy = "escc", "vscc", endorsement
	definition.InstantiationPolicy = wire.MustMarshal(policy.SignedByAny(policy.Admin, []string{org1, org2}))
	return &draft{
		creator: c.people.admin, chaincode: lscc, version: "latest", args: request.Args,
		set: func() *rwset.Set { return definitionSet(definition) },
	}, nil
}

func definitionSet(d *peerpb.ChaincodeData) *rwset.Set {
	var b rwset.Builder
	b.Read(lscc, d.Name, nil)
	b.Write(lscc, d.Name, wire.MustMarshal(d))
	return b.Set()
}
