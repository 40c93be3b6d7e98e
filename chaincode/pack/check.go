package pack

import (
	"errors"
	"fmt"
	"strings"

	"github.com/heddleledger/heddle/wire/peerpb"
)

// ErrFingerprint is in every error of Check.
var ErrFingerprint = errors.New("chaincode fingerprint mismatch")

// Check holds the package against the definition d of a channel: see Compare. The error begins with Fabric's text,
// "chaincode fingerprint mismatch: data mismatch", and then says which hashes differ, both values, and where each is from.
func (p *Package) Check(d *peerpb.ChaincodeData) error {
	if d.GetName() != p.Name || d.GetVersion() != p.Version {
		return fmt.Errorf("%w: invalid chaincode data %s:%s (%s:%s): the channel defines the first, %s holds the second",
			ErrFingerprint, d.GetName(), d.GetVersion(), p.Name, p.Version, p.origin())
	}
	rows, err := Compare(d, p.Fingerprint())
	if err != nil {
		return err
	}
	var differs []string
	for _, c := range rows {
		if c.Verdict == Differs {
			differs = append(differs, fmt.Sprintf("%s: channel %s, installed %s", c.What, c.Channel, c.Installed))
		}
	}
	if len(differs) == 0 {
		return nil
	}
	return fmt.Errorf("%w: data mismatch: %s; the channel's values are those of the package it was instantiated from (state lscc/%s), "+
		"the installed ones are those of %s; install the very same package file on every peer (the code hash also covers the path given when packaging); "+
		"`peer chaincode explain -n %s -C CHANNEL --against PEER` compares file by file with a peer that has the right one",
		ErrFingerprint, strings.Join(differs, "; "), p.Name, p.origin(), p.Name)
}

// origin says which file and which source path the package is from.
func (p *Package) origin() string {
	file := p.File
	if file == "" {
		file = "the given package"
	}
	return fmt.Sprintf("%s (source path %s)", file, p.Path)
}
