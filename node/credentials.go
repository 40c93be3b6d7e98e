package node

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/heddleledger/heddle/comm"
	"github.com/heddleledger/heddle/logging"
	"github.com/heddleledger/heddle/msp"
	"github.com/heddleledger/heddle/wire/tx"
)

// week is how long before a certificate's end warnings begin, as in Fabric.
const week = 7 * 24 * time.Hour

// lookEvery is how often a node looks whether its certificates have been renewed.
const lookEvery = time.Second

// credentials are a node's certificates with their keys. To renew one, its files are replaced: the node takes the new ones into use with the next
// handshake or signature. What is broken, or does not belong to this node, is told and not taken; the node goes on with what it has.
type credentials struct {
	log     *slog.Logger
	now     func() time.Time
	warning time.Duration // how long before a certificate's end the log begins to warn of it, once a day
	all     []*credential
}

func newCredentials(logs *logging.Logs, warning time.Duration) *credentials {
	return &credentials{log: logs.Named("certmonitor"), now: time.Now, warning: warning}
}

// start looks after the credentials until ctx ends, and measures them.
func (c *credentials) start(ctx context.Context, g *errgroup.Group, r prometheus.Registerer) {
	r.MustRegister(c)
	g.Go(func() error {
		c.keep(ctx)
		return nil
	})
}

// credential is a certificate with its key.
type credential struct {
	role  string                    // for people, as in "server TLS"
	paths []string                  // of its files, or of folders whose files count
	load  func() (time.Time, error) // takes the files' present contents into use, or on an error leaves what is in use; tells when that ends
	end   atomic.Int64              // of its validity, Unix seconds

	loaded, seen digest    // what the files held when they were loaded last, and at the last look
	warned       time.Time // of its end, last
}

// digest is the hash of what files hold.
type digest [sha256.Size]byte

// add loads a credential for the first time.
func (c *credentials) add(role string, load func() (time.Time, error), paths ...string) error {
	n := &credential{role: role, load: load, paths: paths}
	n.loaded = n.contents()
	n.seen = n.loaded
	end, err := load()
	if err != nil {
		return err
	}
	n.end.Store(end.Unix())
	c.all = append(c.all, n)
	return nil
}

// addTLS loads a certificate for TLS from its files.
func (c *credentials) addTLS(role, cert, key string) (*comm.Certificate, error) {
	var current *comm.Certificate
	err := c.add(role, func() (time.Time, error) {
		pair, err := loadPair(cert, key)
		if err != nil {
			return time.Time{}, err
		}
		end := pair.Leaf.NotAfter
		switch {
		case current == nil:
			current = comm.NewCertificate(*pair)
		case end.Before(c.now()):
			return time.Time{}, fmt.Errorf("the TLS certificate %s expired at %s", cert, end)
		default:
			current.Set(*pair)
		}
		return end, nil
	}, cert, key)
	return current, err
}

// identity is the node's own, with which it signs.
type identity struct {
	local   *msp.Manager // of the node's own MSP, as it was at the start
	current atomic.Pointer[msp.Signer]
}

// signer is the identity to make one message with.
func (i *identity) signer() tx.Signer { return i.current.Load() }

// addIdentity loads the node's identity from an MSP folder. What follows the first must be valid under the MSP that the node has started with.
// keys is the folder of its private key; empty: that of the MSP folder.
func (c *credentials) addIdentity(dir, mspID, keys string) (*identity, error) {
	i := &identity{}
	err := c.add("enrollment", func() (time.Time, error) {
		s, err := msp.LoadSigner(dir, mspID, msp.WithKeyStore(keys))
		if err != nil {
			return time.Time{}, err
		}
		if i.local == nil {
			i.local = msp.NewManager(s.MSP())
		} else if err := i.knows(s); err != nil {
			return time.Time{}, err
		}
		i.current.Store(s)
		return s.Identity().ExpiresAt(), nil
	}, filepath.Join(dir, "signcerts"), filepath.Join(dir, "keystore"), keys)
	return i, err
}

