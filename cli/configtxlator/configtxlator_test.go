package configtxlator

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/internal/vectors"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/commonpb"
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

	r, err = http.Post(s.URL+"/protolator/decode/common.Nope", "", nil)
	require.NoError(t, err)
	r.Body.Close()
	require.Equal(t, http.StatusNotFound, r.StatusCode)

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

// TestVerify expects the answers of Fabric's configtxlator.
func TestVerify(t *testing.T) {
	s := httptest.NewServer(handler())
	defer s.Close()
	good := vectors.Message(t, &commonpb.Config{}, "fabric-1.4/config/update-batchsize/original.pb")
	odd := proto.Clone(good).(*commonpb.Config)
	admins := odd.ChannelGroup.Groups["Application"].Groups["Org1MSP"].Policies["Admins"].Policy
	admins.Value = bytes.Replace(admins.Value, []byte("Org1MSP"), []byte("Org7MSP"), 1)
	for _, c := range []struct {
		config *commonpb.Config
		want   string
	}{
		{good, `{"general_errors":null,"element_warnings":null,"element_errors":null}`},
		{&commonpb.Config{}, `{"general_errors":["config must contain a channel group"],"element_warnings":null,"element_errors":null}`},
		{odd, `{"general_errors":null,"element_warnings":[{"path":".groups.Application.groups.Org1MSP.policies.Admins",` +
			`"message":"identity principal at index 0 refers to MSP ID 'Org7MSP', which is not an MSP in the network"}],"element_errors":null}`},
	} {
		r, err := http.Post(s.URL+"/configtxlator/config/verify", "", bytes.NewReader(wire.MustMarshal(c.config)))
		require.NoError(t, err)
		text, err := io.ReadAll(r.Body)
		require.NoError(t, err)
		r.Body.Close()
		require.Equal(t, http.StatusOK, r.StatusCode)
		require.JSONEq(t, c.want, string(text))
	}
}

// TestOrigins: a page of an allowed origin may ask, others may not.
func TestOrigins(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- serve(ctx, l, []string{"http://a.example"}) }()
	for origin, allowed := range map[string]string{"http://a.example": "http://a.example", "http://b.example": ""} {
		r, err := http.NewRequest(http.MethodOptions, "http://"+l.Addr().String()+"/protolator/decode/common.Config", nil)
		require.NoError(t, err)
		r.Header.Set("Origin", origin)
		r.Header.Set("Access-Control-Request-Method", http.MethodPost)
		answer, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		answer.Body.Close()
		require.Equal(t, allowed, answer.Header.Get("Access-Control-Allow-Origin"))
	}
	stop()
	require.NoError(t, <-served)
}
