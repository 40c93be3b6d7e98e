// Package runtime starts and stops chaincode.
//
// A Runtime turns a Launch (an installed package and what its process must know) into a running Instance. Process builds the package and
// runs it as a child of the peer; InProcess runs chaincode compiled into the peer. In development mode the peer has no runtime.
// A container runtime is one more implementation of the same interface: Launch.Env and Launch.Files are what goes into the container.
//
// Process confines what it runs, if told to: see package confine.
//
// Invariants: Start returns once the chaincode runs, not once it has registered, and its context bounds starting alone; an instance ends by
// itself or by Stop and says once, on Wait, how; whoever started an instance must stop it. Nothing of the peer's environment, no open
// file and no key reaches a child process except what its Launch names; a child dies with the peer (on Linux, however the peer dies), and so does
// what it has started, if it is known to start the chaincode (Executable.Launcher).
package runtime

import (
	"context"
	"encoding/base64"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/heddleledger/heddle/chaincode/pack"
)

// Runtime starts chaincode.
type Runtime interface {
	// Start builds the package if needed and starts it. ctx bounds that, not the life of the instance.
	Start(ctx context.Context, l Launch) (Instance, error)
}

// Instance is one running chaincode.
type Instance interface {
	// Wait returns the channel on which the instance's end is told, once; then it is closed.
	Wait() <-chan Exit
	// Stop ends the instance and all it started, first kindly, then not, and at once not when ctx is done. It returns when it is over.
	Stop(ctx context.Context) error
}

// Talkative is an Instance whose last output can be had while it runs.
type Talkative interface {
	// LastLines are the last of those that it wrote after a time.
	LastLines(after time.Time) []string
}

// Exit says how an instance ended.
type Exit struct {
	Code   int      // exit status; 128 + n if signal n killed it
	Err    error    // what kept the runtime from learning the status, or what an in-process chaincode returned
	Stderr []string // its last lines
}

// String begins as Fabric's text does.
func (e Exit) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "container exited with %d", e.Code)
	if e.Err != nil {
		fmt.Fprintf(&b, ": %s", e.Err)
	}
	if len(e.Stderr) > 0 {
		fmt.Fprintf(&b, "; its last lines: %s", strings.Join(e.Stderr, " | "))
	}
	return b.String()
}

// Launch is what a runtime must know to start a chaincode.
type Launch struct {
	Name, Version string
	Package       *pack.Package // nil for chaincode that has none
	PeerAddress   string        // host:port of the peer's chaincode listener
	TLS           *TLS          // nil if that listener speaks plain text
	Env           []string      // further variables of the chaincode's environment, "KEY=value"
}

// TLS is what a chaincode needs to speak to its peer, all PEM.
type TLS struct {
	Cert, Key []byte // the chaincode's own; the peer knows the chaincode by it
	Root      []byte // of the peer's chaincode listener
}

// ID is the name the chaincode registers under, "name:version".
func (l *Launch) ID() string { return l.Name + ":" + l.Version }

// Names of the files a chaincode finds its TLS material in. The shims of 1.4 read the base64 forms.
const (
	keyBase64File  = "client.key"
	certBase64File = "client.crt"
	keyFile        = "client_pem.key"
	certFile       = "client_pem.crt"
	rootFile       = "peer.crt"
)

// Files are the files to put in a directory of the chaincode's own before it starts.
func (l *Launch) Files() map[string][]byte {
	if l.TLS == nil {
		return nil
	}
	encode := func(pem []byte) []byte { return []byte(base64.StdEncoding.EncodeToString(pem)) }
	return map[string][]byte{
		keyBase64File: encode(l.TLS.Key), certBase64File: encode(l.TLS.Cert),
		keyFile: l.TLS.Key, certFile: l.TLS.Cert,
		rootFile: l.TLS.Root,
	}
}

// Environment is the chaincode's environment as far as the peer determines it, dir being where Files are.
func (l *Launch) Environment(dir string) []string {
	env := append([]string{"CORE_CHAINCODE_ID_NAME=" + l.ID()}, l.Env...)
	if l.TLS == nil {
		return append(env, "CORE_PEER_TLS_ENABLED=false")
	}
	return append(env,
		"CORE_PEER_TLS_ENABLED=true",
		"CORE_TLS_CLIENT_KEY_PATH="+filepath.Join(dir, keyBase64File),
		"CORE_TLS_CLIENT_CERT_PATH="+filepath.Join(dir, certBase64File),
		"CORE_TLS_CLIENT_KEY_FILE="+filepath.Join(dir, keyFile),
		"CORE_TLS_CLIENT_CERT_FILE="+filepath.Join(dir, certFile),
		"CORE_PEER_TLS_ROOTCERT_FILE="+filepath.Join(dir, rootFile),
	)
}
