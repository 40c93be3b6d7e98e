package shim

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	pb "github.com/heddleledger/heddle/wire/peerpb"
)

// TestReplaysCapturedStream plays the peer's side of what a relay saw between a 1.4.12 peer and a chaincode built with the 1.4.12 shim, and expects
// the same chaincode on this shim to send the same bytes.
func TestReplaysCapturedStream(t *testing.T) {
	type record struct {
		Dir, Type, Txid string
		Message         []byte
		Seq             int
	}
	var records []record
	f, err := os.Open("../testdata/fabric-1.4/shim/stream.jsonl")
	require.NoError(t, err)
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var line struct {
			record
			Message string
		}
		require.NoError(t, json.Unmarshal(lines.Bytes(), &line))
		line.record.Message, err = base64.StdEncoding.DecodeString(line.Message)
		require.NoError(t, err)
		records = append(records, line.record)
	}
	require.NoError(t, lines.Err())

	sent, received := 0, 0
	address := startPeer(t, nil, func(s grpc.BidiStreamingServer[pb.ChaincodeMessage, pb.ChaincodeMessage]) error {
		// KEEPALIVE and the messages of different transactions may overtake each other.
		early := map[string][]byte{}
		for _, r := range records {
			switch r.Dir {
			case "peer->cc":
				m := &pb.ChaincodeMessage{}
				if err := proto.Unmarshal(r.Message, m); err != nil {
					return err
				}
				if err := s.Send(m); err != nil {
					return err
				}
				sent++
			case "cc->peer":
				want := r.Type + r.Txid
				for early[want] == nil {
					m, err := s.Recv()
					if err != nil {
						return err
					}
					b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
					if err != nil {
						return err
					}
					early[m.Type.String()+m.Txid] = b
				}
				if string(early[want]) != string(r.Message) {
					return fmt.Errorf("record %d: got %x, captured %x", r.Seq, early[want], r.Message)
				}
				delete(early, want)
				received++
			}
		}
		return nil
	})
	stream, err := dial(t.Context(), address, nil)
	require.NoError(t, err)
	defer stream.Close()
	err = newSession("rec:1.0", stream, recordedChaincode{}).serve()
	require.ErrorContains(t, err, "received EOF", "anything else is the peer's complaint")
	require.Equal(t, 405, sent)
	require.Equal(t, 404, received)
}

// recordedChaincode does what the recorded chaincode did (testdata/fabric-1.4/packages/src/go/example.com/kv).
type recordedChaincode struct{}

func (recordedChaincode) Init(s ChaincodeStubInterface) pb.Response {
	_, a := s.GetFunctionAndParameters()
	for i := 0; i+1 < len(a); i += 2 {
		if err := s.PutState(a[i], []byte(a[i+1])); err != nil {
			return Error(err.Error())
		}
	}
	return Success([]byte("init done"))
}

func (recordedChaincode) Invoke(s ChaincodeStubInterface) pb.Response {
	f, a := s.GetFunctionAndParameters()
	for len(a) < 3 {
		a = append(a, "")
	}
	n := func(i int) int {
		v, _ := strconv.Atoi(a[i])
		return v
	}
	switch f {
	case "put":
		return recorded([]byte("ok"), s.PutState(a[0], []byte(a[1])))
	case "get":
		return recorded(s.GetState(a[0]))
	case "del":
		return recorded(nil, s.DelState(a[0]))
	case "fill":
		for i := range n(1) {
			if err := s.PutState(fmt.Sprintf("%s%04d", a[0], i), []byte(strconv.Itoa(i))); err != nil {
				return Error(err.Error())
			}
		}
		return Success(nil)
	case "range":
		return recordedList(s.GetStateByRange(a[0], a[1]))
	case "first":
		it, err := s.GetStateByRange(a[0], a[1])
		if err != nil {
			return Error(err.Error())
		}
		r, err := it.Next()
		if err != nil {
			return Error(err.Error())
		}
		return recorded([]byte(r.Key), it.Close())
	case "page":
		size, bookmark, _ := strings.Cut(a[2], ",")
		pageSize, _ := strconv.Atoi(size)
		it, md, err := s.GetStateByRangeWithPagination(a[0], a[1], int32(pageSize), bookmark)
		r := recordedList(it, err)
		r.Message = fmt.Sprintf("fetched_records_count:%d bookmark:%q ", md.FetchedRecordsCount, md.Bookmark)
		return pb.Response{Status: r.Status, Message: r.Message, Payload: r.Payload}
	case "cput":
		k, err := s.CreateCompositeKey(a[0], strings.Split(a[1], "|"))
		if err == nil {
			err = s.PutState(k, []byte(a[2]))
		}
		return recorded([]byte(k), err)
	case "cquery":
		return recordedList(s.GetStateByPartialCompositeKey(a[0], strings.Split(a[1], "|")))
	case "hist":
		it, err := s.GetHistoryForKey(a[0])
		if err != nil {
			return Error(err.Error())
		}
		defer it.Close()
		var out []string
		for it.HasNext() {
			m, err := it.Next()
			if err != nil {
				return Error(err.Error())
			}
			out = append(out, fmt.Sprintf("%s %q %v", m.TxId, m.Value, m.IsDelete))
		}
		return Success([]byte(strings.Join(out, "\n")))
	case "rich":
		return recordedList(s.GetQueryResult(a[0]))
	case "event":
		if err := s.PutState("last-event", []byte(a[0])); err != nil {
			return Error(err.Error())
		}
		return recorded(nil, s.SetEvent(a[0], []byte(a[1])))
	case "cc2cc":
		var b [][]byte
		for x := range strings.SplitSeq(a[2], "|") {
			b = append(b, []byte(x))
		}
		return s.InvokeChaincode(a[0], b, a[1])
	case "sbe":
		return recorded(nil, s.SetStateValidationParameter(a[0], s.GetArgs()[2]))
	case "sbeget":
		return recorded(s.GetStateValidationParameter(a[0]))
	case "pput":
		t, err := s.GetTransient()
		if err != nil {
			return Error(err.Error())
		}
		return recorded(nil, s.PutPrivateData(a[0], a[1], t["value"]))
	case "pget":
		return recorded(s.GetPrivateData(a[0], a[1]))
	case "phash":
		return recorded(s.GetPrivateDataHash(a[0], a[1]))
	case "pdel":
		return recorded(nil, s.DelPrivateData(a[0], a[1]))
	case "prange":
		return recordedList(s.GetPrivateDataByRange(a[0], a[1], a[2]))
	case "status":
		return pb.Response{Status: int32(n(0)), Message: a[1], Payload: []byte(a[2])}
	case "who":
		return recorded(s.GetCreator())
	case "sleep":
		return Success([]byte("slept"))
	case "fail":
		return Error(a[0])
	}
	return Error("unknown function: " + f)
}

func recorded(b []byte, err error) pb.Response {
	if err != nil {
		return Error(err.Error())
	}
	return Success(b)
}

func recordedList(it StateQueryIteratorInterface, err error) pb.Response {
	if err != nil {
		return Error(err.Error())
	}
	defer it.Close()
	var out []string
	for it.HasNext() {
		r, err := it.Next()
		if err != nil {
			return Error(err.Error())
		}
		out = append(out, fmt.Sprintf("%q=%q", r.Key, r.Value))
	}
	return Success([]byte(strings.Join(out, ",")))
}
