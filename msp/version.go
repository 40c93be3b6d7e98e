package msp

import (
	"fmt"
	"time"
)

// Version selects the rules an MSP follows. The channel's capabilities choose it; a local MSP uses V1_4_3.
type Version int

const (
	// V1_0 knows no NodeOUs.
	V1_0 Version = iota
	// V1_1 adds the client and peer NodeOUs; both must be configured.
	V1_1
	// V1_3 adds anonymity and combined principals.
	V1_3
	// V1_4_3 adds the admin and orderer NodeOUs; each of the four is optional.
	V1_4_3
)

// String returns the capability level's name, such as "v1.4.3".
func (v Version) String() string {
	switch v {
	case V1_0:
		return "v1.0"
	case V1_1:
		return "v1.1"
	case V1_3:
		return "v1.3"
	case V1_4_3:
		return "v1.4.3"
	}
	return fmt.Sprintf("Version(%d)", int(v))
}

// Option adjusts New and LoadSigner.
type Option func(*options)

type options struct {
	version Version
	now     func() time.Time
	keys    string
}

// WithVersion sets the MSP's version; the default is V1_4_3.
func WithVersion(v Version) Option { return func(o *options) { o.version = v } }

// WithKeyStore makes LoadSigner look for the private key in a folder of its own, in place of the MSP folder's keystore; an empty dir changes nothing.
func WithKeyStore(dir string) Option { return func(o *options) { o.keys = dir } }

// WithClock sets the clock that the expiry of one's own signing identity is held against; the default is time.Now.
func WithClock(now func() time.Time) Option { return func(o *options) { o.now = now } }

func settle(opts []Option) options {
	o := options{version: V1_4_3, now: time.Now}
	for _, opt := range opts {
		opt(&o)
	}
	return o
}
