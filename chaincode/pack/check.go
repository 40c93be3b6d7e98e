package pack

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/wire/peerpb"
)

// ErrFingerprint is in every error of Check.
var ErrFingerprint = errors.New("chaincode fingerprint mismatch")

// Check holds the package against the definition d of a channel: name and version, code hash, metadata hash and, if the package is
// signed, signature hash. As in Fabric a bare package does not look at the signature hash of d. The error begins with Fabric's text,
// "chaincode fingerprint mismatch: data mismatch", and then says which hashes differ, both values, and where each is from.
func (p *Package) Check(d *peerpb.ChaincodeData) error {
	if d.GetName() != p.Name || d.GetVersion() != p.Version {
		return fmt.Errorf("%w: invalid chaincode data %s:%s (%s:%s): the channel defines the first, %s holds the second",
			ErrFingerprint, d.GetName(), d.GetVersion(), p.Name, p.Version, p.origin())
	}
	defined := &peerpb.CDSData{}
	if err := proto.Unmarshal(d.Data, defined); err != nil {
		return fmt.Errorf("%w: the channel's definition of %s:%s holds no fingerprint: %w", ErrFingerprint, p.Name, p.Version, err)
	}
	var differs []string
	compare := func(what string, defined, installed []byte) {
		if !bytes.Equal(defined, installed) {
			differs = append(differs, fmt.Sprintf("%s: channel %s, installed %s", what, hexOrNone(defined), hexOrNone(installed)))
		}
	}
	compare("code hash", defined.Hash, p.CodeHash)
	compare("metadata hash", defined.Metadatahash, p.MetaDataHash)
	if p.signed {
		compare("signature hash", defined.Signaturehash, p.SignatureHash)
	}
	if len(differs) == 0 {
		return nil
	}
	return fmt.Errorf("%w: data mismatch: %s; the channel's values are those of the package it was instantiated from (state lscc/%s), "+
		"the installed ones are those of %s; install the very same package file on every peer (the code hash also covers the path given when packaging)",
		ErrFingerprint, strings.Join(differs, "; "), p.Name, p.origin())
}

// origin says which file and which source path the package is from.
func (p *Package) origin() string {
	file := p.File
	if file == "" {
		file = "the given package"
	}
	return fmt.Sprintf("%s (source path %s)", file, p.Path)
}

func hexOrNone(b []byte) string {
	if len(b) == 0 {
		return "none"
	}
	return fmt.Sprintf("%x", b)
}
