package chaincode_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/chaincode"
	"github.com/heddleledger/heddle/chaincode/pack"
	"github.com/heddleledger/heddle/chaincode/runtime"
	"github.com/heddleledger/heddle/comm"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// modeVariable makes this test binary a chaincode process: "serve" is the toy chaincode; the others never become it.
const modeVariable = "TEST_CHAINCODE_MODE"

func playChaincode() int {
	flags := flag.NewFlagSet("chaincode", flag.ExitOnError)
	address := flags.String("peer.address", "", "")
	_ = flags.Parse(os.Args[1:]) // exits on error
	switch os.Getenv(modeVariable) {
	case "mute":
		fmt.Fprintln(os.Stderr, "I will not register:", os.Getpid())
		time.Sleep(time.Minute)
	case "broken":
		fmt.Fprintln(os.Stderr, "panic: no such table")
		return 2
	case "impostor":
		os.Setenv("CORE_CHAINCODE_ID_NAME", "other:1.0")
	}
	creds := insecure.NewCredentials()
	if os.Getenv("CORE_PEER_TLS_ENABLED") == "true" {
		pair, err := tls.LoadX509KeyPair(os.Getenv("CORE_TLS_CLIENT_CERT_FILE"), os.Getenv("CORE_TLS_CLIENT_KEY_FILE"))
		if err != nil {
			return complain(err)
		}
		root, err := os.ReadFile(os.Getenv("CORE_PEER_TLS_ROOTCERT_FILE"))
		if err != nil {
			return complain(err)
		}
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(root)
		creds = credentials.NewTLS(&tls.Config{RootCAs: roots, Certificates: []tls.Certificate{pair}})
	}
	conn, err := grpc.NewClient(*address, grpc.WithTransportCredentials(creds))
	if err != nil {
		return complain(err)
	}
	defer conn.Close()
	s, err := peerpb.NewChaincodeSupportClient(conn).Register(context.Background())
	if err != nil {
		return complain(err)
	}
	if err := s.Send(registration(os.Getenv("CORE_CHAINCODE_ID_NAME"))); err != nil {
		return complain(err)
	}
	return complain(serveToy(s))
}

