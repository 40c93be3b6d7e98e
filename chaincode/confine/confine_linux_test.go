package confine

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// probeVariable makes this test binary a program that tries one thing, and prints how that went: "ok" or an error.
const probeVariable = "TEST_PROBE"

func TestMain(m *testing.M) {
	if probe := os.Getenv(probeVariable); len(os.Args) > 1 && os.Args[1] == Verb {
		os.Exit(Exec(os.Args[2:], os.Stderr))
	} else if probe != "" {
		err := try(probe, os.Args[1:])
		if err == nil {
			err = errors.New("ok")
		}
		fmt.Println(err)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func try(probe string, args []string) error {
	switch probe {
	case "read":
		_, err := os.ReadFile(args[0])
		return err
	case "list":
		_, err := os.ReadDir(args[0])
		return err
	case "write":
		return os.WriteFile(args[0], []byte("x"), 0o600)
	case "rename":
		if err := os.MkdirAll("sub", 0o700); err != nil {
			return err
		}
		return errors.Join(os.WriteFile("a", nil, 0o600), os.Rename("a", "sub/b"))
	case "run":
		return exec.Command(args[0]).Run()
	case "dial":
		return dial(args[0], args[1])
	case "listen":
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err == nil {
			l.Close()
		}
		return err
	case "socket":
		fd, err := unix.Socket(number(args[0]), number(args[1]), number(args[2]))
		if err == nil {
			unix.Close(fd)
		}
		return err
	case "socketpair":
		_, err := unix.Socketpair(unix.AF_UNIX, number(args[0]), 0)
		return err
	case "fastopen":
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
		if err != nil {
			return err
		}
		return unix.Sendto(fd, []byte("x"), unix.MSG_FASTOPEN, &unix.SockaddrInet4{Port: number(args[0]), Addr: [4]byte{127, 0, 0, 1}})
	case "uring":
		_, _, errno := unix.Syscall(unix.SYS_IO_URING_SETUP, 1, 0, 0)
		return errno
	case "kill":
		return syscall.Kill(number(args[0]), 0)
	case "allocate":
		debug.SetGCPercent(-1)
		var kept [][]byte
		for range number(args[0]) {
			kept = append(kept, bytes.Repeat([]byte{1}, 1<<20))
		}
		runtime.KeepAlive(kept)
		return nil
	case "open":
		var err error
		for err == nil {
			_, err = os.Open("/dev/null")
		}
		return err
	case "fork":
		var err error
		for range number(args[0]) {
			c := exec.Command(os.Args[0], "60")
			c.Env = append(os.Environ(), probeVariable+"=sleep")
			if err = c.Start(); err != nil {
				break
			}
			defer c.Process.Kill()
		}
		return err
	case "sleep":
		time.Sleep(time.Duration(number(args[0])) * time.Second)
	case "status":
		fmt.Println(os.Args[0])
		var held [2]unix.CapUserData
		if err := unix.Capget(&unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}, &held[0]); err != nil {
			return err
		}
		var death int32
		if err := unix.Prctl(unix.PR_GET_PDEATHSIG, uintptr(unsafe.Pointer(&death)), 0, 0, 0); err != nil {
			return err
		}
		noNew, err := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)
		fmt.Println("capabilities", held, "death", death, "no new privileges", noNew)
		return err
	}
	return nil
}

func dial(network, address string) error {
	c, err := net.DialTimeout(network, address, 5*time.Second)
	if err == nil {
		c.Close()
	}
	return err
}

func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		panic(err)
	}
	return n
}

// confined runs a probe under s and returns its output and what it wrote to stderr.
func confined(t *testing.T, s Spec, probe string, args ...string) (stdout, stderr string) {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	if s.Dir == "" {
		s.Dir = t.TempDir()
	}
	if s.ParentPID == 0 {
		s.ParentPID = os.Getpid()
	}
	command := s.Command(self, args...)
	c := exec.Command(Self)
	c.Args, c.Dir, c.Env = command, s.Dir, []string{probeVariable + "=" + probe}
	var out, errors bytes.Buffer
	c.Stdout, c.Stderr = &out, &errors
	_ = c.Run() // how it ended shows
	return strings.TrimSpace(out.String()), errors.String()
}

// requireDenied runs a probe that must fail with one of these words.
func requireDenied(t *testing.T, s Spec, word, probe string, args ...string) {
	t.Helper()
	out, stderr := confined(t, s, probe, args...)
	require.Contains(t, out, word, "%s %v %s", probe, args, stderr)
}

func requireAllowed(t *testing.T, s Spec, probe string, args ...string) {
	t.Helper()
	out, stderr := confined(t, s, probe, args...)
	require.Equal(t, "ok", out, "%s %v %s", probe, args, stderr)
}

// needABI ends a test of what the kernel cannot do, after looking that the kernel is said to lack it.
func needABI(t *testing.T, abi int) bool {
	t.Helper()
	if landlockABI() >= abi {
		return true
	}
	require.NotEmpty(t, Missing(&Spec{}))
	return false
}

