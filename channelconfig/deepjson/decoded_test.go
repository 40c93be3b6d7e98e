package deepjson

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/internal/vectors"

	_ "github.com/heddleledger/heddle/wire/querypb"
)

// TestDecodedMessages holds messages of every type, filled at random, against what configtxlator made of them, both ways.
func TestDecodedMessages(t *testing.T) {
	for _, line := range bytes.Split(bytes.TrimSpace(vectors.Read(t, "fabric-1.4", "configtxlator", "decoded.jsonl")), []byte("\n")) {
		var v struct {
			Type    string
			Message []byte
			JSON    json.RawMessage
			Encoded []byte
		}
		require.NoError(t, json.Unmarshal(line, &v))
		m, err := New(v.Type)
		require.NoError(t, err)
		require.NoError(t, proto.Unmarshal(v.Message, m), v.Type)
		text, err := Marshal(m)
		require.NoError(t, err, v.Type)
		require.JSONEq(t, string(v.JSON), string(text), v.Type)

		back := m.ProtoReflect().New().Interface()
		require.NoError(t, Unmarshal(v.JSON, back), v.Type)
		want := m.ProtoReflect().New().Interface()
		require.NoError(t, proto.Unmarshal(v.Encoded, want), v.Type)
		require.True(t, proto.Equal(want, back), v.Type)
	}
}
