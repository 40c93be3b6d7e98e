package runtime_test

import (
	"errors"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/chaincode/runtime"
	"github.com/heddleledger/heddle/wire/peerpb"
)

func TestInProcess(t *testing.T) {
	// The peer echoes, the chaincode sends one message, checks it and ends as its name says.
	p := &runtime.InProcess{
		Serve: func(s runtime.Stream) error {
			for {
				m, err := s.Recv()
				if err != nil {
					return err
				}
				if err := s.Send(m); err != nil {
					return err
				}
			}
		},
		Chaincodes: map[string]func(string, runtime.ClientStream) error{
			"ends": func(id string, s runtime.ClientStream) error {
				if err := s.Send(&peerpb.ChaincodeMessage{Txid: id}); err != nil {
					return err
				}
				m, err := s.Recv()
				if err != nil || m.Txid != "ends:1.0" {
					return errors.Join(err, errors.New("no echo"))
				}
				return s.CloseSend()
			},
			"fails": func(string, runtime.ClientStream) error { return errors.New("it failed") },
			"stays": func(_ string, s runtime.ClientStream) error {
				_, err := s.Recv()
				if !errors.Is(err, io.EOF) {
					return err
				}
				return nil
			},
		},
	}
	for name, want := range map[string]runtime.Exit{"ends": {}, "fails": {Code: 1, Err: errors.New("it failed")}} {
		i, err := p.Start(t.Context(), runtime.Launch{Name: name, Version: "1.0"})
		require.NoError(t, err)
		require.Equal(t, want, exited(t, i), name)
		require.NoError(t, i.Stop(t.Context()))
	}
	i, err := p.Start(t.Context(), runtime.Launch{Name: "stays", Version: "1.0"})
	require.NoError(t, err)
	require.NoError(t, i.Stop(t.Context()))
	require.Equal(t, runtime.Exit{}, exited(t, i))
	_, err = p.Start(t.Context(), runtime.Launch{Name: "unknown", Version: "1.0"})
	require.EqualError(t, err, "this peer has no chaincode unknown compiled in")
}
