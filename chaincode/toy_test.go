package chaincode_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// stream is the chaincode's end of a stream, over gRPC or in memory.
type stream interface {
	Send(*peerpb.ChaincodeMessage) error
	Recv() (*peerpb.ChaincodeMessage, error)
}

// serveToy is a chaincode's main loop: each transaction in a goroutine of its own.
func serveToy(s stream) error {
	var mu sync.Mutex // of sending and of waiting
	waiting := map[string]chan *peerpb.ChaincodeMessage{}
	var transactions sync.WaitGroup
	defer transactions.Wait()
	defer func() {
		mu.Lock()
		defer mu.Unlock()
		for _, w := range waiting {
			close(w)
		}
	}()
	for {
		m, err := s.Recv()
		if err != nil {
			return err
		}
		switch m.Type {
		case peerpb.ChaincodeMessage_INIT, peerpb.ChaincodeMessage_TRANSACTION:
			answers := make(chan *peerpb.ChaincodeMessage, 1)
			key := m.ChannelId + m.Txid
			mu.Lock()
			waiting[key] = answers
			mu.Unlock()
			transactions.Go(func() {
				t := &toy{first: m, answers: answers, send: func(m *peerpb.ChaincodeMessage) {
					mu.Lock()
					defer mu.Unlock()
					_ = s.Send(m)
				}}
				r := t.invoke()
				mu.Lock()
				delete(waiting, key)
				mu.Unlock()
				t.send(&peerpb.ChaincodeMessage{
					Type: peerpb.ChaincodeMessage_COMPLETED, Payload: wire.MustMarshal(r), Txid: m.Txid, ChannelId: m.ChannelId,
				})
			})
		case peerpb.ChaincodeMessage_RESPONSE, peerpb.ChaincodeMessage_ERROR:
			mu.Lock()
			w := waiting[m.ChannelId+m.Txid]
			mu.Unlock()
			if w != nil {
				w <- m
			}
		case peerpb.ChaincodeMessage_KEEPALIVE:
			mu.Lock()
			err := s.Send(m)
			mu.Unlock()
			if err != nil {
				return err
			}
		}
	}
}

// toy is one transaction in the chaincode.
type toy struct {
	first   *peerpb.ChaincodeMessage
	answers chan *peerpb.ChaincodeMessage
	send    func(*peerpb.ChaincodeMessage)
}

func (t *toy) ask(typ peerpb.ChaincodeMessage_Type, payload []byte) ([]byte, error) {
	t.send(&peerpb.ChaincodeMessage{Type: typ, Payload: payload, Txid: t.first.Txid, ChannelId: t.first.ChannelId})
	m, ok := <-t.answers
	switch {
	case !ok:
		return nil, io.EOF
	case m.Type == peerpb.ChaincodeMessage_ERROR:
		return nil, errors.New(string(m.Payload))
	}
	return m.Payload, nil
}

// invoke obeys: get k | put k v | getput k v n (n times) | echo … | sleep ms | exit n | panic text | hang text | flood | call name args… | fail text
func (t *toy) invoke() *peerpb.Response {
	input := &peerpb.ChaincodeInput{}
	mustUnmarshal(t.first.Payload, input)
	var args []string
	for _, a := range input.Args {
		args = append(args, string(a))
	}
	payload, err := t.obey(args)
	if err != nil {
		return &peerpb.Response{Status: 500, Message: err.Error()}
	}
	return &peerpb.Response{Status: 200, Payload: payload}
}

func (t *toy) obey(args []string) ([]byte, error) {
	if t.first.Type == peerpb.ChaincodeMessage_INIT {
		args = append([]string{"echo", "init"}, args...)
	}
	get := func(k string) ([]byte, error) {
		return t.ask(peerpb.ChaincodeMessage_GET_STATE, wire.MustMarshal(&peerpb.GetState{Key: k}))
	}
	put := func(k, v string) ([]byte, error) {
		return t.ask(peerpb.ChaincodeMessage_PUT_STATE, wire.MustMarshal(&peerpb.PutState{Key: k, Value: []byte(v)}))
	}
	switch args[0] {
	case "get":
		return get(args[1])
	case "put":
		return put(args[1], args[2])
	case "getput":
		for range atoi(args[3]) {
			if _, err := get(args[1]); err != nil {
				return nil, err
			}
			if _, err := put(args[1], args[2]); err != nil {
				return nil, err
			}
		}
		return nil, nil
	case "echo":
		return []byte(strings.Join(args[1:], " ")), nil
	case "sleep":
		time.Sleep(time.Duration(atoi(args[1])) * time.Millisecond)
		return nil, nil
	case "exit":
		fmt.Fprintln(os.Stderr, "leaving with", args[1])
		os.Exit(atoi(args[1]))
	case "say":
		fmt.Fprintln(os.Stderr, args[1])
	case "hang":
		fmt.Fprintln(os.Stderr, "waiting for", args[1])
		select {}
	case "flood":
		for {
			t.send(&peerpb.ChaincodeMessage{Type: peerpb.ChaincodeMessage_KEEPALIVE})
		}
	case "panic":
		panic(args[1])
	case "fail":
		return nil, errors.New(args[1])
	case "call":
		spec := &peerpb.ChaincodeSpec{ChaincodeId: &peerpb.ChaincodeID{Name: args[1]}, Input: &peerpb.ChaincodeInput{}}
		for _, a := range args[2:] {
			spec.Input.Args = append(spec.Input.Args, []byte(a))
		}
		b, err := t.ask(peerpb.ChaincodeMessage_INVOKE_CHAINCODE, wire.MustMarshal(spec))
		if err != nil {
			return nil, err
		}
		m, r := &peerpb.ChaincodeMessage{}, &peerpb.Response{}
		mustUnmarshal(b, m)
		mustUnmarshal(m.Payload, r)
		if r.Status >= 400 {
			return nil, errors.New(r.Message)
		}
		return r.Payload, nil
	}
	return nil, errors.New(strings.Join(args, " "))
}
