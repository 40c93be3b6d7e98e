package endorser_test

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/endorser"
	"github.com/heddleledger/heddle/plugin"
	"github.com/heddleledger/heddle/wire/peerpb"
	"github.com/heddleledger/heddle/wire/tx"
)

// loud is a decorator: it adds a decoration, and counts those before it.
type loud struct{ name string }

func (l loud) Decorate(_ context.Context, p *tx.Proposal, input *peerpb.ChaincodeInput) (*peerpb.ChaincodeInput, error) {
	if l.name == "" {
		return nil, errors.New("no name")
	}
	input.Decorations[l.name] = []byte{byte('0' + len(input.Decorations))}
	input.Args = append(input.Args, []byte(l.name))
	return input, nil
}

func TestDecorators(t *testing.T) {
	p := newPeer(t, func(o *endorser.Options) { o.Decorators = []plugin.Decorator{loud{"a"}, loud{"b"}} })
	o := newOdd(orgUser(t, "User1"), "kv", "decorations")
	o.Spec.Input.Decorations = map[string][]byte{"mine": []byte("x")}
	r, err := p.ProcessProposal(t.Context(), o.Build(t))
	require.NoError(t, err)
	require.Equal(t, `map[a:0 b:1] [decorations a b]`, string(r.Response.Payload), r.Response.Message)

	// A chaincode that is called sees the decorations, and its own arguments.
	r, err = p.ProcessProposal(t.Context(), newOdd(orgUser(t, "User1"), "kv", "cc2cc", "both", "", "decorations").Build(t))
	require.NoError(t, err)
	require.Equal(t, `map[a:0 b:1] [decorations]`, string(r.Response.Payload), r.Response.Message)

	// What the client decorates is dropped; so it is where there are no decorators.
	p = newPeer(t)
	r, err = p.ProcessProposal(t.Context(), o.Build(t))
	require.NoError(t, err)
	require.Equal(t, `map[] [decorations]`, string(r.Response.Payload), r.Response.Message)

	p = newPeer(t, func(o *endorser.Options) { o.Decorators = []plugin.Decorator{loud{}} })
	r, err = p.ProcessProposal(t.Context(), o.Build(t))
	require.NoError(t, err)
	require.Equal(t, int32(500), r.Response.Status)
	require.Equal(t, "decorating the input: no name", r.Response.Message)
}

// stamp is an endorsement plugin that changes the payload.
type stamp struct{ err error }

func (s stamp) Endorse(_ context.Context, r *plugin.EndorsementRequest) (*peerpb.Endorsement, []byte, error) {
	if s.err != nil {
		return nil, nil, s.err
	}
	state, err := r.State()
	if err != nil {
		return nil, nil, err
	}
	defer state.Close()
	value, err := state.Get("kv", "a")
	if err != nil || value == nil || r.Proposal.TxID() == "" {
		return nil, nil, errors.New("no state")
	}
	payload := append(bytes.Clone(r.Payload), 0xfa, 0x3f, 0) // an unknown field, empty
	e, err := r.Sign(payload)
	return e, payload, err
}

func TestEndorsementPlugins(t *testing.T) {
	o := newOdd(orgUser(t, "User1"), "kv", "get", "a")
	p := newPeer(t, func(o *endorser.Options) { o.Endorsements = map[string]plugin.Endorsement{"escc": stamp{}} })
	r, err := p.ProcessProposal(t.Context(), o.Build(t))
	require.NoError(t, err)
	require.True(t, bytes.HasSuffix(r.Payload, []byte{0xfa, 0x3f, 0}), r.Response.Message)
	requireEndorsed(t, p, r)

	for want, plugins := range map[string]map[string]plugin.Endorsement{
		"out of ink": {"escc": stamp{errors.New("out of ink")}},
		"plugin with name escc could not be used: plugin with name escc wasn't found": {"other": stamp{}},
	} {
		p = newPeer(t, func(o *endorser.Options) { o.Endorsements = plugins })
		r, err = p.ProcessProposal(t.Context(), o.Build(t))
		require.NoError(t, err)
		require.Equal(t, int32(500), r.Response.Status)
		require.Equal(t, want, r.Response.Message)
		require.Nil(t, r.Endorsement)
		require.Nil(t, r.Payload)
	}
}

// Without ExpirationCheck among the filters an expired creator may propose, as with Fabric.
func TestFabricsFilters(t *testing.T) {
	later := func() time.Time { return time.Now().AddDate(200, 0, 0) }
	for name, c := range map[string]struct {
		filter plugin.AuthFilter
		want   string
	}{
		"expiration": {endorser.ExpirationCheck{Now: later}, "identity expired"},
		"window":     {endorser.TimeWindowCheck{Now: later, Window: time.Minute}, "request unauthorized due to incorrect timestamp"},
		"in time":    {endorser.TimeWindowCheck{Now: time.Now, Window: time.Hour}, ""},
		"none":       {plugin.DefaultAuth{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPeer(t, func(o *endorser.Options) { o.Filters, o.Now = []plugin.AuthFilter{c.filter}, later })
			_, err := p.ProcessProposal(t.Context(), newOdd(orgUser(t, "User1"), "kv", "get", "a").Build(t))
			if c.want == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, c.want)
			}
		})
	}
}
