package msp

import (
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/wire/msppb"
)

func TestManagerDescribe(t *testing.T) {
	ca, other := newCA(t, "ca.m", nil, lowKey(t)), newCA(t, "ca.other", nil, lowKey(t))
	twin := newCA(t, "ca.m", nil, lowKey(t))
	good, revoked := ca.leaf("peer0", "peer"), ca.leaf("gone", "client")
	m := mustBuild(t, &msppb.FabricMSPConfig{RootCerts: pemOf(ca.cert), RevocationList: [][]byte{ca.crl(revoked)}, FabricNodeOus: nodeOUsOf(nil)})
	ids := NewManager(m)

	d := ids.Describe(serialized("M", good))
	require.Empty(t, d.Problem)
	require.Equal(t, "peer", d.Role)
	require.Equal(t, "peer0", d.Name)
	require.Contains(t, d.String(), "CN=peer0,OU=peer (M peer), certificate "+new(big.Int).Set(good.SerialNumber).Text(16)+" of CN=ca.m, valid from "+pkiStart.UTC().Format("2006-01-02"))

	for problem, identity := range map[string][]byte{
		"was revoked by CN=ca.m on " + pkiStart.UTC().Format("2006-01-02T15:04:05Z"):           serialized("M", revoked),
		"MSP N is unknown here; known are M":                                                   serialized("N", good),
		"it was issued by CN=ca.other, which is no CA of M; its CAs are CN=ca.m":               serialized("M", other.leaf("x", "peer")),
		"it was issued by another CA of the same name as M's, CN=ca.m":                         serialized("M", twin.leaf("x", "peer")),
		"could not validate identity's OUs: the identity must be a client, a peer, an orderer": serialized("M", ca.leaf("x", "nobody")),
		"its certificate cannot be read":                                                       []byte("junk"),
		"An X509 certificate with Basic Constraint: Certificate Authority equals true cann":    serialized("M", ca.cert),
	} {
		d := ids.Describe(identity)
		require.Contains(t, d.Problem, problem)
		require.Empty(t, d.Role)
	}
}
