// Package comm makes the gRPC servers and client connections that peers, orderers and clients talk over.
//
// It fixes, in one place, what Fabric fixes: messages of up to 100 MB, keepalive times, TLS 1.2 or later with optional client
// authentication, and the binding of a signed request to the TLS certificate it came with.
//
// Invariants: the set of client CAs is replaced as a whole and takes effect with the next handshake (Roots); a handler that panics
// ends its own call and nothing else; a service with a limit never runs more calls at once than the limit says.
package comm

import "time"

// MaxMessageSize bounds a gRPC message in both directions, in bytes, unless told otherwise.
const MaxMessageSize = 100 * 1024 * 1024

func messageSize(configured int) int {
	if configured == 0 {
		return MaxMessageSize
	}
	return configured
}

// How many bytes may be on their way, or wait to be read: to a server on one call, to a client on one call, and on one connection (where gRPC
// does not wait for the reader). gRPC would otherwise find out what the network needs by a ping, and its answer, for nearly every message.
const (
	serverWindow = 1 << 20
	clientWindow = 4 << 20
	connWindow   = 16 << 20
)

// Keepalive times of a server, Fabric's General.Keepalive and peer.keepalive. Zero fields take the defaults.
type Keepalive struct {
	MinInterval time.Duration // a client that pings more often is disconnected; 1 min
	Interval    time.Duration // the server pings a silent client after this; 2 h
	Timeout     time.Duration // and closes the connection when no answer came for this long; 20 s
}

func (k Keepalive) orDefaults() Keepalive {
	if k.MinInterval == 0 {
		k.MinInterval = time.Minute
	}
	if k.Interval == 0 {
		k.Interval = 2 * time.Hour
	}
	if k.Timeout == 0 {
		k.Timeout = 20 * time.Second
	}
	return k
}
