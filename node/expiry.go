package node

import (
	"context"
	"crypto/tls"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/heddleledger/heddle/comm"
	"github.com/heddleledger/heddle/msp"
)

// warning is how long before a certificate's end the log begins to warn of it.
const warning = 7 * 24 * time.Hour

// certificates are the ends of a node's own certificates, by what they are for. server and client may be nil.
func certificates(signer *msp.Signer, server *comm.ServerTLS, client *tls.Certificate) map[string]time.Time {
	ends := map[string]time.Time{"enrollment": signer.Identity().ExpiresAt()}
	if server != nil {
		ends["server TLS"] = server.Certificate.Leaf.NotAfter
	}
	if client != nil {
		ends["client TLS"] = client.Leaf.NotAfter
	}
	return ends
}

// warnOfExpiry logs when the node's certificates end, and warns a week before the first of them does, should the node still run then.
func warnOfExpiry(ctx context.Context, g *errgroup.Group, log *slog.Logger, now time.Time, ends map[string]time.Time) {
	for role, end := range ends {
		left := end.Sub(now)
		switch {
		case left < 0:
			log.Warn("The "+role+" certificate has expired", "at", end)
			continue
		case left < warning:
			log.Warn("The "+role+" certificate will expire within one week; replace it and start the node again", "at", end)
			continue
		}
		log.Info("The "+role+" certificate will expire", "at", end)
		g.Go(func() error {
			due := time.NewTimer(left - warning)
			defer due.Stop()
			select {
			case <-ctx.Done():
			case <-due.C:
				log.Warn("The "+role+" certificate will expire within one week; replace it and start the node again", "at", end)
			}
			return nil
		})
	}
}
