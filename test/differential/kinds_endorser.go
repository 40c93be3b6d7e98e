package differential

import (
	"github.com/heddleledger/heddle/wire/peerpb"
)

// endorsedBy is a good transaction of some chaincode but for those who endorse it.
func endorsedBy(name string, weight int, choose func(*Generator, *chaincode) []*person) kind {
	return kind{name: name, weight: weight, make: func(g *Generator) *draft {
		d := g.fresh(name)
		c := oneOf(g, g.chaincodes...)
		d.chaincode, d.version, d.set.Namespaces[0].Name = c.name, c.version, c.name
		d.endorsers = choose(g, c)
		return d
	}}
}

func endorsementsKind(name string, change func(*Generator, *draft, *peerpb.ChaincodeEndorsedAction)) kind {
	return changed(name, func(g *Generator, d *draft) {
		edited(d, actionPayload, func(p *peerpb.ChaincodeActionPayload) { change(g, d, p.Action) })
	})
}

// endorserKinds are odd in who endorsed, and how.
var endorserKinds = []kind{
	endorsedBy("endorsed by anybody", 120, func(g *Generator, _ *chaincode) []*person { return g.someEndorsers() }),
	endorsedBy("endorsed as asked", 40, func(_ *Generator, c *chaincode) []*person { return c.good }),
	endorsedBy("endorsed as asked, backwards", 10, func(_ *Generator, c *chaincode) []*person {
		var turned []*person
		for i := range c.good {
			turned = append(turned, c.good[len(c.good)-1-i])
		}
		return turned
	}),
	endorsedBy("endorsed by one too few", 20, func(_ *Generator, c *chaincode) []*person { return c.good[:max(0, len(c.good)-1)] }),
	endorsedBy("the same endorsement several times", 20, func(_ *Generator, c *chaincode) []*person {
		if len(c.good) == 0 {
			return nil
		}
		return []*person{c.good[0], c.good[0], c.good[0]}
	}),
	endorsedBy("endorsed as asked, and by somebody odd first", 20, func(g *Generator, c *chaincode) []*person {
		return append([]*person{oneOf(g, g.people.odd...)}, c.good...)
	}),
	endorsedBy("endorsed by somebody odd alone", 40, func(g *Generator, _ *chaincode) []*person { return []*person{oneOf(g, g.people.odd...)} }),
	endorsedBy("endorsed by twenty", 4, func(g *Generator, c *chaincode) []*person {
		var many []*person
		for len(many) < 20 {
			many = append(many, append(g.someEndorsers(), oneOf(g, g.people.odd...))...)
		}
		return append(many, c.good...)
	}),
	endorsementsKind("a bad signature by an endorser", func(g *Generator, _ *draft, a *peerpb.ChaincodeEndorsedAction) {
		oneOf(g, a.Endorsements...).Signature = garbage
	}),
	endorsementsKind("bad signatures by both endorsers", func(_ *Generator, _ *draft, a *peerpb.ChaincodeEndorsedAction) {
		for _, e := range a.Endorsements {
			e.Signature = garbage
		}
	}),
	endorsementsKind("an endorser's bad signature before his good one", func(g *Generator, d *draft, a *peerpb.ChaincodeEndorsedAction) {
		good := a.Endorsements[0]
		a.Endorsements = []*peerpb.Endorsement{{Endorser: good.Endorser, Signature: garbage}, good}
	}),
	endorsementsKind("an endorser's good signature before his bad one", func(g *Generator, d *draft, a *peerpb.ChaincodeEndorsedAction) {
		good := a.Endorsements[0]
		a.Endorsements = []*peerpb.Endorsement{good, {Endorser: good.Endorser, Signature: garbage}}
	}),
	endorsementsKind("endorsements with high S", func(g *Generator, _ *draft, a *peerpb.ChaincodeEndorsedAction) {
		for _, e := range a.Endorsements {
			e.Signature = highS(g.t, e.Signature)
		}
	}),
	endorsementsKind("endorsements of the response alone", func(g *Generator, d *draft, a *peerpb.ChaincodeEndorsedAction) {
		for i, e := range a.Endorsements {
			e.Signature = g.sign(d.endorsers[i], a.ProposalResponsePayload)
		}
	}),
	endorsementsKind("endorsements that swapped their signatures", func(_ *Generator, _ *draft, a *peerpb.ChaincodeEndorsedAction) {
		e := a.Endorsements
		e[0].Signature, e[1].Signature = e[1].Signature, e[0].Signature
	}),
	endorsementsKind("no endorsement", func(_ *Generator, _ *draft, a *peerpb.ChaincodeEndorsedAction) { a.Endorsements = nil }),
	endorsementsKind("an empty endorsement first", func(_ *Generator, _ *draft, a *peerpb.ChaincodeEndorsedAction) {
		a.Endorsements = append([]*peerpb.Endorsement{{}}, a.Endorsements...)
	}),
	endorsementsKind("a garbage endorsement first", func(_ *Generator, _ *draft, a *peerpb.ChaincodeEndorsedAction) {
		a.Endorsements = append([]*peerpb.Endorsement{{Endorser: garbage, Signature: garbage}}, a.Endorsements...)
	}),
	endorsementsKind("endorsed by nobody, in other words", func(g *Generator, d *draft, a *peerpb.ChaincodeEndorsedAction) {
		for i, e := range a.Endorsements {
			e.Endorser = append(append([]byte{}, e.Endorser...), 0x1a, 0)
			e.Signature = g.sign(d.endorsers[i], a.ProposalResponsePayload, e.Endorser)
		}
	}),
}
