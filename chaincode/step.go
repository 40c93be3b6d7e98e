package chaincode

import (
	"errors"
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/wire/peerpb"
)

// state is how far a stream has come.
type state int

const (
	created     state = iota // nothing but REGISTER is taken
	established              // admitted, REGISTERED is on its way
	ready                    // READY is on its way; transactions run
)

func (s state) String() string { return [...]string{"created", "established", "ready"}[s] }

// input is what happens to a stream: a message comes in, or the registry has decided on its registration.
type input struct {
	message *peerpb.ChaincodeMessage // nil for the inputs below
	verdict verdict
}

type verdict int

const (
	undecided verdict = iota
	admitted          // the name is this stream's now
	refused           // the registry does not want it
	announced         // REGISTERED was queued
)

// effect is what is to be done about an input.
type effect struct {
	kind effectKind
	id   id                           // of admit
	send peerpb.ChaincodeMessage_Type // of answer
	err  error                        // of end
}

type effectKind int

const (
	ignore  effectKind = iota
	admit              // ask the registry whether this stream may be chaincode id, and come back with its verdict
	answer             // queue a message of type send; after REGISTERED come back with announced
	request            // hand the message to its transaction, which answers
	finish             // hand the message to its transaction, which is over with it
	end                // end the stream
)

// step is the state machine of a stream, from the peer's side.
func step(s state, in input) (state, effect) {
	if in.message == nil {
		return decided(s, in.verdict)
	}
	m := in.message
	if m.Type == peerpb.ChaincodeMessage_KEEPALIVE {
		return s, effect{kind: ignore}
	}
	switch s {
	case created:
		if m.Type != peerpb.ChaincodeMessage_REGISTER {
			return s, unexpected(s, m)
		}
		id, err := registrant(m)
		if err != nil {
			return s, effect{kind: end, err: err}
		}
		return s, effect{kind: admit, id: id}
	case ready:
		switch m.Type {
		case peerpb.ChaincodeMessage_COMPLETED, peerpb.ChaincodeMessage_ERROR:
			return s, effect{kind: finish}
		case peerpb.ChaincodeMessage_GET_STATE, peerpb.ChaincodeMessage_PUT_STATE, peerpb.ChaincodeMessage_DEL_STATE,
			peerpb.ChaincodeMessage_GET_STATE_METADATA, peerpb.ChaincodeMessage_PUT_STATE_METADATA,
			peerpb.ChaincodeMessage_GET_STATE_BY_RANGE, peerpb.ChaincodeMessage_GET_QUERY_RESULT,
			peerpb.ChaincodeMessage_GET_HISTORY_FOR_KEY, peerpb.ChaincodeMessage_QUERY_STATE_NEXT,
			peerpb.ChaincodeMessage_QUERY_STATE_CLOSE, peerpb.ChaincodeMessage_GET_PRIVATE_DATA_HASH,
			peerpb.ChaincodeMessage_INVOKE_CHAINCODE:
			return s, effect{kind: request}
		}
	}
	return s, unexpected(s, m)
}

func decided(s state, v verdict) (state, effect) {
	switch {
	case s == created && v == admitted:
		return established, effect{kind: answer, send: peerpb.ChaincodeMessage_REGISTERED}
	case s == created && v == refused:
		return created, effect{kind: ignore} // as Fabric: no answer and no end; the chaincode may try again
	case s == established && v == announced:
		return ready, effect{kind: answer, send: peerpb.ChaincodeMessage_READY}
	}
	return s, effect{kind: end, err: fmt.Errorf("verdict %d in state %s", v, s)}
}

func unexpected(s state, m *peerpb.ChaincodeMessage) effect {
	return effect{kind: end, err: fmt.Errorf("[%.64s] Fabric side handler cannot handle message (%s) while in %s state", m.Txid, m.Type, s)}
}

// longestID is the most bytes that "name:version" may have. Either is part of a file name, so neither can be longer.
const longestID = 2 * 255

// registrant reads who wants to register. The name field carries "name:version".
func registrant(m *peerpb.ChaincodeMessage) (id, error) {
	c := &peerpb.ChaincodeID{}
	if err := proto.Unmarshal(m.Payload, c); err != nil {
		return id{}, fmt.Errorf("REGISTER does not hold a chaincode id: %w", err)
	}
	if c.Name == "" {
		return id{}, errors.New("REGISTER names no chaincode; set CORE_CHAINCODE_ID_NAME=<name>:<version> where the chaincode runs")
	}
	if len(c.Name) > longestID {
		return id{}, fmt.Errorf("REGISTER names a chaincode in %d bytes, more than %d", len(c.Name), longestID)
	}
	name, version, _ := strings.Cut(c.Name, ":")
	return id{name, version}, nil
}
