package pack

import (
	"bytes"
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/wire/peerpb"
)

// Fingerprint is what is known of a package. A nil hash is one that is not known.
type Fingerprint struct {
	Name, Version          string
	CodeHash, MetaDataHash []byte
	SignatureHash          []byte // of signed packages
	ID                     []byte
	Signed                 bool
}

// Fingerprint is all there is to know of the package.
func (p *Package) Fingerprint() Fingerprint {
	return Fingerprint{
		Name: p.Name, Version: p.Version, Signed: p.signed,
		CodeHash: p.CodeHash, MetaDataHash: p.MetaDataHash, SignatureHash: p.SignatureHash, ID: p.ID,
	}
}

// Listed is what a peer's list of installed chaincodes tells of a package.
func Listed(info *peerpb.ChaincodeInfo) Fingerprint {
	return Fingerprint{
		Name: info.GetName(), Version: info.GetVersion(), ID: info.GetId(),
		MetaDataHash: hash([]byte(info.GetName()), []byte(info.GetVersion())),
	}
}

// Verdict is the outcome of one comparison.
type Verdict string

const (
	Same      Verdict = "ok"
	Differs   Verdict = "differs"
	Unknown   Verdict = "unknown"     // the installed value is not known
	Unchecked Verdict = "not checked" // a peer does not look at it
)

// Comparison is one check of a package against a channel's definition, by name, with both values as text.
type Comparison struct {
	What               string
	Channel, Installed string
	Verdict            Verdict
}

// Compare makes every check that a peer makes before it launches a chaincode, in a peer's order: name, version, code hash, metadata hash,
// signature hash. As in Fabric a bare package does not look at the signature hash of d. A fingerprint without a code hash is also compared by
// its id, which is made of all the hashes. The error says that d holds no fingerprint.
func Compare(d *peerpb.ChaincodeData, f Fingerprint) ([]Comparison, error) {
	defined := &peerpb.CDSData{}
	if err := proto.Unmarshal(d.GetData(), defined); err != nil {
		return nil, fmt.Errorf("%w: the channel's definition of %s:%s holds no fingerprint: %w", ErrFingerprint, f.Name, f.Version, err)
	}
	if f.CodeHash == nil && len(f.ID) > 0 && bytes.Equal(f.ID, d.GetId()) {
		f.CodeHash, f.SignatureHash, f.Signed = defined.Hash, defined.Signaturehash, len(defined.Signaturehash) > 0
	}
	rows := []Comparison{
		{"name", d.GetName(), f.Name, verdict(d.GetName() == f.Name)},
		{"version", d.GetVersion(), f.Version, verdict(d.GetVersion() == f.Version)},
		compareHashes("code hash", defined.Hash, f.CodeHash),
		compareHashes("metadata hash", defined.Metadatahash, f.MetaDataHash),
		compareHashes("signature hash", defined.Signaturehash, f.SignatureHash),
	}
	if f.CodeHash == nil {
		rows[2].Verdict, rows[2].Installed = Unknown, "not told by the peer"
		rows[4].Verdict, rows[4].Installed = Unknown, "not told by the peer"
		return append(rows, compareHashes("id", d.GetId(), f.ID)), nil
	}
	if !f.Signed && rows[4].Verdict == Differs {
		rows[4].Verdict = Unchecked
	}
	return rows, nil
}

func compareHashes(what string, defined, installed []byte) Comparison {
	return Comparison{what, hexOrNone(defined), hexOrNone(installed), verdict(bytes.Equal(defined, installed))}
}

func verdict(same bool) Verdict {
	if same {
		return Same
	}
	return Differs
}

func hexOrNone(b []byte) string {
	if len(b) == 0 {
		return "none"
	}
	return fmt.Sprintf("%x", b)
}
