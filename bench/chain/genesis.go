package chain

import (
	"path/filepath"
	"time"

	"github.com/heddleledger/heddle/channelconfig/profile"
	"github.com/heddleledger/heddle/wire/commonpb"
)

// nowhere is where channels' configurations say that their blocks are to be had: a port at which nobody listens.
const nowhere = "127.0.0.1:1"

// genesis is the first block of a channel of these people, with the policies that local networks have and 1.4's highest capabilities.
func (p *People) genesis(channelID string) (*commonpb.Block, error) {
	channel := &profile.Profile{
		Capabilities: map[string]bool{"V1_4_3": true},
		Orderer: &profile.Orderer{
			OrdererType: "solo", Addresses: []string{nowhere}, BatchTimeout: time.Second,
			BatchSize:     profile.BatchSize{MaxMessageCount: 500, AbsoluteMaxBytes: 10 << 20, PreferredMaxBytes: 2 << 20},
			Organizations: []*profile.Organization{p.organisation(ordererMSP, ordererDir)},
			Capabilities:  map[string]bool{"V1_4_2": true},
		},
		Application: &profile.Application{
			Organizations: []*profile.Organization{p.organisation(org1, org1Dir), p.organisation(org2, org2Dir)},
			Capabilities:  map[string]bool{"V1_4_2": true},
		},
	}
	return channel.GenesisBlock(channelID, time.Now())
}

func (p *People) organisation(mspID, dir string) *profile.Organization {
	rule := func(text string) *profile.Policy { return &profile.Policy{Type: "Signature", Rule: text} }
	o := &profile.Organization{
		Name: mspID, ID: mspID, MSPDir: filepath.Join(p.dir, dir, "msp"), MSPType: "bccsp",
		Policies: map[string]*profile.Policy{
			"Readers": rule("OR('" + mspID + ".admin', '" + mspID + ".peer', '" + mspID + ".client')"),
			"Writers": rule("OR('" + mspID + ".admin', '" + mspID + ".client')"),
			"Admins":  rule("OR('" + mspID + ".admin')"),
		},
	}
	if mspID == ordererMSP {
		o.Policies["Writers"] = rule("OR('" + mspID + ".member')")
	}
	return o
}
