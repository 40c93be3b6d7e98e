package msp

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/heddleledger/heddle/msp/p256"
)

// signature is the DER form of an ECDSA signature: SEQUENCE{r, s}.
type signature struct{ R, S *big.Int }

// halfOrders are the largest low S of each curve: half the group's order, rounded down. Read only.
var halfOrders = map[elliptic.Curve]*big.Int{
	elliptic.P224(): halfOrder(elliptic.P224()),
	elliptic.P256(): halfOrder(elliptic.P256()),
	elliptic.P384(): halfOrder(elliptic.P384()),
	elliptic.P521(): halfOrder(elliptic.P521()),
}

func halfOrder(c elliptic.Curve) *big.Int { return new(big.Int).Rsh(c.Params().N, 1) }

// judge checks a signature and that its S is low. If the key has a table, the signature may be left to check with it.
//
// A signature in strict DER goes straight to the verifier. Anything else is read the way Fabric reads it, which lets bytes
// after the sequence, and extra elements in it, pass: such a signature is in blocks that 1.4 calls valid.
func (i *Identity) judge(digest [32]byte, sig []byte) (left p256.Check, err error) {
	if r, s, ok := strict(sig); ok {
		if len(s) > len(i.half) || len(s) == len(i.half) && bytes.Compare(s, i.half) > 0 {
			return left, highS(new(big.Int).SetBytes(s), new(big.Int).SetBytes(i.half))
		}
		if table := i.hot.use(); table != nil {
			return p256.Check{Table: table, Digest: digest, R: r, S: s}, nil
		}
		return left, invalidUnless(ecdsa.VerifyASN1(i.pub, digest[:], sig))
	}
	parsed, err := parseSignature(sig)
	if err != nil {
		return left, fmt.Errorf("could not determine the validity of the signature: %w", err)
	}
	if half := new(big.Int).SetBytes(i.half); parsed.S.Cmp(half) > 0 {
		return left, highS(parsed.S, half)
	}
	return left, invalidUnless(ecdsa.Verify(i.pub, digest[:], parsed.R, parsed.S))
}

func invalidUnless(valid bool) error {
	if !valid {
		return errors.New("The signature is invalid")
	}
	return nil
}

func highS(s, half *big.Int) error {
	return fmt.Errorf("could not determine the validity of the signature: Invalid S. Must be smaller than half the order [%s][%s].", s, half)
}

// strict returns R and S, big-endian and without leading zeros, of a signature that is one minimal DER SEQUENCE of two positive
// integers in short form, with nothing around it.
func strict(sig []byte) (r, s []byte, ok bool) {
	if len(sig) < 2 || sig[0] != 0x30 || sig[1] >= 0x80 || int(sig[1]) != len(sig)-2 {
		return nil, nil, false
	}
	r, rest, ok := strictInt(sig[2:])
	if !ok {
		return nil, nil, false
	}
	s, rest, ok = strictInt(rest)
	return r, s, ok && len(rest) == 0
}

func strictInt(b []byte) (value, rest []byte, ok bool) {
	if len(b) < 3 || b[0] != 0x02 || b[1] >= 0x80 || b[1] == 0 || int(b[1]) > len(b)-2 {
		return nil, nil, false
	}
	value, rest = b[2:2+int(b[1])], b[2+int(b[1]):]
	if value[0] >= 0x80 {
		return nil, nil, false // negative
	}
	if value[0] == 0 {
		if len(value) == 1 || value[1] < 0x80 {
			return nil, nil, false // zero, or not minimal
		}
		value = value[1:]
	}
	return value, rest, true
}

func parseSignature(sig []byte) (signature, error) {
	var s signature
	if _, err := asn1.Unmarshal(sig, &s); err != nil {
		return s, fmt.Errorf("failed unmarshalling signature [%w]", err)
	}
	if s.R == nil || s.R.Sign() != 1 {
		return s, errors.New("invalid signature, R must be larger than zero")
	}
	if s.S == nil || s.S.Sign() != 1 {
		return s, errors.New("invalid signature, S must be larger than zero")
	}
	return s, nil
}

// lowS returns the same signature, by a key on the given curve, with its S in the lower half, in DER.
func lowS(curve elliptic.Curve, sig []byte) ([]byte, error) {
	s, err := parseSignature(sig)
	if err != nil {
		return nil, err
	}
	half, ok := halfOrders[curve]
	if !ok {
		return nil, fmt.Errorf("curve not recognized [%s]", curve.Params().Name)
	}
	if s.S.Cmp(half) > 0 {
		s.S.Sub(curve.Params().N, s.S)
	}
	var der cryptobyte.Builder
	der.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1BigInt(s.R)
		b.AddASN1BigInt(s.S)
	})
	return der.Bytes()
}
