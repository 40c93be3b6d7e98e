package shim

import (
	"errors"
	"fmt"
	"io"
	"sync"

	"google.golang.org/protobuf/proto"

	pb "github.com/heddleledger/heddle/wire/peerpb"
)

// session is one registered stream. The loop in serve is its only reader; any number of transactions write to it.
type session struct {
	name          string
	stream        PeerChaincodeStream
	cc            Chaincode
	log           *ChaincodeLogger
	recoverPanics bool

	sending sync.Mutex // one Send at a time
	running sync.WaitGroup

	mu      sync.Mutex
	ended   bool
	waiting map[txKey]chan *pb.ChaincodeMessage
}

// txKey names a transaction: the same id may run on two channels at once.
type txKey struct{ channel, txid string }

type sessionState int

const (
	created     sessionState = iota // REGISTER sent
	established                     // REGISTERED received
	ready                           // READY received
)

func (s sessionState) String() string {
	return [...]string{"created", "established", "ready"}[s]
}

func newSession(name string, stream PeerChaincodeStream, cc Chaincode) *session {
	return &session{name: name, stream: stream, cc: cc, log: NewLogger(shimModule), waiting: map[txKey]chan *pb.ChaincodeMessage{}}
}

// serve registers and handles messages until the stream ends. Transactions still running then fail at their next question.
func (s *session) serve() error {
	defer s.end()
	payload, err := proto.Marshal(&pb.ChaincodeID{Name: s.name})
	if err != nil {
		return fmt.Errorf("error marshalling chaincodeID during chaincode registration: %w", err)
	}
	if err := s.send(&pb.ChaincodeMessage{Type: pb.ChaincodeMessage_REGISTER, Payload: payload}); err != nil {
		return fmt.Errorf("error sending chaincode REGISTER: %w", err)
	}
	state := created
	for {
		m, err := s.stream.Recv()
		switch {
		case errors.Is(err, io.EOF):
			return fmt.Errorf("received EOF, ending chaincode stream: %w", err)
		case err != nil:
			return fmt.Errorf("receive failed: %w", err)
		case m == nil:
			return errors.New("received nil message, ending chaincode stream")
		}
		if state, err = s.handle(state, m); err != nil {
			return fmt.Errorf("error handling message: %w", err)
		}
	}
}

// handle takes one message. A message that has no place in the state is answered with ERROR and ends the session, as the two sides no longer
// agree where they are.
func (s *session) handle(state sessionState, m *pb.ChaincodeMessage) (sessionState, error) {
	if m.Type == pb.ChaincodeMessage_KEEPALIVE {
		s.running.Add(1)
		go s.keepAlive(m) // not here: the loop must go on reading whatever the peer's side of the stream does
		return state, nil
	}
	switch {
	case state == created && m.Type == pb.ChaincodeMessage_REGISTERED:
		return established, nil
	case state == established && m.Type == pb.ChaincodeMessage_READY:
		s.log.Debugf("%s is ready", s.name)
		return ready, nil
	case state == ready && m.Type == pb.ChaincodeMessage_INIT, state == ready && m.Type == pb.ChaincodeMessage_TRANSACTION:
		s.running.Add(1)
		go s.run(m)
		return ready, nil
	case state == ready && m.Type == pb.ChaincodeMessage_ERROR:
		s.answer(m) // may come too late for anyone to wait for it
		return ready, nil
	case state == ready && m.Type == pb.ChaincodeMessage_RESPONSE && s.answer(m):
		return ready, nil
	}
	err := fmt.Errorf("[%s] Chaincode handler cannot handle message (%s) with payload size (%d) while in state: %s",
		m.Txid, m.Type, len(m.Payload), state)
	if sendErr := s.send(&pb.ChaincodeMessage{Type: pb.ChaincodeMessage_ERROR, Payload: []byte(err.Error()), Txid: m.Txid}); sendErr != nil {
		return state, sendErr
	}
	return state, err
}

// keepAlive sends the peer's message back.
func (s *session) keepAlive(m *pb.ChaincodeMessage) {
	defer s.running.Done()
	if err := s.send(m); err != nil {
		s.log.Warningf("error sending %s: %s", m.Type, err)
	}
}

// run runs one transaction and sends how it ended. If that cannot be sent the stream is gone, which serve sees too.
func (s *session) run(m *pb.ChaincodeMessage) {
	defer s.running.Done()
	stub := &ChaincodeStub{session: s, TxID: m.Txid, ChannelId: m.ChannelId, proposal: parsedProposal{signed: m.Proposal}}
	end := s.execute(stub, m)
	end.Txid, end.ChannelId, end.ChaincodeEvent = m.Txid, m.ChannelId, stub.event
	if err := s.send(end); err != nil {
		s.log.Errorf("[%s] error sending %s: %s", shortTxID(m.Txid), end.Type, err)
	}
}

