package orderer_test

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/internal/vectors"
	"github.com/heddleledger/heddle/msp"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/msppb"
	"github.com/heddleledger/heddle/wire/ordererpb"
	"github.com/heddleledger/heddle/wire/tx"
)

// as is a signer that claims to be someone else.
type as struct {
	tx.Signer
	creator []byte
}

func (a as) Creator() []byte { return a.creator }

// bare is an identity that no MSP would load.
type bare struct {
	key     *ecdsa.PrivateKey
	creator []byte
}

func extra(t testing.TB, name string) bare {
	key, err := msp.ParseKey(vectors.Read(t, "fabric-1.4", "crypto-extra", name, "keystore", "priv_sk"))
	require.NoError(t, err)
	cert := vectors.Read(t, "fabric-1.4", "crypto-extra", name, "signcerts", "cert.pem")
	return bare{key, wire.MustMarshal(&msppb.SerializedIdentity{Mspid: "Org1MSP", IdBytes: cert})}
}

func (b bare) Creator() []byte { return b.creator }

func (b bare) Sign(msg []byte) ([]byte, error) {
	digest := sha256.Sum256(msg)
	return msp.SignDigest(b.key, digest[:])
}

const noWriter = "implicit policy evaluation failed - 0 sub-policies were satisfied, but this policy requires 1 of the 'Writers' sub-policies to be satisfied: permission denied"

