package admin_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/heddleledger/heddle/acl"
	"github.com/heddleledger/heddle/admin"
	"github.com/heddleledger/heddle/internal/vectors"
	"github.com/heddleledger/heddle/logging"
	"github.com/heddleledger/heddle/msp"
	"github.com/heddleledger/heddle/policy"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/peerpb"
	"github.com/heddleledger/heddle/wire/tx"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func user(t testing.TB, org, name, mspID string) *msp.Signer {
	t.Helper()
	s, err := msp.LoadSigner(vectors.Path("fabric-1.4", "crypto", "peerOrganizations", org, "users", name+"@"+org, "msp"), mspID)
	require.NoError(t, err)
	return s
}

func request(t testing.TB, s *msp.Signer, op *peerpb.AdminOperation) *commonpb.Envelope {
	t.Helper()
	return requestWith(t, s, &commonpb.ChannelHeader{Type: int32(commonpb.HeaderType_PEER_ADMIN_OPERATION), Timestamp: timestamppb.New(now)}, op)
}

func requestWith(t testing.TB, s *msp.Signer, h *commonpb.ChannelHeader, op proto.Message) *commonpb.Envelope {
	t.Helper()
	e, err := tx.NewEnvelope(s, h, op)
	require.NoError(t, err)
	return e
}

func server(t testing.TB, own *msp.Signer) *admin.Server {
	t.Helper()
	logs, err := logging.New(t.Output(), "", "info:gossip=warn")
	require.NoError(t, err)
	check := acl.New(msp.NewManager(own.MSP()), nil)
	return admin.New(admin.Options{
		Authorize: func(d policy.SignedData) error { return check.CheckLocal(acl.Admins, d) },
		Levels:    logs, Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler),
	})
}

func TestStatusIsForAdministratorsOfThePeersOrganisation(t *testing.T) {
	administrator := user(t, "org1.example.com", "Admin", "Org1MSP")
	s := server(t, administrator)
	operation := int32(commonpb.HeaderType_PEER_ADMIN_OPERATION)
	forged := request(t, administrator, &peerpb.AdminOperation{})
	forged.Signature = request(t, administrator, &peerpb.AdminOperation{}).Signature

	for name, x := range map[string]struct {
		request *commonpb.Envelope
		want    string
	}{
		"an administrator":   {request(t, administrator, &peerpb.AdminOperation{}), ""},
		"a user":             {request(t, user(t, "org1.example.com", "User1", "Org1MSP"), &peerpb.AdminOperation{}), "access denied"},
		"another's":          {request(t, user(t, "org2.example.com", "Admin", "Org2MSP"), &peerpb.AdminOperation{}), "access denied"},
		"a forged signature": {forged, "access denied"},
		"an old request": {
			requestWith(t, administrator, &commonpb.ChannelHeader{Type: operation, Timestamp: timestamppb.New(now.Add(-16 * time.Minute))}, &peerpb.AdminOperation{}),
			"access denied",
		},
		"another type": {
			requestWith(t, administrator, &commonpb.ChannelHeader{Timestamp: timestamppb.New(now)}, &peerpb.AdminOperation{}),
			"bad request: invalid type MESSAGE, expected PEER_ADMIN_OPERATION",
		},
		"nothing": {nil, "nil envelope"},
		"no time": {requestWith(t, administrator, &commonpb.ChannelHeader{Type: operation}, &peerpb.AdminOperation{}), "empty timestamp"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, ask := range []func(context.Context, *commonpb.Envelope) (*peerpb.ServerStatus, error){s.GetStatus, s.StartServer} {
				got, err := ask(t.Context(), x.request)
				if x.want != "" {
					require.EqualError(t, err, x.want)
					continue
				}
				require.NoError(t, err)
				require.Equal(t, peerpb.ServerStatus_STARTED, got.Status)
			}
		})
	}
	for _, e := range []*commonpb.Envelope{{}, {Payload: []byte("x")}} {
		_, err := s.GetStatus(t.Context(), e)
		require.ErrorContains(t, err, "bad request")
	}
}

func TestLogLevels(t *testing.T) {
	administrator := user(t, "org1.example.com", "Admin", "Org1MSP")
	s := server(t, administrator)
	module := func(name, level string) *commonpb.Envelope {
		return request(t, administrator, &peerpb.AdminOperation{Content: &peerpb.AdminOperation_LogReq{LogReq: &peerpb.LogLevelRequest{LogModule: name, LogLevel: level}}})
	}
	whole := func(spec string) *commonpb.Envelope {
		return request(t, administrator, &peerpb.AdminOperation{Content: &peerpb.AdminOperation_LogSpecReq{LogSpecReq: &peerpb.LogSpecRequest{LogSpec: spec}}})
	}
	spec := func() string {
		t.Helper()
		got, err := s.GetLogSpec(t.Context(), request(t, administrator, &peerpb.AdminOperation{}))
		require.NoError(t, err)
		return got.LogSpec
	}

	level, err := s.GetModuleLogLevel(t.Context(), module("gossip.state", ""))
	require.NoError(t, err)
	require.Equal(t, "WARN", level.LogLevel)

	level, err = s.SetModuleLogLevel(t.Context(), module("lscc", "debug"))
	require.NoError(t, err)
	require.Equal(t, "DEBUG", level.LogLevel)
	require.Equal(t, "gossip=warn:lscc=debug:info", spec())

	_, err = s.SetModuleLogLevel(t.Context(), module("lscc", "loud"))
	require.ErrorContains(t, err, "error setting log spec to 'gossip=warn:lscc=debug:info:lscc=loud': invalid logging specification")

	set, err := s.SetLogSpec(t.Context(), whole("error"))
	require.NoError(t, err)
	require.Empty(t, set.Error)
	require.Equal(t, "error", spec())

	set, err = s.SetLogSpec(t.Context(), whole("loud"))
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(set.Error, "invalid logging specification 'loud'"), set.Error)

	_, err = s.RevertLogLevels(t.Context(), request(t, administrator, &peerpb.AdminOperation{}))
	require.NoError(t, err)
	require.Equal(t, "gossip=warn:info", spec())

	for _, ask := range []func() error{
		func() error { _, err := s.GetModuleLogLevel(t.Context(), whole("info")); return err },
		func() error { _, err := s.SetModuleLogLevel(t.Context(), whole("info")); return err },
		func() error { _, err := s.SetLogSpec(t.Context(), module("lscc", "info")); return err },
	} {
		require.EqualError(t, ask(), "request is nil")
	}
}
