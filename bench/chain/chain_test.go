package chain

import (
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/heddleledger/heddle/chaincode/pack"
	"github.com/heddleledger/heddle/channel"
	"github.com/heddleledger/heddle/wire/block"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/peerpb"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func packages(t *testing.T, n int) []*pack.Package {
	t.Helper()
	all := make([]*pack.Package, n)
	for i := range all {
		raw, err := pack.Create(&peerpb.ChaincodeDeploymentSpec{ChaincodeSpec: &peerpb.ChaincodeSpec{
			Type: peerpb.ChaincodeSpec_GOLANG, ChaincodeId: &peerpb.ChaincodeID{Name: fmt.Sprintf("cc%d", i), Version: "1.0"},
		}})
		require.NoError(t, err)
		all[i], err = pack.Parse(raw)
		require.NoError(t, err)
	}
	return all
}

// TestEveryTransactionIsValid lets a peer's pipeline take a chain, and holds the state that comes of it against what the chain says of it.
func TestEveryTransactionIsValid(t *testing.T) {
	people, err := NewPeople(t.TempDir() + "/crypto")
	require.NoError(t, err)
	clients, err := people.Clients(5)
	require.NoError(t, err)
	again, err := people.Clients(3)
	require.NoError(t, err)
	require.Equal(t, clients[:3], again)
	for endorsements := 1; endorsements <= 2; endorsements++ {
		c, err := New(people, Options{ChannelID: "ch", Packages: packages(t, 3), Endorsements: endorsements, Clients: clients, Keys: 100, ValueSize: 20})
		require.NoError(t, err)
		registry, err := channel.Open(t.Context(), channel.Options{Dir: t.TempDir(), Log: slog.New(slog.DiscardHandler)})
		require.NoError(t, err)
		defer registry.Close()
		require.NoError(t, registry.Join(t.Context(), c.Genesis()))
		ch, _ := registry.Get("ch")
		submit := func(b *commonpb.Block) error { return ch.Submit(t.Context(), b) }
		require.NoError(t, c.Deploy(submit))
		require.NoError(t, c.Fill(submit))
		require.NoError(t, c.Update(100, 30, submit))
		require.NoError(t, c.Update(7, 1, submit))
		require.NoError(t, ch.Wait(t.Context(), c.Number()-1))

		txs := 0
		for n := uint64(1); n < c.Number(); n++ {
			b, err := ch.Block(n)
			require.NoError(t, err)
			for _, code := range block.Codes(b) {
				require.Equal(t, peerpb.TxValidationCode_VALID, code, "block %d", n)
			}
			txs += len(b.Data.Data)
		}
		require.Equal(t, 3+4+100+7, txs, "deployments, 33 keys each time, updates")
		require.EqualValues(t, 1+1+1+4+7, ch.Height(), "genesis, deployments, filling, updates")
		s, err := ch.Ledger().NewSnapshot()
		require.NoError(t, err)
		seen := map[string]bool{}
		for i := range 100 {
			chaincode, key := c.Key(i)
			value, err := s.Get(c.Packages[chaincode].Name, key)
			require.NoError(t, err)
			require.Len(t, value, 20)
			require.False(t, seen[key])
			seen[key] = true
		}
		s.Close()
	}
}

func TestWhatCannotBeMadeIsRefused(t *testing.T) {
	people, err := NewPeople(t.TempDir() + "/crypto")
	require.NoError(t, err)
	clients, err := people.Clients(1)
	require.NoError(t, err)
	good := Options{ChannelID: "ch", Packages: packages(t, 2), Endorsements: 1, Clients: clients, Keys: 10}
	for want, change := range map[string]func(*Options){
		"from 1 to 2 endorsements, not 3":     func(o *Options) { o.Endorsements = 3 },
		"needs chaincodes and clients":        func(o *Options) { o.Clients = nil },
		"1 keys are too few for 2 chaincodes": func(o *Options) { o.Keys = 1 },
		"channel ID \"\\xff\" is not UTF-8":   func(o *Options) { o.ChannelID = "\xff" },
	} {
		o := good
		change(&o)
		_, err := New(people, o)
		require.ErrorContains(t, err, want)
	}
	c, err := New(people, good)
	require.NoError(t, err)
	require.ErrorContains(t, c.Update(6, 6, nil), "10 keys are too few for blocks of 6 transactions")
}
