package node

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"

	"github.com/heddleledger/heddle/channelconfig"
	"github.com/heddleledger/heddle/comm"
	"github.com/heddleledger/heddle/msp"
)

// channelRoots keeps the set of TLS CAs that a node trusts in step with the configurations of its channels: those of its own
// configuration file, and those of some of the organisations of every channel.
type channelRoots struct {
	roots *comm.Roots
	fixed [][]byte // PEM
	whose organisations

	mu       sync.Mutex
	channels map[string][][]byte
}

// organisations picks, from a channel's configuration, the organisations whose TLS CAs are trusted for some purpose.
type organisations func(*channelconfig.Bundle) []*msp.MSP

// everybody: the clients of an orderer are peers, other orderers, and members of consortiums that make new channels.
func everybody(b *channelconfig.Bundle) []*msp.MSP { return b.MSPs().MSPs() }

// peersOrganisations: the clients of a peer are of the organisations that have peers in the channel.
func peersOrganisations(b *channelconfig.Bundle) (all []*msp.MSP) {
	if app, ok := b.Application(); ok {
		for _, name := range slices.Sorted(maps.Keys(app.Orgs)) {
			all = append(all, app.Orgs[name].MSP)
		}
	}
	return all
}

// orderersOrganisations: an orderer is of one of the organisations that run the ordering service.
func orderersOrganisations(b *channelconfig.Bundle) (all []*msp.MSP) {
	if o, ok := b.Orderer(); ok {
		for _, name := range slices.Sorted(maps.Keys(o.Orgs)) {
			all = append(all, o.Orgs[name].MSP)
		}
	}
	return all
}

// newChannelRoots begins with the certificates in files; an empty name is none.
func newChannelRoots(whose organisations, files ...string) (*channelRoots, error) {
	c := &channelRoots{whose: whose, channels: map[string][][]byte{}}
	for _, f := range files {
		if f == "" {
			continue
		}
		pem, err := os.ReadFile(f)
		if err != nil {
			return nil, fmt.Errorf("reading a TLS root certificate: %w", err)
		}
		if _, err := comm.NewRoots(pem); err != nil {
			return nil, fmt.Errorf("%s: %w", f, err)
		}
		c.fixed = append(c.fixed, pem)
	}
	var err error
	c.roots, err = comm.NewRoots(c.fixed...)
	return c, err
}

// update takes the TLS CAs of a channel's new configuration.
func (c *channelRoots) update(b *channelconfig.Bundle) error {
	var pems [][]byte
	for _, m := range c.whose(b) {
		pems = append(pems, m.TLSRootCerts()...)
		pems = append(pems, m.TLSIntermediateCerts()...)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.channels[b.ChannelID()] = pems
	all := slices.Clone(c.fixed)
	for _, channel := range slices.Sorted(maps.Keys(c.channels)) {
		all = append(all, c.channels[channel]...)
	}
	return c.roots.Set(all...)
}
