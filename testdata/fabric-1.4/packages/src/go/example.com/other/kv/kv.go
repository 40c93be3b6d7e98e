// Package main is a small chaincode that touches every part of the chaincode interface.
package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/hyperledger/fabric/core/chaincode/shim"
	pb "github.com/hyperledger/fabric/protos/peer"
)

type kv struct{}

func done(b []byte, err error) pb.Response {
	if err != nil {
		return shim.Error(err.Error())
	}
	return shim.Success(b)
}

func list(it shim.StateQueryIteratorInterface, err error) pb.Response {
	if err != nil {
		return shim.Error(err.Error())
	}
	defer it.Close()
	var out []string
	for it.HasNext() {
		r, err := it.Next()
		if err != nil {
			return shim.Error(err.Error())
		}
		out = append(out, fmt.Sprintf("%q=%q", r.Key, r.Value))
	}
	return shim.Success([]byte(strings.Join(out, ",")))
}

func (kv) Init(s shim.ChaincodeStubInterface) pb.Response {
	_, a := s.GetFunctionAndParameters()
	for i := 0; i+1 < len(a); i += 2 {
		if a[i] == "fail" {
			return shim.Error("init refused: " + a[i+1])
		}
		if err := s.PutState(a[i], []byte(a[i+1])); err != nil {
			return shim.Error(err.Error())
		}
	}
	return shim.Success([]byte("init done"))
}

func (kv) Invoke(s shim.ChaincodeStubInterface) pb.Response {
	f, a := s.GetFunctionAndParameters()
	for len(a) < 3 {
		a = append(a, "")
	}
	switch f {
	case "put":
		return done([]byte("ok"), s.PutState(a[0], []byte(a[1])))
	case "get":
		return done(s.GetState(a[0]))
	case "del":
		return done(nil, s.DelState(a[0]))
	case "incr": // read, then write
		b, err := s.GetState(a[0])
		n, _ := strconv.Atoi(string(b))
		if err == nil {
			err = s.PutState(a[0], []byte(strconv.Itoa(n+1)))
		}
		return done([]byte(strconv.Itoa(n+1)), err)
	case "fill": // prefix count: many puts
		n, _ := strconv.Atoi(a[1])
		for i := 0; i < n; i++ {
			if err := s.PutState(fmt.Sprintf("%s%04d", a[0], i), []byte(strconv.Itoa(i))); err != nil {
				return shim.Error(err.Error())
			}
		}
		return shim.Success(nil)
	case "range":
		return list(s.GetStateByRange(a[0], a[1]))
	case "rangeput": // a range read followed by a write of the result's length
		r := list(s.GetStateByRange(a[0], a[1]))
		return done(r.Payload, s.PutState(a[2], []byte(strconv.Itoa(len(r.Payload)))))
	case "first": // opens a range, takes one result, closes it
		it, err := s.GetStateByRange(a[0], a[1])
		if err != nil {
			return shim.Error(err.Error())
		}
		r, err := it.Next()
		if err != nil {
			return shim.Error(err.Error())
		}
		return done([]byte(r.Key), it.Close())
	case "page": // start end size,bookmark
		p := strings.SplitN(a[2]+",", ",", 2)
		n, _ := strconv.Atoi(p[0])
		it, md, err := s.GetStateByRangeWithPagination(a[0], a[1], int32(n), strings.TrimSuffix(p[1], ","))
		r := list(it, err)
		r.Message = md.String()
		return r
	case "cput": // objectType attrs(| separated) value
		k, err := s.CreateCompositeKey(a[0], strings.Split(a[1], "|"))
		if err == nil {
			err = s.PutState(k, []byte(a[2]))
		}
		return done([]byte(k), err)
	case "cquery":
		return list(s.GetStateByPartialCompositeKey(a[0], strings.Split(a[1], "|")))
	case "hist":
		it, err := s.GetHistoryForKey(a[0])
		if err != nil {
			return shim.Error(err.Error())
		}
		defer it.Close()
		var out []string
		for it.HasNext() {
			m, err := it.Next()
			if err != nil {
				return shim.Error(err.Error())
			}
			out = append(out, fmt.Sprintf("%s %q %v", m.TxId, m.Value, m.IsDelete))
		}
		return shim.Success([]byte(strings.Join(out, "\n")))
	case "rich":
		return list(s.GetQueryResult(a[0]))
	case "event":
		if err := s.PutState("last-event", []byte(a[0])); err != nil {
			return shim.Error(err.Error())
		}
		return done(nil, s.SetEvent(a[0], []byte(a[1])))
	case "cc2cc": // chaincode channel fn|arg|...
		var b [][]byte
		for _, x := range strings.Split(a[2], "|") {
			b = append(b, []byte(x))
		}
		return s.InvokeChaincode(a[0], b, a[1])
	case "sbe":
		return done(nil, s.SetStateValidationParameter(a[0], s.GetArgs()[2]))
	case "sbeget":
		return done(s.GetStateValidationParameter(a[0]))
	case "pput": // collection key; the value comes in the transient map
		t, err := s.GetTransient()
		if err != nil {
			return shim.Error(err.Error())
		}
		return done(nil, s.PutPrivateData(a[0], a[1], t["value"]))
	case "pget":
		return done(s.GetPrivateData(a[0], a[1]))
	case "phash":
		return done(s.GetPrivateDataHash(a[0], a[1]))
	case "pincr":
		b, err := s.GetPrivateData(a[0], a[1])
		if err == nil {
			err = s.PutPrivateData(a[0], a[1], append(b, '+'))
		}
		return done(nil, err)
	case "pdel":
		return done(nil, s.DelPrivateData(a[0], a[1]))
	case "prange":
		return list(s.GetPrivateDataByRange(a[0], a[1], a[2]))
	case "status": // status message
		n, _ := strconv.Atoi(a[0])
		return pb.Response{Status: int32(n), Message: a[1], Payload: []byte(a[2])}
	case "who":
		b, err := s.GetCreator()
		return done(b, err)
	case "sleep":
		n, _ := strconv.Atoi(a[0])
		time.Sleep(time.Duration(n) * time.Millisecond)
		return shim.Success([]byte("slept"))
	case "fail":
		return shim.Error(a[0])
	case "panic":
		panic(a[0])
	case "exit":
		os.Exit(7)
	}
	return shim.Error("unknown function: " + f)
}

func main() {
	if err := shim.Start(kv{}); err != nil {
		fmt.Println("chaincode stopped:", err)
		os.Exit(1)
	}
}
