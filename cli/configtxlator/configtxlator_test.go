package configtxlator

import (
	"bytes"
	"encoding/json"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/internal/vectors"
)

func run(t *testing.T, stdin []byte, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = Run(t.Context(), args, bytes.NewReader(stdin), &out, &errs)
	return code, out.String(), errs.String()
}

func TestDecodeAndEncode(t *testing.T) {
	block := vectors.Read(t, "fabric-1.4", "chain", "5.block")
	code, text, stderr := run(t, block, "proto_decode", "--type", "common.Block")
	require.Zero(t, code, stderr)
	var got, want any
	require.NoError(t, json.Unmarshal([]byte(text), &got))
	require.NoError(t, json.Unmarshal(vectors.Read(t, "fabric-1.4", "chain", "5.json"), &want))
	require.Equal(t, want, got)

	file := filepath.Join(t.TempDir(), "block")
	code, _, stderr = run(t, []byte(text), "proto_encode", "--type", "common.Block", "--output", file)
	require.Zero(t, code, stderr)
	code, again, _ := run(t, nil, "proto_decode", "--type", "common.Block", "--input", file)
	require.Zero(t, code)
	require.Equal(t, text, again)
}

func TestComputeUpdate(t *testing.T) {
	const dir = "fabric-1.4/config/update-batchsize"
	original, updated := vectors.Path(dir, "original.pb"), vectors.Path(dir, "updated.pb")
	code, update, stderr := run(t, nil, "compute_update", "--channel_id", "mychannel", "--original", original, "--updated", updated)
	require.Zero(t, code, stderr)
	require.Equal(t, string(vectors.Read(t, dir, "update.pb")), update)

	code, _, stderr = run(t, nil, "compute_update", "--channel_id", "mychannel", "--original", original, "--updated", original)
	require.Equal(t, 1, code)
	require.Equal(t, "configtxlator: error: Error computing update: error computing config update: "+
		"no differences detected between original and updated config\n", stderr)
}

func TestUnknownType(t *testing.T) {
	code, _, stderr := run(t, nil, "proto_decode", "--type", "common.Nope")
	require.Equal(t, 1, code)
	require.Contains(t, stderr, "configtxlator: error: Error decoding: message of type")
}

func TestREST(t *testing.T) {
	s := httptest.NewServer(handler())
	defer s.Close()
	const dir = "fabric-1.4/config/update-batchsize"

	r, err := http.Post(s.URL+"/protolator/decode/common.Config", "", bytes.NewReader(vectors.Read(t, dir, "original.pb")))
	require.NoError(t, err)
	text, _ := io.ReadAll(r.Body)
	r.Body.Close()
	require.Equal(t, http.StatusOK, r.StatusCode)
	r, err = http.Post(s.URL+"/protolator/encode/common.Config", "", bytes.NewReader(text))
	require.NoError(t, err)
	r.Body.Close()
	require.Equal(t, http.StatusOK, r.StatusCode)
	r, err = http.Post(s.URL+"/protolator/decode/common.Config", "", bytes.NewReader([]byte("garbage")))
	require.NoError(t, err)
	r.Body.Close()
	require.Equal(t, http.StatusBadRequest, r.StatusCode)

	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	require.NoError(t, w.WriteField("channel", "mychannel"))
	for _, field := range []string{"original", "updated"} {
		part, err := w.CreateFormFile(field, field)
		require.NoError(t, err)
		_, _ = part.Write(vectors.Read(t, dir, field+".pb"))
	}
	require.NoError(t, w.Close())
	r, err = http.Post(s.URL+"/configtxlator/compute/update-from-configs", w.FormDataContentType(), &form)
	require.NoError(t, err)
	update, _ := io.ReadAll(r.Body)
	r.Body.Close()
	require.Equal(t, vectors.Read(t, dir, "update.pb"), update)
}
