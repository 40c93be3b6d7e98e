package node

import (
	"fmt"
	"net"

	"github.com/heddleledger/heddle/config"
)

// peerAddress is where others find the peer: peer.address, with this machine's own IP address in the place of a host that is none (0.0.0.0) or, if
// peer.addressAutoDetect says so, of any.
func peerAddress(conf *config.Peer) (string, error) {
	host, port, err := net.SplitHostPort(conf.Address)
	if err != nil {
		return "", fmt.Errorf("peer.address: %w", err)
	}
	if ip := net.ParseIP(host); !conf.AddressAutoDetect && (ip == nil || !ip.IsUnspecified()) {
		return conf.Address, nil
	}
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return "", fmt.Errorf("looking for this machine's address (peer.addressAutoDetect): %w", err)
	}
	if own := ownIP(addresses); own != "" {
		return net.JoinHostPort(own, port), nil
	}
	return conf.Address, nil
}

// ownIP is the first IPv4 address that others might reach; empty if there is none.
func ownIP(addresses []net.Addr) string {
	for _, a := range addresses {
		if n, ok := a.(*net.IPNet); ok && !n.IP.IsLoopback() && n.IP.To4() != nil {
			return n.IP.String()
		}
	}
	return ""
}
