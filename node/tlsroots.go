package node

import (
	"maps"
	"os"
	"slices"
	"sync"

	"github.com/heddleledger/heddle/channelconfig"
	"github.com/heddleledger/heddle/comm"
)

// channelRoots keeps the set of TLS CAs that a node trusts in step with the configurations of its channels: those of its own
// configuration file, and those of every organisation of every channel.
type channelRoots struct {
	roots *comm.Roots
	fixed [][]byte // PEM

	mu       sync.Mutex
	channels map[string][][]byte
}

// newChannelRoots begins with the certificates in files; an empty name is none.
func newChannelRoots(files ...string) (*channelRoots, error) {
	c := &channelRoots{channels: map[string][][]byte{}}
	for _, f := range files {
		if f == "" {
			continue
		}
		pem, err := os.ReadFile(f)
		if err != nil {
			return nil, err
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
	for _, m := range b.MSPs().MSPs() {
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