// execute calls the chaincode. What Invoke answers is COMPLETED whatever its status; an Init with an error status is ERROR.
func (s *session) execute(stub *ChaincodeStub, m *pb.ChaincodeMessage) (end *pb.ChaincodeMessage) {
	failed := func(text string) *pb.ChaincodeMessage {
		s.log.Errorf("[%s] %s failed. Sending ERROR", shortTxID(m.Txid), m.Type)
		return &pb.ChaincodeMessage{Type: pb.ChaincodeMessage_ERROR, Payload: []byte(text)}
	}
	if s.recoverPanics {
		defer func() {
			if p := recover(); p != nil {
				end = failed(fmt.Sprintf("chaincode %s panicked: %v", s.name, p))
			}
		}()
	}
	input := &pb.ChaincodeInput{}
	if err := proto.Unmarshal(m.Payload, input); err != nil {
		return failed(err.Error())
	}
	stub.args, stub.decorations = input.Args, input.Decorations
	var payload []byte
	var err error
	if m.Type == pb.ChaincodeMessage_INIT {
		res := s.cc.Init(stub)
		if res.Status >= ERROR {
			return failed(res.Message)
		}
		payload, err = proto.Marshal(&res)
	} else {
		res := s.cc.Invoke(stub)
		payload, err = proto.Marshal(&res)
	}
	if err != nil {
		return failed(err.Error())
	}
	return &pb.ChaincodeMessage{Type: pb.ChaincodeMessage_COMPLETED, Payload: payload}
}

// ask sends one question of a transaction and waits for its answer. Peers take one question at a time per transaction.
func (s *session) ask(key txKey, t pb.ChaincodeMessage_Type, payload proto.Message) (*pb.ChaincodeMessage, error) {
	b, err := proto.Marshal(payload)
	if err != nil {
		return nil, fmt.Errorf("[%s] error sending %s: %w", shortTxID(key.txid), t, err)
	}
	answer := make(chan *pb.ChaincodeMessage, 1)
	s.mu.Lock()
	_, busy := s.waiting[key]
	if !busy && !s.ended {
		s.waiting[key] = answer
	}
	ended := s.ended
	s.mu.Unlock()
	switch {
	case ended:
		return nil, fmt.Errorf("[%s] error sending %s: the stream to the peer has ended", shortTxID(key.txid), t)
	case busy:
		return nil, fmt.Errorf("[%s] error sending %s: [%s] channel exists", shortTxID(key.txid), t, shortTxID(key.channel+key.txid))
	}
	if err := s.send(&pb.ChaincodeMessage{Type: t, Payload: b, Txid: key.txid, ChannelId: key.channel}); err != nil {
		s.mu.Lock()
		delete(s.waiting, key)
		s.mu.Unlock()
		return nil, fmt.Errorf("[%s] error sending %s: %w", shortTxID(key.txid), t, err)
	}
	m, ok := <-answer
	if !ok {
		return nil, fmt.Errorf("[%s] error sending %s: unexpected failure on receive", shortTxID(key.txid), t)
	}
	return m, nil
}

// call is ask for questions whose ERROR answer is an error for the chaincode.
func (s *session) call(key txKey, t pb.ChaincodeMessage_Type, payload proto.Message) ([]byte, error) {
	m, err := s.ask(key, t, payload)
	if err != nil {
		return nil, err
	}
	switch m.Type {
	case pb.ChaincodeMessage_RESPONSE:
		return m.Payload, nil
	case pb.ChaincodeMessage_ERROR:
		return nil, errors.New(string(m.Payload))
	}
	return nil, fmt.Errorf("[%s] incorrect chaincode message %s received. Expecting %s or %s",
		shortTxID(key.txid), m.Type, pb.ChaincodeMessage_RESPONSE, pb.ChaincodeMessage_ERROR)
}

// answer hands m to the transaction that waits for it and says whether there is one.
func (s *session) answer(m *pb.ChaincodeMessage) bool {
	key := txKey{m.ChannelId, m.Txid}
	s.mu.Lock()
	c, ok := s.waiting[key]
	delete(s.waiting, key)
	s.mu.Unlock()
	if ok {
		c <- m
	}
	return ok
}

func (s *session) send(m *pb.ChaincodeMessage) error {
	s.sending.Lock()
	defer s.sending.Unlock()
	return s.stream.Send(m)
}

// end makes every waiting and every later question fail.
func (s *session) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	for key, c := range s.waiting {
		close(c)
		delete(s.waiting, key)
	}
}

// shortTxID is how transactions are named in texts.
func shortTxID(txid string) string {
	return txid[:min(len(txid), 8)]
}
