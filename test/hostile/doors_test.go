//go:build e2e

package hostile

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/heddleledger/heddle/test/kit"
)

// doors are the addresses that speak TLS.
func (n *network) doors() []string {
	doors := []string{n.Orderer.Address()}
	for _, org := range n.Orgs {
		doors = append(doors, org.Peer.Address(), org.Peer.ChaincodeAddress())
	}
	return doors
}

// stall opens many connections to every listener and stops in the middle of the handshake, or of the request. What it returns sees to
// it that all were cut off.
func (n *network) stall(t *testing.T) func(*testing.T) {
	const perDoor = 100
	hello := []byte{0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3} // the beginning of a ClientHello
	var open []net.Conn
	stall := func(address string, first []byte) {
		for i := range perDoor {
			c, err := net.Dial("tcp", address)
			require.NoError(t, err)
			open = append(open, c)
			if i%2 == 0 {
				_, err = c.Write(first)
				require.NoError(t, err)
			}
		}
	}
	for _, door := range n.doors() {
		stall(door, hello)
	}
	for _, node := range kit.Nodes(n.Network) {
		stall(node.OperationsAddress(), []byte("GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: "))
	}
	t.Cleanup(func() {
		for _, c := range open {
			_ = c.Close()
		}
	})
	begin := time.Now()
	return func(t *testing.T) {
		deadline := time.Now().Add(max(time.Second, 15*time.Second-time.Since(begin)))
		for _, c := range open {
			require.NoError(t, c.SetReadDeadline(deadline))
			_, err := io.Copy(io.Discard, c)
			require.False(t, timedOut(err), "a stalled connection to %s is still open", c.RemoteAddr())
		}
	}
}

// garbageAtTheDoors speaks to the TLS listeners in tongues.
func (n *network) garbageAtTheDoors(t *testing.T) {
	random := bytes.Repeat([]byte("\x16\x03\x01\xff\xff\x00heddle"), 10_000)
	lines := [][]byte{
		[]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
		[]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"),
		{0x16, 3, 1, 0, 5, 1, 0, 0, 1, 0}, make([]byte, 100_000), random,
	}
	for _, door := range n.doors() {
		for _, line := range lines {
			c, err := net.Dial("tcp", door)
			require.NoError(t, err)
			require.NoError(t, c.SetDeadline(time.Now().Add(10*time.Second)))
			_, _ = c.Write(line) // the other side may have hung up already
			_ = c.(*net.TCPConn).CloseWrite()
			_, err = io.Copy(io.Discard, c)
			require.False(t, timedOut(err), "%s did not hang up on %.20q", door, line)
			_ = c.Close()
		}
	}
	// Garbage behind a good handshake, where HTTP/2 is expected.
	for _, door := range n.doors()[:2] {
		for _, line := range append(lines, []byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\x01\x05\x00\x00\x00\x01")) {
			c, err := tls.Dial("tcp", door, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
			require.NoError(t, err)
			require.NoError(t, c.SetDeadline(time.Now().Add(10*time.Second)))
			_, _ = c.Write(line)
			_ = c.CloseWrite()
			_, err = io.Copy(io.Discard, c)
			require.False(t, timedOut(err), "%s did not hang up on %.20q", door, line)
			_ = c.Close()
		}
	}
}

// operations asks for what is not there, wrongly and at length.
func (n *network) operations(t *testing.T) {
	for _, node := range kit.Nodes(n.Network) {
		base := "http://" + node.OperationsAddress()
		for _, q := range []struct {
			method, path string
			body         io.Reader
			want         int
		}{
			{"GET", "/healthz", nil, 200},
			{"GET", "/../../etc/passwd", nil, 404},
			{"GET", "/nothing", nil, 404},
			{"DELETE", "/healthz", nil, 405},
			{"POST", "/version", strings.NewReader("x"), 400},
			{"PUT", "/logspec", strings.NewReader("garbage"), 400},
			{"PUT", "/logspec", strings.NewReader(`{"spec":"not=a=spec"}`), 400},
			{"PUT", "/logspec", io.LimitReader(endless{}, 64<<20), 400},
			{"PUT", "/logspec", strings.NewReader(strings.Repeat("[", 1<<20)), 400},
		} {
			r, err := http.NewRequestWithContext(t.Context(), q.method, base+q.path, q.body)
			require.NoError(t, err)
			answer, err := http.DefaultClient.Do(r)
			if err != nil { // hung up on before the body was through
				require.Equal(t, 400, q.want, "%s %s: %v", q.method, q.path, err)
				continue
			}
			_, _ = io.Copy(io.Discard, answer.Body)
			_ = answer.Body.Close()
			require.Equal(t, q.want, answer.StatusCode, "%s %s", q.method, q.path)
		}
		var g errgroup.Group
		for _, line := range []string{"garbage\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "GET /healthz HTTP/1.1\r\n" + strings.Repeat("X-Y: "+strings.Repeat("z", 1000)+"\r\n", 3000) + "\r\n"} {
			g.Go(func() error {
				c, err := net.Dial("tcp", node.OperationsAddress())
				if err != nil {
					return err
				}
				defer c.Close()
				_ = c.SetDeadline(time.Now().Add(10 * time.Second))
				_, _ = io.WriteString(c, line)
				answer, err := http.ReadResponse(bufio.NewReader(c), nil)
				if err == nil && answer.StatusCode < 400 {
					return fmt.Errorf("%.20q was answered with %s", line, answer.Status)
				}
				return nil
			})
		}
		require.NoError(t, g.Wait())
	}
}

func timedOut(err error) bool {
	var n net.Error
	return errors.As(err, &n) && n.Timeout()
}

// endless is a body that never ends.
type endless struct{}

func (endless) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = 'x'
	}
	return len(b), nil
}