// TestAnswers are the Broadcast cases of real Fabric 1.4.12: what it accepts, and the status and text of what it refuses.
func TestAnswers(t *testing.T) {
	each(t, func(t *testing.T, kind string) {
		n := newSetup(t, kind).start(t)
		n.createChannel("mychannel")
		client, admin1, admin2 := user(t, "Org1MSP", "User1"), user(t, "Org1MSP", "Admin"), user(t, "Org2MSP", "Admin")
		peer := signer(t, "Org1MSP", "crypto", "peerOrganizations", "org1.example.com", "peers", "peer0.org1.example.com")
		stranger, expired := extra(t, "unknown-ca-client"), extra(t, "expired-client")
		elsewhere := as{client, wire.MustMarshal(&msppb.SerializedIdentity{Mspid: "Org9MSP", IdBytes: client.Identity().Serialized()})}
		valid := transaction(t, client, "mychannel", "data")
		spoiled := proto.CloneOf(valid)
		spoiled.Signature[len(spoiled.Signature)-1] ^= 1
		unsigned := &commonpb.Envelope{Payload: valid.Payload}
		typed := func(kind commonpb.HeaderType, data string) *commonpb.Envelope {
			return message(t, client, kind, "mychannel", []byte(data))
		}
		garbageUpdate := signedUpdate(t, "mychannel", []byte("\x0a\x03\xff\xff\xff"), admin1)

		for _, c := range []struct {
			name   string
			env    *commonpb.Envelope
			status commonpb.Status
			info   string // exact; with a trailing … only its beginning
		}{
			{"valid", valid, commonpb.Status_SUCCESS, ""},
			{"same envelope again", valid, commonpb.Status_SUCCESS, ""},
			{"empty envelope", &commonpb.Envelope{}, commonpb.Status_BAD_REQUEST, "could not determine channel ID: header not set"},
			{"garbage payload", &commonpb.Envelope{Payload: []byte("garbage")}, commonpb.Status_BAD_REQUEST, "could not determine channel ID: error unmarshaling Payload: …"},
			{"payload no header", &commonpb.Envelope{Payload: wire.MustMarshal(&commonpb.Payload{Data: []byte("x")})}, commonpb.Status_BAD_REQUEST, "could not determine channel ID: header not set"},
			{"no channel header", &commonpb.Envelope{Payload: wire.MustMarshal(&commonpb.Payload{Header: &commonpb.Header{SignatureHeader: []byte{}}})}, commonpb.Status_BAD_REQUEST, "could not determine channel ID: channel header not set"},
			{"bad signature", spoiled, commonpb.Status_FORBIDDEN, noWriter},
			{"no signature", unsigned, commonpb.Status_FORBIDDEN, noWriter},
			{"unknown channel", transaction(t, client, "nochannel", "data"), commonpb.Status_NOT_FOUND, "channel does not exist"},
			{"creator from another CA", transaction(t, stranger, "mychannel", "data"), commonpb.Status_FORBIDDEN, noWriter},
			{"creator unknown MSP", transaction(t, elsewhere, "mychannel", "data"), commonpb.Status_FORBIDDEN, noWriter},
			{"garbage creator", transaction(t, as{client, []byte("garbage")}, "mychannel", "data"), commonpb.Status_FORBIDDEN, noWriter},
			{"creator is a peer", transaction(t, peer, "mychannel", "data"), commonpb.Status_FORBIDDEN, noWriter},
			{"creator is orderer admin", transaction(t, ordererAdmin(t), "mychannel", "data"), commonpb.Status_SUCCESS, ""},
			{"expired creator", transaction(t, expired, "mychannel", "data"), commonpb.Status_BAD_REQUEST, "identity expired"},
			{"type 99", typed(99, "data"), commonpb.Status_SUCCESS, ""},
			{"type MESSAGE", typed(commonpb.HeaderType_MESSAGE, "data"), commonpb.Status_SUCCESS, ""},
			{"type CONFIG", typed(commonpb.HeaderType_CONFIG, "data"), commonpb.Status_BAD_REQUEST, "message is of type that cannot be processed directly"},
			{"type ORDERER_TRANSACTION", typed(commonpb.HeaderType_ORDERER_TRANSACTION, "data"), commonpb.Status_BAD_REQUEST, "message is of type that cannot be processed directly"},
			{"CONFIG_UPDATE of garbage", typed(commonpb.HeaderType_CONFIG_UPDATE, "\x0a\x7fgarbage"), commonpb.Status_BAD_REQUEST,
				"error applying config update to existing channel 'mychannel': error converting envelope to config update: error unmarshaling message for type CONFIG_UPDATE: …"},
			{"garbage update", garbageUpdate, commonpb.Status_BAD_REQUEST, "error applying config update to existing channel 'mychannel': error authorizing update: …"},
			{"garbage data", typed(commonpb.HeaderType_ENDORSER_TRANSACTION, "\xff\xff"), commonpb.Status_SUCCESS, ""},
			{"empty data", typed(commonpb.HeaderType_ENDORSER_TRANSACTION, ""), commonpb.Status_SUCCESS, ""},
			{"epoch 1", message(t, client, commonpb.HeaderType_ENDORSER_TRANSACTION, "mychannel", nil, func(h *commonpb.ChannelHeader) { h.Epoch = 1 }), commonpb.Status_SUCCESS, ""},
			{"timestamp 1h old", message(t, client, commonpb.HeaderType_ENDORSER_TRANSACTION, "mychannel", nil, func(h *commonpb.ChannelHeader) { h.Timestamp.Seconds -= 3600 }), commonpb.Status_SUCCESS, ""},
			{"larger than AbsoluteMaxBytes", transaction(t, client, "mychannel", strings.Repeat("x", 11<<20)), commonpb.Status_BAD_REQUEST, "message payload is …"},

			{"channel create: the channel exists", creation(t, "mychannel", admin1, admin2), commonpb.Status_BAD_REQUEST,
				"error applying config update to existing channel 'mychannel': error authorizing update: error validating ReadSet: …"},
			{"channel create: bad channel id", creation(t, "Bad_Channel", admin1, admin2), commonpb.Status_BAD_REQUEST,
				"initializing configtx manager failed: bad channel ID: channel ID 'Bad_Channel' contains illegal characters"},
			{"channel create by a client", creation(t, "newone", client), commonpb.Status_BAD_REQUEST,
				"error validating channel creation transaction for new channel 'newone', could not succesfully apply update to template configuration: error authorizing update: error validating DeltaSet: policy for [Group]  /Channel/Application not satisfied: implicit policy evaluation failed - 0 sub-policies were satisfied, but this policy requires 1 of the 'Admins' sub-policies to be satisfied"},
			{"channel update as a non-admin", n.reconfigure("mychannel", anchors("Org1MSP"), client), commonpb.Status_BAD_REQUEST,
				"error applying config update to existing channel 'mychannel': error authorizing update: error validating DeltaSet: policy for [Group]  /Channel/Application/Org1MSP not satisfied: signature set did not satisfy policy"},
			{"channel update by an admin of another organization", n.reconfigure("mychannel", anchors("Org1MSP"), admin2), commonpb.Status_BAD_REQUEST,
				"error applying config update to existing channel 'mychannel': error authorizing update: error validating DeltaSet: policy for [Group]  /Channel/Application/Org1MSP not satisfied: signature set did not satisfy policy"},
		} {
			r := n.broadcast(c.env)
			require.Equal(t, c.status, r.Status, "%s: %s", c.name, r.Info)
			if want, cut := strings.CutSuffix(c.info, "…"); cut {
				require.True(t, strings.HasPrefix(r.Info, want), "%s: %s", c.name, r.Info)
			} else {
				require.Equal(t, want, r.Info, c.name)
			}
		}
	})
}

