//go:build e2e

package e2e

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/internal/vectors"
	"github.com/heddleledger/heddle/test/kit"
)

// TestConfigtxlatorStart runs the server, which tells where it listens and whose pages it answers, until it is interrupted.
func TestConfigtxlatorStart(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), kit.Binary(t), "configtxlator", "start", "--hostname", "127.0.0.1", "--port", "0", "--CORS", "www.example.com", "--CORS", "x.org")
	stderr, err := cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	line, err := bufio.NewReader(stderr).ReadString('\n')
	require.NoError(t, err)
	_, line, found := strings.Cut(line, "Serving HTTP requests on ")
	require.True(t, found, line)
	address, origins, _ := strings.Cut(line, " ")
	require.Equal(t, "with CORS [www.example.com x.org]\n", origins)

	r, err := http.Post("http://"+address+"/configtxlator/config/verify", "", bytes.NewReader(vectors.Read(t, "fabric-1.4", "config", "update-batchsize", "original.pb")))
	require.NoError(t, err)
	defer r.Body.Close()
	answer, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	require.JSONEq(t, `{"general_errors":null,"element_warnings":null,"element_errors":null}`, string(answer))

	_, port, _ := strings.Cut(address, ":")
	second, err := exec.CommandContext(t.Context(), kit.Binary(t), "configtxlator", "start", "--hostname", "127.0.0.1", "--port", port).CombinedOutput()
	require.Error(t, err)
	require.Equal(t, "configtxlator: error: Could not bind to address '"+address+"': listen tcp "+address+": bind: address already in use\n", string(second))

	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	require.NoError(t, cmd.Wait())
}
