package peer

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/wire/peerpb"
)

func TestArgs(t *testing.T) {
	for ctor, want := range map[string][]string{
		`{"Args":["f","x"]}`:                   {"f", "x"},
		`{"args":[]}`:                          {},
		`{"Function":"f","Args":["x","y"]}`:    {"f", "x", "y"},
		`{"function":"f","ARGS":["\u00e9\n"]}`: {"f", "é\n"},
		`{"Args":null}`:                        {},
	} {
		got, err := (&chaincodeFlags{ctor: ctor}).args()
		require.NoError(t, err, ctor)
		require.Len(t, got, len(want), ctor)
		for i := range want {
			require.Equal(t, want[i], string(got[i]), ctor)
		}
	}
	optional, err := (&chaincodeFlags{ctor: noArgs}).optionalArgs()
	require.NoError(t, err)
	require.Empty(t, optional)
}

func FuzzArgs(f *testing.F) {
	for _, seed := range []string{noArgs, `{"Args":["f"]}`, `{"Function":"f","Args":[]}`, `{"Args":{}}`, `[]`, `null`, `{"Args":["f"]`, `{"a":1,"b":2,"c":3}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, ctor string) {
		args, err := (&chaincodeFlags{ctor: ctor}).args()
		if err != nil && args != nil {
			t.Fatal("arguments next to an error")
		}
	})
}

func TestLanguage(t *testing.T) {
	for name, want := range map[string]peerpb.ChaincodeSpec_Type{
		"golang": peerpb.ChaincodeSpec_GOLANG, "Node": peerpb.ChaincodeSpec_NODE, "cobol": peerpb.ChaincodeSpec_UNDEFINED,
	} {
		require.Equal(t, want, (&chaincodeFlags{lang: name}).language())
	}
}

func TestResponseText(t *testing.T) {
	require.Equal(t, "<nil>", responseText(nil))
	require.Equal(t, "", responseText(&peerpb.Response{}))
	require.Equal(t, `status:200 payload:"ok" `, responseText(&peerpb.Response{Status: 200, Payload: []byte("ok")}))
	require.Equal(t, `status:500 message:"it \"failed\" \\\n\r\t\001\303\251" `, responseText(&peerpb.Response{Status: 500, Message: "it \"failed\" \\\n\r\t\x01é"}))
}

func TestInfoText(t *testing.T) {
	require.Equal(t, "Name: kv, Version: 1.0, Path: example.com/kv, Id: 0aff",
		infoText(&peerpb.ChaincodeInfo{Name: "kv", Version: "1.0", Path: "example.com/kv", Id: []byte{0x0a, 0xff}}))
	require.Equal(t, "Name: kv, Version: 1.0, Input: x, Escc: escc, Vscc: vscc",
		infoText(&peerpb.ChaincodeInfo{Name: "kv", Version: "1.0", Input: "x", Escc: "escc", Vscc: "vscc"}))
}
