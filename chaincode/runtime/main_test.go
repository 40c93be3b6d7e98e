package runtime_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/heddleledger/heddle/chaincode/confine"
	"github.com/heddleledger/heddle/chaincode/pack"
	"github.com/heddleledger/heddle/chaincode/runtime"
)

// modeVariable makes this test binary play a chaincode process.
const modeVariable = "TEST_CHAINCODE_MODE"

// confinedVariable makes the mode "peer" confine, launcherVariable start a launcher.
const (
	confinedVariable = "TEST_CONFINED"
	launcherVariable = "TEST_LAUNCHER"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == confine.Verb {
		os.Exit(confine.Exec(os.Args[2:], os.Stderr))
	}
	if mode := os.Getenv(modeVariable); mode != "" {
		os.Exit(play(mode))
	}
	goleak.VerifyTestMain(m)
}

func play(mode string) int {
	switch mode {
	case "talk":
		fmt.Println("to stdout")
		fmt.Fprintln(os.Stderr, "to stderr")
		fmt.Fprint(os.Stderr, "no newline")
		return 3
	case "chatter":
		fmt.Fprintln(os.Stderr, "panic: it was here")
		for i := range 100 {
			fmt.Fprintln(os.Stderr, "line", i)
		}
		return 0
	case "look":
		dir, _ := os.Getwd()
		fmt.Println("dir", dir)
		fmt.Println("args", strings.Join(os.Args[1:], " "))
		for _, v := range os.Environ() {
			fmt.Println("env", v)
		}
		files, _ := os.ReadDir(".")
		for _, f := range files {
			info, _ := f.Info()
			fmt.Println("file", f.Name(), info.Mode())
		}
		fds, _ := os.ReadDir("/proc/self/fd")
		for _, f := range fds {
			fd, _ := strconv.Atoi(f.Name())
			flags, _, _ := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_GETFD, 0)
			if fd > 2 && flags&syscall.FD_CLOEXEC == 0 { // what this process opened has the flag
				fmt.Println("inherited", f.Name())
			}
		}
	case "kind":
		term := make(chan os.Signal, 1)
		signal.Notify(term, syscall.SIGTERM)
		fmt.Fprintln(os.Stderr, "started")
		<-term
		fmt.Fprintln(os.Stderr, "told to stop")
		return 7
	case "stubborn":
		signal.Ignore(syscall.SIGTERM)
		fmt.Fprintln(os.Stderr, "started", os.Getpid())
		time.Sleep(time.Minute)
	case "family": // leaves a child behind that holds the output open
		c := exec.Command(os.Args[0])
		c.Env = append(os.Environ(), modeVariable+"=stubborn")
		c.Stdout, c.Stderr = os.Stdout, os.Stderr
		if err := c.Start(); err != nil {
			return 1
		}
		time.Sleep(200 * time.Millisecond)
		return 0
	case "pry":
		_, err := os.ReadFile("/etc/passwd")
		fmt.Println(err)
		fmt.Println(os.ReadFile("/etc/hostname")) // what the test says is part of the toolchain
		fmt.Println(os.WriteFile("own", nil, 0o600))
	case "launcher": // starts a chaincode that leaves its process group
		c := exec.Command(os.Args[0])
		c.Env = append(os.Environ(), modeVariable+"=stubborn")
		c.Stdout, c.Stderr = os.Stdout, os.Stderr
		c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		if err := c.Run(); err != nil {
			return 1
		}
	case "peer": // a peer that starts a chaincode and is killed
		p := &runtime.Process{Build: itself, Dir: os.TempDir(), Log: slog.New(slog.NewTextHandler(os.Stdout, nil))}
		if os.Getenv(confinedVariable) != "" {
			p.Limits = &confine.Limits{}
		}
		mode := "stubborn"
		if os.Getenv(launcherVariable) != "" {
			mode, p.Command = "launcher", launcher
		}
		if _, err := p.Start(context.Background(), launch(mode)); err != nil {
			return 1
		}
		time.Sleep(time.Minute)
	}
	return 0
}

func itself(context.Context, *pack.Package) (string, error) { return os.Executable() }

// launcher starts this test binary as a program that starts the chaincode.
func launcher(_ *pack.Package, built, address string) (runtime.Executable, error) {
	return runtime.Executable{Path: built, Args: []string{"-peer.address=" + address}, Launcher: true}, nil
}

func launch(mode string) runtime.Launch {
	return runtime.Launch{
		Name: "kv", Version: "1.0", Package: &pack.Package{CodeHash: []byte("code")},
		PeerAddress: "127.0.0.1:7052", Env: []string{modeVariable + "=" + mode},
	}
}
