package statebased

import (
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPolicyBytes(t *testing.T) {
	p, err := NewStateEP(nil)
	require.NoError(t, err)
	require.NoError(t, p.AddOrgs(RoleTypePeer, "Org2MSP"))
	require.NoError(t, p.AddOrgs(RoleTypeMember, "Org1MSP"))
	require.Equal(t, []string{"Org1MSP", "Org2MSP"}, p.ListOrgs())
	b, err := p.Policy()
	require.NoError(t, err)
	require.Equal(t, "120c120a08021202080012020801"+"1a0b12090a074f7267314d5350"+"1a0d120b0a074f7267324d53501003", hex.EncodeToString(b))

	again, err := NewStateEP(b)
	require.NoError(t, err)
	same, err := again.Policy()
	require.NoError(t, err)
	require.Equal(t, b, same)
	again.DelOrgs("Org1MSP", "nobody")
	require.Equal(t, []string{"Org2MSP"}, again.ListOrgs())

	require.Equal(t, &RoleTypeDoesNotExistError{"x"}, p.AddOrgs("x", "Org1MSP"))
	require.EqualError(t, p.AddOrgs("x"), "role type x does not exist")
	_, err = NewStateEP([]byte{0xff})
	require.ErrorContains(t, err, "Error unmarshaling to SignaturePolicy")
}

func FuzzNewStateEP(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0x1a, 0x00})
	f.Add([]byte{0x1a, 0x03, 0x12, 0x01, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := NewStateEP(b)
		if err != nil {
			return
		}
		policy, err := p.Policy()
		require.NoError(t, err)
		again, err := NewStateEP(policy)
		require.NoError(t, err)
		require.Equal(t, p.ListOrgs(), again.ListOrgs())
	})
}
