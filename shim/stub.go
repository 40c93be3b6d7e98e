package shim

import (
	"errors"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/heddleledger/heddle/wire/peerpb"
)

// ChaincodeStub is the stub a chaincode gets when a peer calls it; see ChaincodeStubInterface for its methods.
type ChaincodeStub struct {
	TxID      string
	ChannelId string

	session     *session
	args        [][]byte
	decorations map[string][]byte
	proposal    parsedProposal
	event       *pb.ChaincodeEvent
}

var _ ChaincodeStubInterface = (*ChaincodeStub)(nil)

// ask sends a question of this transaction; an ERROR from the peer is the error.
func (stub *ChaincodeStub) ask(t pb.ChaincodeMessage_Type, payload proto.Message) ([]byte, error) {
	return stub.session.call(txKey{stub.ChannelId, stub.TxID}, t, payload)
}

// GetTxID returns the transaction's id.
func (stub *ChaincodeStub) GetTxID() string { return stub.TxID }

// GetChannelID returns the channel the chaincode runs on.
func (stub *ChaincodeStub) GetChannelID() string { return stub.ChannelId }

// GetArgs returns the arguments as bytes.
func (stub *ChaincodeStub) GetArgs() [][]byte { return stub.args }

// GetStringArgs returns the arguments as strings.
func (stub *ChaincodeStub) GetStringArgs() []string { return stringArgs(stub.args) }

// GetFunctionAndParameters returns the first argument, and the others.
func (stub *ChaincodeStub) GetFunctionAndParameters() (string, []string) {
	return functionAndParameters(stub.args)
}

// GetArgsSlice returns the arguments joined.
func (stub *ChaincodeStub) GetArgsSlice() ([]byte, error) { return joinArgs(stub.args), nil }

// GetDecorations returns what the peer added to the input.
func (stub *ChaincodeStub) GetDecorations() map[string][]byte { return stub.decorations }

// GetCreator returns the serialized identity of the client.
func (stub *ChaincodeStub) GetCreator() ([]byte, error) {
	return stub.proposal.creator()
}

// GetTransient returns the proposal's transient data.
func (stub *ChaincodeStub) GetTransient() (map[string][]byte, error) {
	return stub.proposal.transient()
}

// GetBinding returns SHA-256(nonce + creator + epoch).
func (stub *ChaincodeStub) GetBinding() ([]byte, error) {
	return stub.proposal.binding()
}

// GetSignedProposal returns the proposal as it was signed.
func (stub *ChaincodeStub) GetSignedProposal() (*pb.SignedProposal, error) {
	return stub.proposal.signed, nil
}

// GetTxTimestamp returns the time in the proposal's channel header.
func (stub *ChaincodeStub) GetTxTimestamp() (*timestamppb.Timestamp, error) {
	return stub.proposal.timestamp()
}

// SetEvent sets the transaction's event.
func (stub *ChaincodeStub) SetEvent(name string, payload []byte) error {
	if name == "" {
		return errors.New("event name can not be nil string")
	}
	stub.event = &pb.ChaincodeEvent{EventName: name, Payload: payload}
	return nil
}

// InvokeChaincode calls another chaincode. When the peer cannot make the call, its reason is the payload of an ERROR response, as in Fabric.
func (stub *ChaincodeStub) InvokeChaincode(chaincodeName string, args [][]byte, channel string) pb.Response {
	if channel != "" {
		chaincodeName += "/" + channel
	}
	m, err := stub.session.ask(txKey{stub.ChannelId, stub.TxID}, pb.ChaincodeMessage_INVOKE_CHAINCODE, &pb.ChaincodeSpec{
		ChaincodeId: &pb.ChaincodeID{Name: chaincodeName},
		Input:       &pb.ChaincodeInput{Args: args},
	})
	if err != nil {
		return pb.Response{Status: ERROR, Payload: []byte(err.Error())}
	}
	if m.Type != pb.ChaincodeMessage_RESPONSE {
		return pb.Response{Status: ERROR, Payload: m.Payload}
	}
	// The answer holds the called chaincode's own last message.
	called := &pb.ChaincodeMessage{}
	if err := proto.Unmarshal(m.Payload, called); err != nil {
		return pb.Response{Status: ERROR, Payload: []byte(err.Error())}
	}
	if called.Type != pb.ChaincodeMessage_COMPLETED {
		return pb.Response{Status: ERROR, Payload: m.Payload}
	}
	res := &pb.Response{}
	if err := proto.Unmarshal(called.Payload, res); err != nil {
		return pb.Response{Status: ERROR, Payload: []byte(err.Error())}
	}
	return pb.Response{Status: res.Status, Message: res.Message, Payload: res.Payload}
}

func stringArgs(args [][]byte) []string {
	s := make([]string, 0, len(args))
	for _, a := range args {
		s = append(s, string(a))
	}
	return s
}

func functionAndParameters(args [][]byte) (string, []string) {
	s := stringArgs(args)
	if len(s) == 0 {
		return "", []string{}
	}
	return s[0], s[1:]
}

func joinArgs(args [][]byte) []byte {
	joined := []byte{}
	for _, a := range args {
		joined = append(joined, a...)
	}
	return joined
}