func complain(err error) int {
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// builds counts.
type builder struct {
	count atomic.Int32
	err   error
	dir   string // of working directories
}

func (b *builder) build(context.Context, *pack.Package) (string, error) {
	b.count.Add(1)
	time.Sleep(50 * time.Millisecond) // so that others come to wait for it
	if b.err != nil {
		return "", b.err
	}
	return os.Executable()
}

// newLaunchingPeer is a peer with a chaincode listener that starts this test binary as its chaincode.
func newLaunchingPeer(t *testing.T, mode string, secure bool, change ...func(*chaincode.Options)) (*peer, *builder) {
	t.Helper()
	b := &builder{}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	options := comm.ServerOptions{Log: slog.New(slog.DiscardHandler)}
	var authority *runtime.Authority
	if secure {
		authority, err = runtime.NewAuthority(time.Now())
		require.NoError(t, err)
		certificate, err := authority.Server("127.0.0.1")
		require.NoError(t, err)
		roots, err := comm.NewRoots(authority.Root())
		require.NoError(t, err)
		options.TLS = &comm.ServerTLS{Certificate: comm.NewCertificate(certificate), RequireClientCert: true, ClientRoots: roots}
	}
	server := comm.NewServer(options)
	b.dir = t.TempDir()
	var serving sync.WaitGroup
	t.Cleanup(func() { // runs after the support is closed
		server.Stop()
		serving.Wait()
	})
	p := newPeer(t, append([]func(*chaincode.Options){func(o *chaincode.Options) {
		o.PeerAddress, o.Authority = listener.Addr().String(), authority
		o.Runtime = &runtime.Process{Build: b.build, Dir: b.dir, Grace: 500 * time.Millisecond, Log: o.Log}
		o.Env = []string{modeVariable + "=" + mode}
	}}, change...)...)
	peerpb.RegisterChaincodeSupportServer(server, p.Support)
	serving.Go(func() { _ = server.Serve(listener) })
	return p, b
}

func TestOneLaunchForManyInvokes(t *testing.T) {
	for name, secure := range map[string]bool{"plain text": false, "TLS": true} {
		t.Run(name, func(t *testing.T) {
			p, b := newLaunchingPeer(t, "serve", secure)
			p.define(channel, "kv", "1.0", "code")
			p.put(channel, "kv", "a", []byte("1"))
			var wg sync.WaitGroup
			for range 20 {
				wg.Go(func() {
					r, err := p.invoke(t.Context(), "kv", "get", "a")
					require.NoError(t, err)
					require.Equal(t, "1", string(r.Payload))
				})
			}
			wg.Wait()
			require.EqualValues(t, 1, b.count.Load())
		})
	}
}

func TestInitIsLaunchedFromTheInstalledPackage(t *testing.T) {
	p, _ := newLaunchingPeer(t, "serve", false)
	p.define(otherChannel, "kv", "1.0", "code") // which also installs it
	c := p.call("kv", "a", "1")
	c.Init = true
	p.begin(c, channel)
	defer c.Simulator.Close()
	r, _, err := p.Invoke(t.Context(), c)
	require.NoError(t, err)
	require.Equal(t, "init a 1", string(r.Payload))

	c.Version = "9.9"
	_, _, err = p.Invoke(t.Context(), c)
	require.ErrorContains(t, err, "cannot deploy a chaincode which is not installed: could not get chaincode from fs: open ")
}

func TestChaincodeThatDies(t *testing.T) {
	p, b := newLaunchingPeer(t, "serve", false)
	p.define(channel, "kv", "1.0", "code")
	c := p.call("kv", "exit", "3")
	p.begin(c, channel)
	defer c.Simulator.Close()
	_, _, err := p.Invoke(t.Context(), c)
	require.EqualError(t, err, "failed to execute transaction "+c.TxID+": error sending: chaincode stream terminated: "+
		"chaincode kv:1.0: container exited with 3; its last lines: leaving with 3")

	_, err = p.invoke(t.Context(), "kv", "panic", "boom")
	require.ErrorContains(t, err, "chaincode stream terminated: chaincode kv:1.0: container exited with 2; its last lines: panic: boom")

	r, err := p.invoke(t.Context(), "kv", "echo", "again")
	require.NoError(t, err, "the next invoke launches it anew")
	require.Equal(t, "again", string(r.Payload))
	require.EqualValues(t, 3, b.count.Load())
}

func TestLaunchesThatFail(t *testing.T) {
	short := func(o *chaincode.Options) { o.StartupTimeout = 700 * time.Millisecond }
	for _, test := range []struct {
		name, mode, want string
		change           []func(*chaincode.Options)
		fail             error
	}{
		{"dies before it registers", "broken",
			"could not launch chaincode kv:1.0: chaincode registration failed: container exited with 2; its last lines: panic: no such table", nil, nil},
		{"does not register", "mute",
			"could not launch chaincode kv:1.0: timeout expired while starting chaincode kv:1.0 for transaction: it did not register at 127.0.0.1:",
			[]func(*chaincode.Options){short}, nil},
		{"registers under another name", "impostor",
			"could not launch chaincode kv:1.0: timeout expired while starting chaincode kv:1.0 for transaction: it did not register at PEER, " +
				"but one that calls itself other:1.0 came and was refused: it must register as CORE_CHAINCODE_ID_NAME says; container exited with ",
			[]func(*chaincode.Options){short}, nil},
		{"does not compile", "serve",
			"could not launch chaincode kv:1.0: error starting container: error starting container: error building chaincode kv:1.0: main.go:3:7: undefined: x",
			nil, fmt.Errorf("main.go:3:7: undefined: x")},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, b := newLaunchingPeer(t, test.mode, false, test.change...)
			b.err = test.fail
			p.define(channel, "kv", "1.0", "code")
			var wg sync.WaitGroup
			for range 3 {
				wg.Go(func() {
					c := p.call("kv", "echo")
					p.begin(c, channel)
					defer c.Simulator.Close()
					_, _, err := p.Invoke(t.Context(), c)
					require.Error(t, err)
					text := strings.TrimPrefix(err.Error(), "failed to execute transaction "+c.TxID+": [channel mychannel] ")
					require.True(t, strings.HasPrefix(text, strings.ReplaceAll(test.want, "PEER", p.PeerAddress)), text)
				})
			}
			wg.Wait()
			require.EqualValues(t, 1, b.count.Load())
			if test.fail != nil {
				b.err = nil
				_, err := p.invoke(t.Context(), "kv", "echo")
				require.NoError(t, err, "a failed launch is tried again")
			}
		})
	}
}

func TestACertificateIsGoodForItsChaincodeOnly(t *testing.T) {
	p, _ := newLaunchingPeer(t, "impostor", true)
	p.define(channel, "kv", "1.0", "code")
	_, err := p.invoke(t.Context(), "kv", "echo")
	require.ErrorContains(t, err, "chaincode registration failed: container exited with 1; its last lines: rpc error: code = Unknown desc = Chaincode other:1.0 ")
	require.ErrorContains(t, err, "belongs to a different chaincode")
}

func TestCallersOfAFailedLaunchMayLeaveEarlier(t *testing.T) {
	p, _ := newLaunchingPeer(t, "mute", false)
	p.define(channel, "kv", "1.0", "code")
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := p.invoke(ctx, "kv", "echo")
	require.ErrorContains(t, err, "could not launch chaincode kv:1.0: gave up waiting for chaincode kv:1.0 to start: context deadline exceeded")
}

func TestClosingStopsWhatRuns(t *testing.T) {
	for _, mode := range []string{"serve", "mute"} {
		t.Run(mode, func(t *testing.T) {
			p, _ := newLaunchingPeer(t, mode, false)
			p.define(channel, "kv", "1.0", "code")
			failed := make(chan error, 1)
			go func() {
				_, err := p.invoke(context.Background(), "kv", "sleep", "60000")
				failed <- err
			}()
			time.Sleep(300 * time.Millisecond)
			require.NoError(t, p.Support.Close())
			require.ErrorContains(t, <-failed, "the peer is shutting down")
			_, err := p.invoke(t.Context(), "kv", "echo")
			require.ErrorContains(t, err, "the peer is shutting down")
		})
	}
}

func atoi(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		panic(err)
	}
	return n
}

func mustUnmarshal(b []byte, m proto.Message) {
	if err := proto.Unmarshal(b, m); err != nil {
		panic(err)
	}
}
