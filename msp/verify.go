package msp

import (
	"fmt"

	"github.com/heddleledger/heddle/msp/p256"
)

// Signature is a DER ECDSA signature by an identity, and what VerifyAll made of it.
type Signature struct {
	By            *Identity
	Message, Tail []byte // what was signed: one, then the other
	DER           []byte
	Err           error // nil for a good one
}

// Verify checks the DER ECDSA signature sig over the hash of msg (SHA-256, unless the MSP's configuration says SHA3). A
// signature with high S is refused.
func (i *Identity) Verify(msg, sig []byte) error {
	one := Signature{By: i, Message: msg, DER: sig}
	left, err := one.judge()
	if left.Table == nil {
		return err
	}
	tables := i.hot.tables
	return invalidUnless(tables.crowd.verify(left, tables))
}

// VerifyAll finds for each signature what Identity.Verify would. It takes less time than one after the other, since those by keys that have tables
// are verified together.
func VerifyAll(signatures []Signature) {
	var tables *KeyTables
	var b *batch
	for n := range signatures {
		s := &signatures[n]
		left, err := s.judge()
		if left.Table == nil {
			s.Err = err
			continue
		}
		if b == nil {
			tables = s.By.hot.tables
			b = tables.spareBatch()
		}
		b.checks, b.of = append(b.checks, left), append(b.of, n)
	}
	if b == nil {
		return
	}
	b.verifier.Verify(b.checks)
	for i, n := range b.of {
		signatures[n].Err = invalidUnless(b.checks[i].Valid)
	}
	tables.keepBatch(b)
}

// batch is what it takes to verify signatures together.
type batch struct {
	verifier p256.Batch
	checks   []p256.Check
	of       []int // the signature that each check is of
}

func (t *KeyTables) spareBatch() *batch {
	if b, ok := t.batches.Get().(*batch); ok {
		return b
	}
	return &batch{}
}

func (t *KeyTables) keepBatch(b *batch) {
	clear(b.checks) // which refer to tables
	b.checks, b.of = b.checks[:0], b.of[:0]
	t.batches.Put(b)
}

// judge says whether the signature is good, unless what is left to check can be checked with a table.
func (s *Signature) judge() (left p256.Check, err error) {
	if s.By.pub == nil {
		return left, fmt.Errorf("could not determine the validity of the signature: identity %s of %s has no ECDSA key", s.By.id, s.By.msp.id)
	}
	digest, err := s.By.msp.digest(s.Message, s.Tail)
	if err != nil || s.By.made.has(s.By.serialized, digest, s.DER) {
		return left, err
	}
	return s.By.judge(digest, s.DER)
}