func TestFiles(t *testing.T) {
	if !needABI(t, 1) {
		return
	}
	outside := t.TempDir()
	secret := filepath.Join(outside, "secret")
	require.NoError(t, os.WriteFile(secret, []byte("x"), 0o644))
	for _, file := range []string{secret, "/etc/passwd", "/proc/self/environ", fmt.Sprintf("/proc/%d/environ", os.Getpid())} {
		requireDenied(t, Spec{}, "permission denied", "read", file)
	}
	requireDenied(t, Spec{}, "permission denied", "list", "/")
	requireDenied(t, Spec{}, "permission denied", "list", outside)
	requireDenied(t, Spec{}, "permission denied", "write", filepath.Join(outside, "new"))
	requireDenied(t, Spec{}, "permission denied", "write", secret)
	requireDenied(t, Spec{}, "permission denied", "run", "/bin/true")
	require.NoFileExists(t, filepath.Join(outside, "new"))

	requireAllowed(t, Spec{}, "write", "own")
	requireAllowed(t, Spec{}, "list", ".")
	requireAllowed(t, Spec{}, "rename")
	requireAllowed(t, Spec{}, "write", "/dev/null")
	requireAllowed(t, Spec{}, "read", "/etc/hosts")

	requireAllowed(t, Spec{Read: []string{outside}}, "read", secret)
	requireAllowed(t, Spec{Read: []string{secret}}, "read", secret)
	requireDenied(t, Spec{Read: []string{outside}}, "permission denied", "write", secret)
	requireAllowed(t, Spec{Write: []string{outside}}, "write", secret)
	requireDenied(t, Spec{Open: true}, "permission denied", "read", secret)
	_, stderr := confined(t, Spec{Read: []string{outside + "/gone"}}, "list", ".")
	require.Equal(t, "chaincode-exec: Landlock: stat "+outside+"/gone: no such file or directory\n", stderr)
}

func TestConnections(t *testing.T) {
	listen := func() (net.Listener, uint16) {
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		require.NoError(t, err)
		t.Cleanup(func() { l.Close() })
		return l, uint16(l.Addr().(*net.TCPAddr).Port)
	}
	peer, port := listen()
	other, otherPort := listen()
	s := Spec{Ports: []uint16{port}}
	requireAllowed(t, s, "dial", "tcp", peer.Addr().String())
	requireAllowed(t, Spec{Ports: []uint16{1, otherPort}}, "dial", "tcp", other.Addr().String())
	requireAllowed(t, Spec{Open: true}, "dial", "tcp", other.Addr().String())
	requireAllowed(t, Spec{Open: true}, "dial", "udp", other.Addr().String())
	requireAllowed(t, Spec{Open: true}, "listen")
	if needABI(t, abiTCP) {
		requireDenied(t, s, "permission denied", "dial", "tcp", other.Addr().String())
		requireDenied(t, s, "permission denied", "listen")
	}
	if !canFilter() {
		return
	}
	path := filepath.Join(t.TempDir(), "socket")
	l, err := net.Listen("unix", path)
	require.NoError(t, err)
	defer l.Close()
	requireDenied(t, s, "address family not supported", "dial", "unix", path)
	requireDenied(t, s, "address family not supported", "dial", "unix", "@abstract")
	requireDenied(t, s, "permission denied", "dial", "udp", "127.0.0.1:53")
	requireAllowed(t, Spec{Ports: []uint16{port}, Lookup: true}, "dial", "udp", "127.0.0.1:53")
	socket := func(domain, typ, protocol int) []string {
		return []string{strconv.Itoa(domain), strconv.Itoa(typ), strconv.Itoa(protocol)}
	}
	requireDenied(t, s, "protocol not supported", "socket", socket(unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_MPTCP)...)
	requireDenied(t, s, "protocol not supported", "socket", socket(unix.AF_INET6, unix.SOCK_RAW, unix.IPPROTO_ICMP)...)
	requireDenied(t, s, "address family not supported", "socket", socket(unix.AF_PACKET, unix.SOCK_RAW, 0)...)
	requireDenied(t, s, "address family not supported", "socket", socket(unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_AUDIT)...)
	requireAllowed(t, s, "socket", socket(unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_ROUTE)...)
	requireAllowed(t, s, "socket", socket(unix.AF_INET6, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, unix.IPPROTO_TCP)...)
	requireAllowed(t, s, "socketpair", strconv.Itoa(unix.SOCK_STREAM))
	requireDenied(t, s, "operation not permitted", "socketpair", strconv.Itoa(unix.SOCK_DGRAM))
	requireDenied(t, s, "operation not supported", "fastopen", strconv.Itoa(int(otherPort)))
	requireDenied(t, s, "function not implemented", "uring")
}

func TestSignals(t *testing.T) {
	if needABI(t, abiScope) {
		requireDenied(t, Spec{}, "operation not permitted", "kill", strconv.Itoa(os.Getpid()))
	}
}

