package endorser_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/endorser"
	"github.com/heddleledger/heddle/plugin"
)

// TestStrangersAreLogged: each stranger's proposal is one line in the log. How the certificate fails, which costs signature checks, is found out
// for some of them in a second.
func TestStrangersAreLogged(t *testing.T) {
	var log bytes.Buffer
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	p := newEmptyPeer(t, func(o *endorser.Options) {
		o.Log, o.Now, o.Filters = slog.New(slog.NewTextHandler(&log, nil)), func() time.Time { return now }, nil
	})
	rogue := newOutsider(t, "crypto-extra/unknown-ca-client/keystore/priv_sk", "crypto-extra/unknown-ca-client/signcerts/cert.pem")
	for range 2 {
		log.Reset()
		for range 20 {
			_, err := p.ProcessProposal(t.Context(), newOdd(rogue, "kv", "get", "a").Build(t))
			require.EqualError(t, err, "rpc error: code = Unknown desc = access denied: channel [mychannel] creator org [Org1MSP]")
		}
		require.Equal(t, 20, strings.Count(log.String(), "\n"))
		require.Equal(t, 20, strings.Count(log.String(), `msg="Creator of a proposal is not accepted" channel=mychannel txid=`))
		require.Equal(t, 20, strings.Count(log.String(), `reason="MSP error: `))
		require.Equal(t, 5, strings.Count(log.String(), "CA of Org1MSP"), log.String())
		now = now.Add(time.Second)
	}
}

// refuseAll is an auth filter.
type refuseAll struct{}

func (refuseAll) Check(context.Context, *plugin.AuthRequest) error { return errors.New("not today") }

// TestFiltersRefusalIsLogged: it is no word about the creator, and said once.
func TestFiltersRefusalIsLogged(t *testing.T) {
	var log bytes.Buffer
	p := newEmptyPeer(t, func(o *endorser.Options) {
		o.Log, o.Filters = slog.New(slog.NewTextHandler(&log, nil)), []plugin.AuthFilter{refuseAll{}}
	})
	_, err := p.ProcessProposal(t.Context(), newOdd(orgUser(t, "User1"), "kv", "get", "a").Build(t))
	require.ErrorContains(t, err, "not today")
	require.Equal(t, 1, strings.Count(log.String(), "\n"))
	require.Contains(t, log.String(), `msg="Proposal refused" channel=mychannel`)
	require.NotContains(t, log.String(), "Creator")
}