// anchors gives an organization an anchor peer: a change only its own admins may make.
func anchors(org string) func(*commonpb.ConfigGroup) {
	return func(root *commonpb.ConfigGroup) {
		root.Groups["Application"].Groups[org].Values["AnchorPeers"] = &commonpb.ConfigValue{ModPolicy: "Admins", Value: []byte{}}
	}
}

// TestEndOfStream: after a refusal the server ends the stream.
func TestEndOfStream(t *testing.T) {
	n := newSetup(t, "solo").start(t)
	n.createChannel("mychannel")
	client := user(t, "Org1MSP", "User1")
	stream, err := ordererpb.NewAtomicBroadcastClient(n.conn).Broadcast(t.Context())
	require.NoError(t, err)
	for range 3 {
		require.NoError(t, stream.Send(transaction(t, client, "mychannel", "data")))
		r, err := stream.Recv()
		require.NoError(t, err)
		require.Equal(t, commonpb.Status_SUCCESS, r.Status)
	}
	require.NoError(t, stream.Send(&commonpb.Envelope{}))
	r, err := stream.Recv()
	require.NoError(t, err)
	require.Equal(t, commonpb.Status_BAD_REQUEST, r.Status)
	_, err = stream.Recv()
	require.EqualError(t, err, "EOF")
}

// TestExpiredIdentityMayPass: General.Authentication.NoExpirationChecks.
func TestExpiredIdentityMayPass(t *testing.T) {
	s := newSetup(t, "solo")
	s.noExpiry = true
	n := s.start(t)
	n.createChannel("mychannel")
	r := n.broadcast(transaction(t, extra(t, "expired-client"), "mychannel", "data"))
	require.Equal(t, commonpb.Status_FORBIDDEN, r.Status, "its MSP does not think it valid, but that is said by the policy: %s", r.Info)
}

// TestExpirationIsACapability: an ordering service that has not been raised to V1_1 does not look at expiry.
func TestExpirationIsACapability(t *testing.T) {
	n := newSetup(t, "solo", func(root *commonpb.ConfigGroup) {
		delete(root.Values, "Capabilities") // none without the orderers'
		delete(root.Groups["Orderer"].Values, "Capabilities")
	}).start(t)
	r := n.broadcast(transaction(t, extra(t, "expired-client"), n.registry.SystemChannelID(), "data"))
	require.Equal(t, commonpb.Status_FORBIDDEN, r.Status, r.Info)
}

// TestMaintenance: in maintenance mode only the orderers' own administration passes.
func TestMaintenance(t *testing.T) {
	each(t, func(t *testing.T, kind string) {
		n := newSetup(t, kind).start(t)
		n.createChannel("mychannel")
		client, admin := user(t, "Org1MSP", "User1"), ordererAdmin(t)
		state := func(s ordererpb.ConsensusType_State) func(*commonpb.ConfigGroup) {
			return func(root *commonpb.ConfigGroup) {
				v := root.Groups["Orderer"].Values["ConsensusType"]
				c := &ordererpb.ConsensusType{}
				require.NoError(t, proto.Unmarshal(v.Value, c))
				c.State = s
				v.Value = wire.MustMarshal(c)
			}
		}
		both := func(root *commonpb.ConfigGroup) {
			state(ordererpb.ConsensusType_STATE_MAINTENANCE)(root)
			setBatch(1, 1, "1s")(root)
		}
		r := n.broadcast(n.reconfigure("mychannel", both, admin))
		require.Equal(t, commonpb.Status_BAD_REQUEST, r.Status)
		require.Equal(t, "config update for existing channel did not pass maintenance checks: config transaction inspection failed: config update contain more then just the ConsensusType value in the Orderer group", r.Info)

		n.accepted(n.reconfigure("mychannel", state(ordererpb.ConsensusType_STATE_MAINTENANCE), admin))
		n.waitHeight("mychannel", 2)
		r = n.broadcast(transaction(t, client, "mychannel", "data"))
		require.Equal(t, commonpb.Status_SERVICE_UNAVAILABLE, r.Status)
		require.Equal(t, "normal transactions are rejected: maintenance mode", r.Info)
		r = n.broadcast(n.reconfigure("mychannel", anchors("Org1MSP"), user(t, "Org1MSP", "Admin")))
		require.Equal(t, commonpb.Status_FORBIDDEN, r.Status, "only orderers may write now: %s", r.Info)

		n.accepted(n.reconfigure("mychannel", state(ordererpb.ConsensusType_STATE_NORMAL), admin))
		n.waitHeight("mychannel", 3)
		n.accepted(transaction(t, client, "mychannel", "data"))
		n.waitHeight("mychannel", 4)

		system := n.registry.SystemChannelID()
		n.accepted(n.reconfigure(system, state(ordererpb.ConsensusType_STATE_MAINTENANCE), admin))
		n.waitHeight(system, 3)
		r = n.broadcast(creation(t, "another", user(t, "Org1MSP", "Admin"), user(t, "Org2MSP", "Admin")))
		require.Equal(t, commonpb.Status_SERVICE_UNAVAILABLE, r.Status)
		require.Contains(t, r.Info, "channel creation is not permitted: maintenance mode")
	})
}

