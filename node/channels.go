package node

import (
	"slices"
	"time"

	"github.com/heddleledger/heddle/acl"
	"github.com/heddleledger/heddle/channel"
	"github.com/heddleledger/heddle/channelconfig"
	"github.com/heddleledger/heddle/comm"
	"github.com/heddleledger/heddle/config"
	"github.com/heddleledger/heddle/deliver"
	"github.com/heddleledger/heddle/policy"
	"github.com/heddleledger/heddle/wire/tx"
)

// maxBackoff is the longest wait between two attempts to reach an orderer. Fabric's default of an hour keeps a peer behind long after
// its orderers are back.
const maxBackoff = 10 * time.Second

// dialOrderer trusts, for an orderer of the channel, the TLS CAs of the channel's ordering organisations, that of an override, and, if
// peer.deliveryclient.staticRootsEnabled says so, those that the peer's own configuration names.
func (p *peer) dialOrderer(b *channelconfig.Bundle, address string) (comm.ClientOptions, error) {
	conf := &p.conf.Peer
	o := comm.ClientOptions{
		Timeout:           conf.DeliveryClient.ConnTimeout,
		KeepaliveInterval: conf.Keepalive.DeliveryClient.Interval, KeepaliveTimeout: conf.Keepalive.DeliveryClient.Timeout,
		MaxRecvMessage: int(conf.MaxRecvMsgSize), MaxSendMessage: int(conf.MaxSendMsgSize),
	}
	if !conf.TLS.Enabled {
		return o, nil
	}
	var own []string
	if conf.DeliveryClient.StaticRootsEnabled {
		own = append(append(own, conf.TLS.RootCert.File), conf.TLS.ServerRootCAs.Files...)
	}
	if override, ok := p.override(func(a config.AddressOverride) bool { return a.To == address }); ok {
		own = append(own, override.CACertsFile)
	}
	roots, err := newChannelRoots(orderersOrganisations, own...)
	if err != nil {
		return o, err
	}
	if err := roots.update(b); err != nil {
		return o, err
	}
	o.TLS = &comm.ClientTLS{Roots: roots.roots, Certificate: p.clientCert.Get()}
	return o, nil
}

// orderers are the addresses of the channel's configuration, under peer.deliveryclient.addressOverrides.
func (p *peer) orderers(b *channelconfig.Bundle) []string {
	addresses := slices.Clone(b.OrdererAddresses())
	for i, address := range addresses {
		if o, ok := p.override(func(a config.AddressOverride) bool { return a.From == address }); ok {
			addresses[i] = o.To
		}
	}
	return addresses
}

func (p *peer) override(matches func(config.AddressOverride) bool) (config.AddressOverride, bool) {
	overrides := p.conf.Peer.DeliveryClient.AddressOverrides
	if i := slices.IndexFunc(overrides, matches); i >= 0 {
		return overrides[i], true
	}
	return config.AddressOverride{}, false
}

// deliverChannel is a channel as Deliver reads it: the ledger's blocks under the channel's access rules.
func (p *peer) deliverChannel(id string) (deliver.Channel, bool) {
	c, ok := p.channels.Get(id)
	if !ok {
		return nil, false
	}
	return deliverable{c, p.acl}, true
}

type deliverable struct {
	*channel.Channel
	acl *acl.Checker
}

func (d deliverable) Errored() <-chan struct{} { return nil }

func (d deliverable) Authorize(resource string, request *tx.Envelope) error {
	return d.acl.Check(resource, d.ID(), policy.SignedData{
		Data: request.Payload, Identity: request.Creator(), Signature: request.Signature,
	})
}
