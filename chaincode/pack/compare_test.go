package pack_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/chaincode/pack"
	"github.com/heddleledger/heddle/wire/peerpb"
)

func TestCompare(t *testing.T) {
	signed, kv := readPackage(t, "signedcc.signed-by-both.pkg"), readPackage(t, "kv.unsigned.pkg")
	other, err := pack.Parse(bare("kv", "2.0", "other code"))
	require.NoError(t, err)
	inner, err := pack.Parse(signed.SpecBytes)
	require.NoError(t, err)
	listed := func(p *pack.Package) pack.Fingerprint {
		return pack.Listed(&peerpb.ChaincodeInfo{Name: p.Name, Version: p.Version, Id: p.ID})
	}
	for _, c := range []struct {
		name      string
		channel   *pack.Package
		installed pack.Fingerprint
		want      string
	}{
		{"same", signed, signed.Fingerprint(), "name ok, version ok, code hash ok, metadata hash ok, signature hash ok"},
		{"same, by id", signed, listed(signed), "name ok, version ok, code hash ok, metadata hash ok, signature hash ok"},
		{"bare for signed", signed, inner.Fingerprint(), "name ok, version ok, code hash ok, metadata hash ok, signature hash not checked"},
		{"other version", kv, other.Fingerprint(), "name ok, version differs, code hash differs, metadata hash differs, signature hash ok"},
		{"other, by id", kv, listed(other), "name ok, version differs, code hash unknown, metadata hash differs, signature hash unknown, id differs"},
	} {
		rows, err := pack.Compare(c.channel.Data(), c.installed)
		require.NoError(t, err, c.name)
		var got []string
		for _, r := range rows {
			got = append(got, fmt.Sprintf("%s %s", r.What, r.Verdict))
			require.Equal(t, r.Verdict == pack.Same, r.Channel == r.Installed, "%s: %v", c.name, r)
		}
		require.Equal(t, c.want, strings.Join(got, ", "), c.name)
	}
	_, err = pack.Compare(&peerpb.ChaincodeData{Data: []byte{0xff}}, kv.Fingerprint())
	require.ErrorIs(t, err, pack.ErrFingerprint)
	rows, err := pack.Compare(nil, pack.Fingerprint{})
	require.NoError(t, err)
	require.Len(t, rows, 6, "nothing is known of the package")
}
