package node

import (
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/config"
)

func TestPeerAddress(t *testing.T) {
	all, err := net.InterfaceAddrs()
	require.NoError(t, err)
	own := ownIP(all)
	for _, c := range []struct {
		address string
		detect  bool
		host    string // that it becomes, where this machine has an address
	}{
		{"peer0.org1.example.com:7051", false, "peer0.org1.example.com"},
		{"127.0.0.1:7051", false, "127.0.0.1"},
		{"peer0.org1.example.com:7051", true, own},
		{"0.0.0.0:7051", false, own},
		{"[::]:7051", false, own},
	} {
		got, err := peerAddress(&config.Peer{Address: c.address, AddressAutoDetect: c.detect})
		require.NoError(t, err)
		want := c.address
		if c.host != "" {
			want = net.JoinHostPort(c.host, "7051")
		}
		require.Equal(t, want, got)
	}
	_, err = peerAddress(&config.Peer{Address: "nonsense"})
	require.ErrorContains(t, err, "peer.address")
}

func TestOwnIP(t *testing.T) {
	address := func(s string) net.Addr {
		ip, n, err := net.ParseCIDR(s)
		require.NoError(t, err)
		return &net.IPNet{IP: ip, Mask: n.Mask}
	}
	require.Equal(t, "10.1.2.3", ownIP([]net.Addr{address("127.0.0.1/8"), address("fe80::1/64"), &net.UnixAddr{}, address("10.1.2.3/16"), address("10.1.2.4/16")}))
	require.Empty(t, ownIP([]net.Addr{address("127.0.0.1/8"), address("::1/128")}))
}
