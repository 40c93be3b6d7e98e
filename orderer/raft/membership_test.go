package raft

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/internal/vectors"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/etcdraftpb"
)

// certOf is a certificate for the key; each call gives another one.
func certOf(t *testing.T, key *ecdsa.PrivateKey) []byte {
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: serial, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return key
}

func metadata(certs ...[]byte) *etcdraftpb.ConfigMetadata {
	m := &etcdraftpb.ConfigMetadata{Options: &etcdraftpb.Options{TickInterval: "500ms", ElectionTick: 10, HeartbeatTick: 1, MaxInflightBlocks: 5}}
	for _, c := range certs {
		m.Consenters = append(m.Consenters, &etcdraftpb.Consenter{Host: "host", Port: 7050, ServerTlsCert: c, ClientTlsCert: c})
	}
	return m
}

func TestCheckMetadata(t *testing.T) {
	a, b := certOf(t, newKey(t)), certOf(t, newKey(t))
	require.NoError(t, checkMetadata(metadata(a, b)))
	for want, change := range map[string]func(*etcdraftpb.ConfigMetadata){
		"nil Raft config metadata options":                                                      func(m *etcdraftpb.ConfigMetadata) { m.Options = nil },
		"none of HeartbeatTick (0), ElectionTick (10) and MaxInflightBlocks (5) can be zero":    func(m *etcdraftpb.ConfigMetadata) { m.Options.HeartbeatTick = 0 },
		"ElectionTick (10) must be greater than HeartbeatTick (10)":                             func(m *etcdraftpb.ConfigMetadata) { m.Options.HeartbeatTick = 10 },
		"failed to parse TickInterval (soon) to time duration: time: invalid duration \"soon\"": func(m *etcdraftpb.ConfigMetadata) { m.Options.TickInterval = "soon" },
		"TickInterval cannot be zero":                                                           func(m *etcdraftpb.ConfigMetadata) { m.Options.TickInterval = "0s" },
		"empty consenter set":                                                                   func(m *etcdraftpb.ConfigMetadata) { m.Consenters = nil },
		"nil consenter in metadata":                                                             func(m *etcdraftpb.ConfigMetadata) { m.Consenters[0] = nil },
		"server TLS certificate is not PEM encoded: x":                                          func(m *etcdraftpb.ConfigMetadata) { m.Consenters[0].ServerTlsCert = []byte("x") },
		"client TLS certificate is not PEM encoded: ":                                           func(m *etcdraftpb.ConfigMetadata) { m.Consenters[0].ClientTlsCert = nil },
		"duplicate consenter: server cert: " + string(b) + ", client cert: " + string(a):        func(m *etcdraftpb.ConfigMetadata) { m.Consenters[1].ClientTlsCert = a },
	} {
		m := metadata(a, b)
		change(m)
		require.EqualError(t, checkMetadata(m), want)
	}

	m := metadata(a, b)
	m.Consenters[0].ServerTlsCert = bytes.Repeat([]byte("x"), maxQuoted)
	require.EqualError(t, checkMetadata(m), "server TLS certificate is not PEM encoded: "+strings.Repeat("x", maxQuoted))
	m.Consenters[0].ServerTlsCert = bytes.Repeat([]byte("x"), 1<<20)
	require.EqualError(t, checkMetadata(m), "server TLS certificate is not PEM encoded: "+strings.Repeat("x", maxQuoted)+"… (1048576 bytes)")
}

func TestSelf(t *testing.T) {
	own, other := newKey(t), newKey(t)
	meta := &etcdraftpb.BlockMetadata{ConsenterIds: []uint64{7}, NextConsenterId: 8}
	id, err := self(certOf(t, own), meta, metadata(certOf(t, own)), "ch")
	require.NoError(t, err)
	require.Equal(t, uint64(7), id, "a renewed certificate with the same key is the same consenter")
	_, err = self(certOf(t, own), meta, metadata(certOf(t, other)), "ch")
	require.EqualError(t, err, "channel ch is not serviced by me")
	require.ErrorAs(t, err, new(*notServed))
	_, err = self(certOf(t, own), meta, metadata(certOf(t, own), certOf(t, other)), "ch")
	require.EqualError(t, err, "channel ch has 2 consenters; this orderer can only order alone")
	_, err = self(nil, meta, metadata(certOf(t, own)), "ch")
	require.EqualError(t, err, "TLS is required for running ordering nodes of type etcdraft.")
}

func TestBlockMetadata(t *testing.T) {
	a, b := certOf(t, newKey(t)), certOf(t, newKey(t))
	fresh, err := blockMetadata(nil, metadata(a, b))
	require.NoError(t, err)
	require.True(t, proto.Equal(&etcdraftpb.BlockMetadata{ConsenterIds: []uint64{1, 2}, NextConsenterId: 3}, fresh))
	last := &etcdraftpb.BlockMetadata{ConsenterIds: []uint64{4}, NextConsenterId: 5, RaftIndex: 99}
	kept, err := blockMetadata(wire.MustMarshal(last), metadata(a))
	require.NoError(t, err)
	require.True(t, proto.Equal(last, kept))
	_, err = blockMetadata(wire.MustMarshal(last), metadata(a, b))
	require.EqualError(t, err, "the last block numbers 1 consenters, the channel's configuration has 2")
	_, err = blockMetadata([]byte("\xff"), metadata(a))
	require.ErrorContains(t, err, "failed to read Raft metadata")
}

func FuzzConfigUpdate(f *testing.F) {
	b := vectors.Message(f, &commonpb.Block{}, "fabric-1.4", "config", "update-batchsize", "committed_config_block.pb")
	f.Add(b.Data.Data[0])
	f.Add(vectors.Read(f, "fabric-1.4", "config", "mychannel.tx"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, raw []byte) {
		env := &commonpb.Envelope{}
		if proto.Unmarshal(raw, env) == nil {
			update, _, err := configUpdate(env)
			require.True(t, err != nil || update != nil)
		}
	})
}
