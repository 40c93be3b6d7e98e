package endorser_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/heddleledger/heddle/shim"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// sample does what the chaincode of the sample chain does (testdata/fabric-1.4/packages/src/go), private data aside.
type sample struct{}

func (sample) Init(s shim.ChaincodeStubInterface) peerpb.Response {
	_, args := s.GetFunctionAndParameters()
	for i := 0; i+1 < len(args); i += 2 {
		if args[i] == "fail" {
			return shim.Error("init refused: " + args[i+1])
		}
		if err := s.PutState(args[i], []byte(args[i+1])); err != nil {
			return shim.Error(err.Error())
		}
	}
	return shim.Success([]byte("init done"))
}

func (sample) Invoke(s shim.ChaincodeStubInterface) peerpb.Response {
	if len(s.GetArgs()) == 0 {
		return shim.Error("no args")
	}
	function, a := s.GetFunctionAndParameters()
	run := functions[function]
	if run == nil {
		return shim.Error("unknown function " + function)
	}
	for len(a) < 3 {
		a = append(a, "")
	}
	return run(s, a)
}

type function func(s shim.ChaincodeStubInterface, a []string) peerpb.Response

// reader is a function that returns what it found, writer one that returns payload.
func reader(read func(s shim.ChaincodeStubInterface, a []string) ([]byte, error)) function {
	return func(s shim.ChaincodeStubInterface, a []string) peerpb.Response { return outcome(read(s, a)) }
}

func writer(payload string, write func(s shim.ChaincodeStubInterface, a []string) error) function {
	return func(s shim.ChaincodeStubInterface, a []string) peerpb.Response {
		return outcome([]byte(payload), write(s, a))
	}
}

func outcome(payload []byte, err error) peerpb.Response {
	if err != nil {
		return shim.Error(err.Error())
	}
	return shim.Success(payload)
}

var functions = map[string]function{
	"put": writer("ok", func(s shim.ChaincodeStubInterface, a []string) error { return s.PutState(a[0], []byte(a[1])) }),
	"del": writer("", func(s shim.ChaincodeStubInterface, a []string) error { return s.DelState(a[0]) }),
	"sbe": writer("", func(s shim.ChaincodeStubInterface, a []string) error {
		return s.SetStateValidationParameter(a[0], []byte(a[1]))
	}),
	"event": writer("", func(s shim.ChaincodeStubInterface, a []string) error {
		return errors.Join(s.PutState("last-event", []byte(a[0])), s.SetEvent(a[0], []byte(a[1])))
	}),
	"fill": writer("", func(s shim.ChaincodeStubInterface, a []string) error {
		n, err := strconv.Atoi(a[1])
		for i := range n {
			err = errors.Join(err, s.PutState(fmt.Sprintf("%s%04d", a[0], i), []byte(strconv.Itoa(i))))
		}
		return err
	}),
	"get": reader(func(s shim.ChaincodeStubInterface, a []string) ([]byte, error) { return s.GetState(a[0]) }),
	"sbeget": reader(func(s shim.ChaincodeStubInterface, a []string) ([]byte, error) {
		return s.GetStateValidationParameter(a[0])
	}),
	"range": reader(func(s shim.ChaincodeStubInterface, a []string) ([]byte, error) {
		return list(s.GetStateByRange(a[0], a[1]))
	}),
	"cquery": reader(func(s shim.ChaincodeStubInterface, a []string) ([]byte, error) {
		return list(s.GetStateByPartialCompositeKey(a[0], strings.Split(a[1], "|")))
	}),
	"incr": reader(func(s shim.ChaincodeStubInterface, a []string) ([]byte, error) {
		b, err := s.GetState(a[0])
		n, _ := strconv.Atoi(string(b))
		next := []byte(strconv.Itoa(n + 1))
		return next, errors.Join(err, s.PutState(a[0], next))
	}),
	"rangeput": reader(func(s shim.ChaincodeStubInterface, a []string) ([]byte, error) {
		b, err := list(s.GetStateByRange(a[0], a[1]))
		return b, errors.Join(err, s.PutState(a[2], []byte(strconv.Itoa(len(b)))))
	}),
	"first": reader(func(s shim.ChaincodeStubInterface, a []string) ([]byte, error) {
		it, err := s.GetStateByRange(a[0], a[1])
		if err != nil {
			return nil, err
		}
		r, err := it.Next()
		return []byte(r.GetKey()), errors.Join(err, it.Close())
	}),
	"cput": reader(func(s shim.ChaincodeStubInterface, a []string) ([]byte, error) {
		k, err := s.CreateCompositeKey(a[0], strings.Split(a[1], "|"))
		return []byte(k), errors.Join(err, s.PutState(k, []byte(a[2])))
	}),
	"hist": reader(func(s shim.ChaincodeStubInterface, a []string) ([]byte, error) {
		it, err := s.GetHistoryForKey(a[0])
		if err != nil {
			return nil, err
		}
		defer it.Close()
		var lines []string
		for it.HasNext() {
			m, err := it.Next()
			if err != nil {
				return nil, err
			}
			lines = append(lines, fmt.Sprintf("%s %q %v", m.TxId, m.Value, m.IsDelete))
		}
		return []byte(strings.Join(lines, "\n")), nil
	}),
	"page": func(s shim.ChaincodeStubInterface, a []string) peerpb.Response {
		size, bookmark, _ := strings.Cut(a[2], ",")
		n, _ := strconv.Atoi(size)
		it, md, err := s.GetStateByRangeWithPagination(a[0], a[1], int32(n), bookmark)
		rows, err := list(it, err)
		if err != nil {
			return shim.Error(err.Error())
		}
		message := fmt.Sprintf("fetched_records_count:%d bookmark:%q ", md.GetFetchedRecordsCount(), md.GetBookmark())
		return peerpb.Response{Status: shim.OK, Message: message, Payload: rows}
	},
	"cc2cc": func(s shim.ChaincodeStubInterface, a []string) peerpb.Response {
		var args [][]byte
		for _, x := range strings.Split(a[2], "|") {
			args = append(args, []byte(x))
		}
		return s.InvokeChaincode(a[0], args, a[1])
	},
	"status": func(_ shim.ChaincodeStubInterface, a []string) peerpb.Response {
		n, _ := strconv.Atoi(a[0])
		return peerpb.Response{Status: int32(n), Message: a[1], Payload: []byte(a[2])}
	},
	"fail": func(_ shim.ChaincodeStubInterface, a []string) peerpb.Response { return shim.Error(a[0]) },
	"sleep": func(_ shim.ChaincodeStubInterface, a []string) peerpb.Response {
		n, _ := strconv.Atoi(a[0])
		time.Sleep(time.Duration(n) * time.Millisecond)
		return shim.Success([]byte("slept"))
	},
	"decorations": func(s shim.ChaincodeStubInterface, _ []string) peerpb.Response {
		return shim.Success(fmt.Appendf(nil, "%s %s", s.GetDecorations(), s.GetStringArgs()))
	},
	"secret": reader(func(s shim.ChaincodeStubInterface, _ []string) ([]byte, error) {
		transient, err := s.GetTransient()
		return transient["secret"], err
	}),
}

func list(it shim.StateQueryIteratorInterface, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	defer it.Close()
	var rows []string
	for it.HasNext() {
		r, err := it.Next()
		if err != nil {
			return nil, err
		}
		rows = append(rows, fmt.Sprintf("%q=%q", r.Key, r.Value))
	}
	return []byte(strings.Join(rows, ",")), nil
}
