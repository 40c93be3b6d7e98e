package msp

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/wire/msppb"
)

// endorser is a signer of a new MSP whose signatures are remembered, and a manager of an MSP of the same name that takes them for good.
func endorser(t *testing.T, made *Made, revoked bool) (*RememberedSigner, *Manager) {
	t.Helper()
	ca, key := newCA(t, "ca.m", nil, lowKey(t)), ecKey(t, elliptic.P256())
	cert := ca.leafFor(key.Public(), "peer0")
	conf := &msppb.FabricMSPConfig{RootCerts: pemOf(ca.cert), Admins: pemOf(ca.leaf("admin"))}
	own, err := mustBuild(t, conf).Identity(serialized("M", cert))
	require.NoError(t, err)
	if revoked {
		conf.RevocationList = [][]byte{ca.crl(cert)}
	}
	m := NewManager(mustBuild(t, conf))
	m.UseMade(made)
	return made.Signer(&Signer{identity: own, key: key}), m
}

func TestMadeSignaturesAreGood(t *testing.T) {
	made := NewMade(10)
	s, m := endorser(t, made, false)
	sig, err := s.Sign([]byte("message"))
	require.NoError(t, err)
	id, err := m.Identity(s.Creator())
	require.NoError(t, err)
	require.NoError(t, id.Verify([]byte("message"), sig))
	require.True(t, made.has(s.Creator(), sha256.Sum256([]byte("message")), sig))

	// Nothing but the very same is spared.
	require.Error(t, id.Verify([]byte("another message"), sig))
	sig[len(sig)-1] ^= 1
	require.Error(t, id.Verify([]byte("message"), sig), "the caller's change of a signature does not reach what is remembered")
	stranger, theirs := endorser(t, made, false)
	other, err := theirs.Identity(stranger.Creator())
	require.NoError(t, err)
	sig[len(sig)-1] ^= 1
	require.Error(t, other.Verify([]byte("message"), sig), "another identity")
}

// What is remembered is not verified: a signature that nobody's key made passes, of exactly the identity and the message it is remembered with.
func TestMadeSignaturesAreNotVerified(t *testing.T) {
	made := NewMade(10)
	s, m := endorser(t, made, false)
	made.add(madeSignature{sha256.Sum256([]byte("message")), s.Creator(), []byte("made up")})
	id, err := m.Identity(s.Creator())
	require.NoError(t, err)
	require.NoError(t, id.Verify([]byte("message"), []byte("made up")))
	require.Error(t, id.Verify([]byte("message"), []byte("made down")))

	without, err := NewManager(m.MSPs()...).Identity(s.Creator())
	require.NoError(t, err)
	require.Error(t, without.Verify([]byte("message"), []byte("made up")), "a manager that was not told of it")
}

func TestMadeSignaturesDoNotMakeTheirIdentityValid(t *testing.T) {
	s, m := endorser(t, NewMade(10), true)
	sig, err := s.Sign([]byte("message"))
	require.NoError(t, err)
	id, err := m.Identity(s.Creator())
	require.NoError(t, err)
	require.NoError(t, id.Verify([]byte("message"), sig))
	require.ErrorContains(t, m.Validate(id), "revoked")
	require.Error(t, m.Satisfies(id, Role("M", msppb.MSPRole_MEMBER)))
}

func TestMadeIsBounded(t *testing.T) {
	const limit = 8
	made := NewMade(limit)
	digest := func(i int) [32]byte { return sha256.Sum256(fmt.Append(nil, i)) }
	for i := range 5 * limit {
		made.add(madeSignature{digest(i), []byte("creator"), fmt.Append(nil, i)})
		require.LessOrEqual(t, len(made.latest), limit)
		for j := range i + 1 {
			require.Equal(t, j > i-limit, made.has([]byte("creator"), digest(j), fmt.Append(nil, j)), "%d after %d", j, i)
		}
	}
	for i := range 3 * limit { // over one and the same
		made.add(madeSignature{digest(0), []byte("creator"), fmt.Append(nil, i)})
		require.True(t, made.has([]byte("creator"), digest(0), fmt.Append(nil, i)))
	}
	require.Len(t, made.ring, limit)
	require.Len(t, made.latest, 1)

	off := NewMade(0)
	off.add(madeSignature{digest(1), []byte("creator"), []byte("1")})
	require.False(t, off.has([]byte("creator"), digest(1), []byte("1")))
}

func TestMadeIsForManyAtOnce(t *testing.T) {
	made := NewMade(16)
	s, m := endorser(t, made, false)
	id, err := m.Identity(s.Creator())
	require.NoError(t, err)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 8 {
				message := fmt.Append(nil, i, j)
				sig, err := s.Sign(message)
				if err != nil || id.Verify(message, sig) != nil {
					t.Error(i, j, err)
				}
			}
		})
	}
	wg.Wait()
}

func TestSignDigestMakesSLow(t *testing.T) {
	for curve, half := range halfOrders {
		key := ecKey(t, curve)
		for i := range 20 {
			digest := sha256.Sum256([]byte{byte(i)})
			sig, err := SignDigest(key, digest[:])
			require.NoError(t, err)
			parsed, err := parseSignature(sig)
			require.NoError(t, err)
			require.LessOrEqual(t, parsed.S.Cmp(half), 0)
			again, err := lowS(curve, sig)
			require.NoError(t, err)
			require.Equal(t, sig, again)
			again, err = SignDigest(key, digest[:])
			require.NoError(t, err)
			require.Equal(t, sig, again, "RFC 6979")
			require.True(t, ecdsa.VerifyASN1(&key.PublicKey, digest[:], sig))
		}
		for _, digest := range [][]byte{make([]byte, 48), make([]byte, 64)} {
			sig, err := SignDigest(key, digest)
			require.NoError(t, err)
			require.True(t, ecdsa.VerifyASN1(&key.PublicKey, digest, sig))
		}
		_, err := SignDigest(key, make([]byte, 20))
		require.ErrorContains(t, err, "hash length")
	}
}