func TestLimits(t *testing.T) {
	requireAllowed(t, Spec{Limits: Limits{Memory: 1 << 30}}, "allocate", "50")
	out, stderr := confined(t, Spec{Limits: Limits{Memory: 1 << 30}}, "allocate", "1500")
	require.Empty(t, out)
	require.Regexp(t, "out of memory|cannot allocate memory|failed to allocate", stderr)
	requireDenied(t, Spec{Limits: Limits{Files: 50}}, "too many open files", "open")
}

// TestProcesses needs a user that is not root, whom the kernel does not hold to a limit.
func TestProcesses(t *testing.T) {
	const limit = 40 // the threads of the program itself count
	s := Spec{Limits: Limits{Processes: limit}, Dir: t.TempDir()}
	if os.Getuid() != 0 {
		requireAllowed(t, s, "fork", "2")
		requireDenied(t, s, "resource temporarily unavailable", "fork", strconv.Itoa(limit))
		return
	}
	require.Contains(t, strings.Join(Missing(&s), " "), "root is not held to it")
	runAsAnother(t)
}

// runAsAnother runs the test that calls it under another user.
func runAsAnother(t *testing.T) {
	t.Helper()
	dir, err := os.MkdirTemp("", "confine-") // where others may come
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	const nobody = 65534
	require.NoError(t, errors.Join(os.Chmod(dir, 0o755), os.Mkdir(filepath.Join(dir, "tmp"), 0o700), os.Chown(filepath.Join(dir, "tmp"), nobody, nobody)))
	self, err := os.ReadFile("/proc/self/exe")
	require.NoError(t, err)
	binary := filepath.Join(dir, "confine.test")
	require.NoError(t, os.WriteFile(binary, self, 0o755))
	c := exec.Command(binary, "-test.run=^"+t.Name()+"$", "-test.v")
	c.Dir, c.Env = dir, append(os.Environ(), "TMPDIR="+filepath.Join(dir, "tmp"))
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, err := c.CombinedOutput()
	require.NoError(t, err, string(out))
	require.Contains(t, string(out), "--- PASS: "+t.Name())
}

func TestPrivileges(t *testing.T) {
	out, stderr := confined(t, Spec{}, "status")
	require.Contains(t, out, "capabilities [{0 0 0} {0 0 0}] death 9 no new privileges 1", stderr)
	self, err := os.Executable()
	require.NoError(t, err)
	require.Contains(t, out, self)
}

func TestTheParentMustLive(t *testing.T) {
	out, stderr := confined(t, Spec{ParentPID: 1 << 22}, "list", ".")
	require.Empty(t, out)
	require.Equal(t, "chaincode-exec: the peer, process 4194304, is gone\n", stderr)
}

func TestBadArguments(t *testing.T) {
	for _, test := range []struct {
		args []string
		want string
	}{
		{nil, "chaincode-exec: chaincode-exec is what a peer starts chaincode with; it is of no use by hand\n"},
		{[]string{"{", "/bin/true"}, "chaincode-exec: reading what the program may do: unexpected end of JSON input\n"},
	} {
		var stderr bytes.Buffer
		require.Equal(t, failed, Exec(test.args, &stderr))
		require.Equal(t, test.want, stderr.String())
	}
}

func TestMissing(t *testing.T) {
	limited := Spec{Lookup: true, Limits: Limits{Processes: 1}}
	for _, test := range []struct {
		spec          Spec
		abi           int
		filters, root bool
		want          string
	}{
		{Spec{}, 10, true, true, ""},
		{Spec{}, 6, true, false, ""},
		{limited, 10, true, false, ""},
		{Spec{}, 0, false, false, "access to files, TCP connections, signals to other processes (the kernel has no Landlock, or does not enable it at boot); " +
			"sockets other than TCP (the kernel has no seccomp filters, or there is none for this architecture)"},
		{Spec{}, 3, true, false, "TCP connections (Landlock can since Linux 6.7); signals to other processes (since Linux 6.12)"},
		{limited, 5, true, true, "signals to other processes (Landlock can since Linux 6.12); " +
			"UDP (the peer's chaincode address is a name, which is looked up in DNS; an IP address needs no UDP); " +
			"the number of processes (root is not held to it; run the peer as another user)"},
	} {
		require.Equal(t, test.want, strings.Join(test.spec.missing(test.abi, test.filters, test.root), "; "))
	}
}

func TestConnect(t *testing.T) {
	for address, want := range map[string]Spec{
		"127.0.0.1:7052": {Ports: []uint16{7052}}, "[::1]:1": {Ports: []uint16{1}}, "localhost:2": {Ports: []uint16{2}},
		"peer0.example.com:65535": {Ports: []uint16{65535}, Lookup: true},
	} {
		var s Spec
		require.NoError(t, s.Connect(address))
		require.Equal(t, want, s)
	}
	for _, address := range []string{"", "peer0", "peer0:", "peer0:65536", "peer0:-1"} {
		require.Error(t, new(Spec).Connect(address), address)
	}
}