// TestMaxChannels counts the channels without the system channel.
func TestMaxChannels(t *testing.T) {
	n := newSetup(t, "solo", func(root *commonpb.ConfigGroup) {
		root.Groups["Orderer"].Values["ChannelRestrictions"] = &commonpb.ConfigValue{ModPolicy: "Admins", Value: wire.MustMarshal(&ordererpb.ChannelRestrictions{MaxCount: 1})}
	}).start(t)
	n.createChannel("first")
	r := n.broadcast(creation(t, "second", user(t, "Org1MSP", "Admin"), user(t, "Org2MSP", "Admin")))
	require.Equal(t, commonpb.Status_BAD_REQUEST, r.Status)
	require.Equal(t, "channel creation would exceed maximimum number of channels: 1", r.Info)
}

// TestJudgedAgain: messages that were found good under one configuration and come to be ordered under the next are judged by that one.
func TestJudgedAgain(t *testing.T) {
	each(t, func(t *testing.T, kind string) {
		s := newSetup(t, kind, setBatch(1000, 1<<20, "10s"))
		n := s.start(t)
		c := n.createChannel("mychannel")
		client := user(t, "Org1MSP", "User1")
		// The update takes the client's organization out of the writers; messages race with it.
		update := n.reconfigure("mychannel", func(root *commonpb.ConfigGroup) {
			p := root.Groups["Application"].Groups["Org1MSP"].Policies["Writers"]
			p.Policy = root.Groups["Application"].Groups["Org1MSP"].Policies["Admins"].Policy
		}, user(t, "Org1MSP", "Admin"))
		var accepted atomic.Int64
		done := make(chan struct{})
		go func() {
			defer close(done)
			for n.broadcast(transaction(t, client, "mychannel", "data")).Status == commonpb.Status_SUCCESS {
				accepted.Add(1)
			}
		}()
		require.Eventually(t, func() bool { return accepted.Load() > 2 }, 20*time.Second, time.Millisecond)
		n.accepted(update)
		<-done
		n.stop()
		n = s.start(t)
		c, _ = n.registry.Channel("mychannel")
		checkChain(t, c)
		sawConfig := false
		for i := uint64(1); i < c.Height(); i++ {
			b, err := c.Block(i)
			require.NoError(t, err)
			env := &commonpb.Envelope{}
			require.NoError(t, proto.Unmarshal(b.Data.Data[0], env))
			isConfig := headerType(env) == commonpb.HeaderType_CONFIG
			require.False(t, sawConfig && !isConfig, "block %d holds a message that the configuration before it forbids", i)
			sawConfig = sawConfig || isConfig
		}
		require.True(t, sawConfig)
	})
}

func FuzzBroadcast(f *testing.F) {
	client := user(f, "Org1MSP", "User1")
	n := newSetup(f, "solo").start(f)
	n.createChannel("mychannel")
	for _, env := range []*commonpb.Envelope{
		transaction(f, client, "mychannel", "data"),
		creation(f, "newone", user(f, "Org1MSP", "Admin")),
		message(f, client, commonpb.HeaderType_CONFIG_UPDATE, "mychannel", []byte("garbage")),
		message(f, client, commonpb.HeaderType_ORDERER_TRANSACTION, "mychannel", nil),
		{},
	} {
		f.Add(wire.MustMarshal(env))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		env := &commonpb.Envelope{}
		if proto.Unmarshal(raw, env) != nil {
			return
		}
		r := n.in(t).broadcast(env)
		require.Contains(t, []commonpb.Status{200, 400, 403, 404, 503}, r.Status, r.Info)
	})
}