func (i *identity) knows(s *msp.Signer) error {
	id, err := i.local.Identity(s.Creator())
	if err == nil {
		err = i.local.Validate(id)
	}
	if err != nil {
		return fmt.Errorf("the new identity is not one of the MSP that the node has started with: %w", err)
	}
	return nil
}

// keep looks after the credentials until ctx ends.
func (c *credentials) keep(ctx context.Context) {
	for _, n := range c.all {
		c.log.Info("The "+n.role+" certificate will expire", "at", n.expiry())
	}
	clock := time.NewTicker(lookEvery)
	defer clock.Stop()
	for {
		c.look()
		select {
		case <-ctx.Done():
			return
		case <-clock.C:
		}
	}
}

// look takes what has been renewed into use, and warns of what ends.
func (c *credentials) look() {
	for _, n := range c.all {
		now := n.contents()
		// Certificate and key are replaced one after the other: they are loaded when nothing has changed between two looks.
		if now != n.loaded && now == n.seen {
			n.loaded = now
			c.renew(n)
		}
		n.seen = now
		c.warn(n)
	}
}

func (c *credentials) renew(n *credential) {
	end, err := n.load()
	if err != nil {
		c.log.Error("The "+n.role+" certificate or its key has been replaced by one that cannot be used; the node goes on with the one it has", "error", err)
		return
	}
	n.end.Store(end.Unix())
	n.warned = time.Time{}
	c.log.Info("The "+n.role+" certificate has been renewed", "expires", end)
}

func (c *credentials) warn(n *credential) {
	now := c.now()
	left := n.expiry().Sub(now)
	if left >= c.warning || now.Sub(n.warned) < 24*time.Hour {
		return
	}
	n.warned = now
	if left < 0 {
		c.log.Warn("The "+n.role+" certificate has expired", "at", n.expiry())
		return
	}
	days, hours := int(left.Hours())/24, int(left.Hours())%24
	c.log.Warn(fmt.Sprintf("The %s certificate expires within %d days and %d hours; replace its files, no restart is needed", n.role, days, hours), "at", n.expiry())
}

func (n *credential) expiry() time.Time { return time.Unix(n.end.Load(), 0).UTC() }

// maxCredential is the most that is read of one file, in bytes.
const maxCredential = 1 << 20

// contents is the hash of all the files' names and contents. A file that cannot be read counts as empty: loading it tells why.
func (n *credential) contents() (sum digest) {
	h := sha256.New()
	for _, path := range n.paths {
		files := []string{path}
		if entries, err := os.ReadDir(path); err == nil {
			files = nil
			for _, e := range entries {
				files = append(files, filepath.Join(path, e.Name()))
			}
		}
		for _, file := range files {
			fmt.Fprintf(h, "%s\x00", file)
			if f, err := os.Open(file); err == nil {
				_, _ = io.Copy(h, io.LimitReader(f, maxCredential))
				f.Close()
			}
		}
	}
	h.Sum(sum[:0])
	return sum
}

var remaining = prometheus.NewDesc("heddle_certificate_remaining_seconds",
	"Seconds until the certificate expires; negative if it has. The role is enrollment, server TLS, client TLS or operations TLS.", []string{"role"}, nil)

// Describe and Collect make the credentials a metric.
func (c *credentials) Describe(to chan<- *prometheus.Desc) { to <- remaining }

func (c *credentials) Collect(to chan<- prometheus.Metric) {
	for _, n := range c.all {
		to <- prometheus.MustNewConstMetric(remaining, prometheus.GaugeValue, n.expiry().Sub(c.now()).Seconds(), n.role)
	}
}

func loadPair(cert, key string) (*tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("loading the TLS certificate %s and key %s: %w", cert, key, err)
	}
	return &pair, nil
}
