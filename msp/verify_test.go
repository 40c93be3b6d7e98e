package msp

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"
)

// bare is an identity that can do no more than verify signatures.
func bare(pub *ecdsa.PublicKey, hash string, tables *KeyTables) *Identity {
	id := &Identity{msp: &MSP{id: "M", signatureHash: hash}, id: "somebody", pub: pub, hot: tables.watch(pub)}
	if pub != nil {
		id.half = halfOrders[pub.Curve].Bytes()
	}
	return id
}

// heat gives the identity's key its table.
func heat(t testing.TB, id *Identity) *Identity {
	for range tableAfter {
		id.hot.use()
	}
	require.NotNil(t, id.hot.table.Load())
	return id
}

// TestVerifyAll: together, with tables or without, signatures get the outcomes, and the texts, that they get one by one without.
func TestVerifyAll(t *testing.T) {
	type signer struct {
		key       *ecdsa.PrivateKey
		hash      string
		id, plain *Identity
	}
	tables := NewKeyTables(2)
	var signers []signer
	for _, s := range []struct {
		curve elliptic.Curve
		hash  string
		hot   bool
	}{
		{elliptic.P256(), familySHA2, true}, {elliptic.P256(), familySHA2, false}, {elliptic.P256(), familySHA3, true}, {elliptic.P384(), familySHA2, false},
	} {
		key := ecKey(t, s.curve)
		id := bare(&key.PublicKey, s.hash, tables)
		if s.hot {
			heat(t, id)
		}
		signers = append(signers, signer{key, s.hash, id, bare(&key.PublicKey, s.hash, nil)})
	}
	var all []Signature
	var plain []*Identity
	add := func(s signer, message, der []byte) {
		for cut := range 3 {
			all = append(all, Signature{By: s.id, Message: message[:cut], Tail: message[cut:], DER: der})
			plain = append(plain, s.plain)
		}
	}
	for _, s := range signers {
		message := []byte("message")
		digest, err := s.plain.msp.digest(message)
		require.NoError(t, err)
		der, err := SignDigest(s.key, digest[:])
		require.NoError(t, err)
		high, err := highForm(s.key.Curve, der)
		require.NoError(t, err)
		changed := append([]byte{}, der...)
		changed[len(changed)-1] ^= 1
		add(s, message, der)
		add(s, []byte("massage"), der)
		for _, form := range [][]byte{changed, high, append(der[:len(der):len(der)], "junk"...), der[:20], nil, {0x30, 6, 2, 1, 0, 2, 1, 1}, {0x30, 6, 2, 1, 1, 2, 1, 1}} {
			add(s, message, form)
		}
	}
	add(signer{id: bare(nil, familySHA2, nil), plain: bare(nil, familySHA2, nil)}, []byte("message"), nil)
	odd := signers[0]
	odd.plain, odd.id = bare(&odd.key.PublicKey, "MD", nil), bare(&odd.key.PublicKey, "MD", nil)
	add(odd, []byte("message"), nil)

	VerifyAll(nil)
	for range 2 { // the second time with memory that has been used
		for i := range all {
			all[i].Err = nil
		}
		VerifyAll(all)
		good := 0
		for i, s := range all {
			want := plain[i].Verify(append(append([]byte{}, s.Message...), s.Tail...), s.DER)
			require.Equal(t, errorText(want), errorText(s.Err), "signature %d: %x", i, s.DER)
			if want == nil {
				good++
			}
		}
		require.Equal(t, len(signers)*2*3, good, "as signed, and with bytes behind it")
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// FuzzSignature holds the two ways of reading a signature against each other: where the strict one reads it, the lenient
// one reads the same S. And a key's table makes no difference.
func FuzzSignature(f *testing.F) {
	key := ecKey(f, elliptic.P256())
	hot, plain := heat(f, bare(&key.PublicKey, familySHA2, NewKeyTables(1))), bare(&key.PublicKey, familySHA2, nil)
	message := []byte("message")
	digest, err := plain.msp.digest(message)
	require.NoError(f, err)
	sig, err := SignDigest(key, digest[:])
	require.NoError(f, err)
	f.Add(sig)
	f.Add(append(sig[:len(sig):len(sig)], 0))
	f.Add([]byte{0x30, 6, 2, 1, 1, 2, 1, 1})
	f.Add([]byte{0x30, 7, 2, 2, 0, 0x80, 2, 1, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		require.Equal(t, errorText(plain.Verify(message, b)), errorText(hot.Verify(message, b)))
		r, s, ok := strict(b)
		if !ok {
			return
		}
		lenient, err := parseSignature(b)
		require.NoError(t, err)
		require.Zero(t, lenient.R.Cmp(new(big.Int).SetBytes(r)))
		require.Zero(t, lenient.S.Cmp(new(big.Int).SetBytes(s)))
	})
}
