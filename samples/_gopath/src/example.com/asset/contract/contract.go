// Package contract keeps assets on the ledger. It uses every part of the chaincode interface that Fabric 1.4 has, one function for each:
//
//	init  [id owner value]...            creates assets
//	put   id owner value                 creates or changes an asset; event "put"
//	get   id                             the asset as JSON
//	del   id
//	transfer id owner                    changes the owner; event "transfer"
//	history id                           every change of the asset
//	range start end                      assets by id
//	page  start end size [bookmark]      the same, a page at a time
//	owned owner                          ids of an owner's assets, by composite key
//	seal  id                             stores the SHA-256 of the transient field "secret"
//	check id                             whether the transient field "secret" is what was sealed
//	call  chaincode channel fn args...   invokes another chaincode; channel may be empty
//	require id msp...                    from now on these organizations must all endorse changes of the asset
//	required id                          the organizations set by require
//	whoami                               the caller's MSP id and certificate name
package contract

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"sort"
	"strconv"

	"github.com/hyperledger/fabric/core/chaincode/lib/cid"
	"github.com/hyperledger/fabric/core/chaincode/shim"
	"github.com/hyperledger/fabric/core/chaincode/shim/ext/statebased"
	pb "github.com/hyperledger/fabric/protos/peer"
)

// ownerIndex is the object type of the composite keys owner, id.
const ownerIndex = "owner~id"

var logger = shim.NewLogger("asset")

// Asset is what is stored under its id.
type Asset struct {
	ID    string `json:"id"`
	Owner string `json:"owner"`
	Value int    `json:"value"`
	Seal  string `json:"seal,omitempty"`
}

// Contract is the chaincode.
type Contract struct{}

// Init creates the assets given as id, owner, value.
func (c *Contract) Init(stub shim.ChaincodeStubInterface) pb.Response {
	_, args := stub.GetFunctionAndParameters()
	for ; len(args) >= 3; args = args[3:] {
		if _, err := c.put(stub, args[:3]); err != nil {
			return shim.Error(err.Error())
		}
	}
	if len(args) != 0 {
		return shim.Error("init takes id, owner and value for each asset")
	}
	return shim.Success(nil)
}

type function struct {
	args int // at least this many
	run  func(*Contract, shim.ChaincodeStubInterface, []string) ([]byte, error)
}

var functions = map[string]function{
	"put":      {3, (*Contract).put},
	"get":      {1, (*Contract).get},
	"del":      {1, (*Contract).del},
	"transfer": {2, (*Contract).transfer},
	"history":  {1, (*Contract).history},
	"range":    {2, (*Contract).list},
	"page":     {3, (*Contract).page},
	"owned":    {1, (*Contract).owned},
	"seal":     {1, (*Contract).seal},
	"check":    {1, (*Contract).check},
	"require":  {2, (*Contract).require},
	"required": {1, (*Contract).required},
	"whoami":   {0, (*Contract).whoami},
}

// Invoke runs the function named by the first argument.
func (c *Contract) Invoke(stub shim.ChaincodeStubInterface) pb.Response {
	name, args := stub.GetFunctionAndParameters()
	if name == "call" {
		return c.call(stub, args)
	}
	f, ok := functions[name]
	if !ok {
		return shim.Error("unknown function: " + name)
	}
	if len(args) < f.args {
		return shim.Error(fmt.Sprintf("%s takes %d arguments, got %d", name, f.args, len(args)))
	}
	payload, err := f.run(c, stub, args)
	if err != nil {
		logger.Warningf("[%s] %s: %s", stub.GetTxID(), name, err)
		return shim.Error(err.Error())
	}
	return shim.Success(payload)
}

func (c *Contract) put(stub shim.ChaincodeStubInterface, args []string) ([]byte, error) {
	value, err := strconv.Atoi(args[2])
	if err != nil {
		return nil, fmt.Errorf("value of asset %s: %s", args[0], err)
	}
	old, err := load(stub, args[0])
	if err != nil {
		return nil, err
	}
	if old != nil && old.Owner != args[1] {
		return nil, fmt.Errorf("asset %s belongs to %s: transfer it", args[0], old.Owner)
	}
	return nil, c.save(stub, &Asset{ID: args[0], Owner: args[1], Value: value}, "put")
}

func (c *Contract) get(stub shim.ChaincodeStubInterface, args []string) ([]byte, error) {
	a, err := mustLoad(stub, args[0])
	if err != nil {
		return nil, err
	}
	return json.Marshal(a)
}

func (c *Contract) del(stub shim.ChaincodeStubInterface, args []string) ([]byte, error) {
	a, err := mustLoad(stub, args[0])
	if err != nil {
		return nil, err
	}
	if err := unindex(stub, a); err != nil {
		return nil, err
	}
	return nil, stub.DelState(a.ID)
}

func (c *Contract) transfer(stub shim.ChaincodeStubInterface, args []string) ([]byte, error) {
	a, err := mustLoad(stub, args[0])
	if err != nil {
		return nil, err
	}
	if err := unindex(stub, a); err != nil {
		return nil, err
	}
	a.Owner = args[1]
	return nil, c.save(stub, a, "transfer")
}

func (c *Contract) history(stub shim.ChaincodeStubInterface, args []string) ([]byte, error) {
	it, err := stub.GetHistoryForKey(args[0])
	if err != nil {
		return nil, err
	}
	defer it.Close()
	type change struct {
		TxID    string          `json:"txid"`
		Deleted bool            `json:"deleted,omitempty"`
		Asset   json.RawMessage `json:"asset,omitempty"`
	}
	changes := []change{}
	for it.HasNext() {
		m, err := it.Next()
		if err != nil {
			return nil, err
		}
		changes = append(changes, change{TxID: m.TxId, Deleted: m.IsDelete, Asset: m.Value})
	}
	return json.Marshal(changes)
}

func (c *Contract) list(stub shim.ChaincodeStubInterface, args []string) ([]byte, error) {
	it, err := stub.GetStateByRange(args[0], args[1])
	if err != nil {
		return nil, err
	}
	return values(it)
}

func (c *Contract) page(stub shim.ChaincodeStubInterface, args []string) ([]byte, error) {
	size, err := strconv.ParseInt(args[2], 10, 32)
	if err != nil {
		return nil, fmt.Errorf("page size: %s", err)
	}
	bookmark := ""
	if len(args) > 3 {
		bookmark = args[3]
	}
	it, metadata, err := stub.GetStateByRangeWithPagination(args[0], args[1], int32(size), bookmark)
	if err != nil {
		return nil, err
	}
	assets, err := values(it)
	if err != nil {
		return nil, err
	}
	return json.Marshal(struct {
		Assets   json.RawMessage `json:"assets"`
		Count    int32           `json:"count"`
		Bookmark string          `json:"bookmark"`
	}{assets, metadata.FetchedRecordsCount, metadata.Bookmark})
}

func (c *Contract) owned(stub shim.ChaincodeStubInterface, args []string) ([]byte, error) {
	it, err := stub.GetStateByPartialCompositeKey(ownerIndex, args[:1])
	if err != nil {
		return nil, err
	}
	defer it.Close()
	ids := []string{}
	for it.HasNext() {
		kv, err := it.Next()
		if err != nil {
			return nil, err
		}
		_, attributes, err := stub.SplitCompositeKey(kv.Key)
		if err != nil {
			return nil, err
		}
		ids = append(ids, attributes[1])
	}
	return json.Marshal(ids)
}

func (c *Contract) seal(stub shim.ChaincodeStubInterface, args []string) ([]byte, error) {
	a, err := mustLoad(stub, args[0])
	if err != nil {
		return nil, err
	}
	if a.Seal, err = secretHash(stub); err != nil {
		return nil, err
	}
	return []byte(a.Seal), c.save(stub, a, "seal")
}

func (c *Contract) check(stub shim.ChaincodeStubInterface, args []string) ([]byte, error) {
	a, err := mustLoad(stub, args[0])
	if err != nil {
		return nil, err
	}
	seal, err := secretHash(stub)
	if err != nil {
		return nil, err
	}
	return []byte(strconv.FormatBool(seal == a.Seal)), nil
}

func (c *Contract) call(stub shim.ChaincodeStubInterface, args []string) pb.Response {
	if len(args) < 3 {
		return shim.Error("call takes a chaincode, a channel and a function")
	}
	var forwarded [][]byte
	for _, a := range args[2:] {
		forwarded = append(forwarded, []byte(a))
	}
	return stub.InvokeChaincode(args[0], forwarded, args[1])
}

func (c *Contract) require(stub shim.ChaincodeStubInterface, args []string) ([]byte, error) {
	if _, err := mustLoad(stub, args[0]); err != nil {
		return nil, err
	}
	policy, err := statebased.NewStateEP(nil)
	if err != nil {
		return nil, err
	}
	if err := policy.AddOrgs(statebased.RoleTypePeer, args[1:]...); err != nil {
		return nil, err
	}
	b, err := policy.Policy()
	if err != nil {
		return nil, err
	}
	return nil, stub.SetStateValidationParameter(args[0], b)
}

func (c *Contract) required(stub shim.ChaincodeStubInterface, args []string) ([]byte, error) {
	b, err := stub.GetStateValidationParameter(args[0])
	if err != nil {
		return nil, err
	}
	policy, err := statebased.NewStateEP(b)
	if err != nil {
		return nil, err
	}
	orgs := policy.ListOrgs()
	sort.Strings(orgs)
	return json.Marshal(orgs)
}

func (c *Contract) whoami(stub shim.ChaincodeStubInterface, _ []string) ([]byte, error) {
	id, err := cid.New(stub)
	if err != nil {
		return nil, err
	}
	msp, err := id.GetMSPID()
	if err != nil {
		return nil, err
	}
	cert, err := id.GetX509Certificate()
	if err != nil {
		return nil, err
	}
	return []byte(msp + " " + cert.Subject.CommonName), nil
}

// save writes the asset, its place in the owner's index, and an event with the asset as payload.
func (c *Contract) save(stub shim.ChaincodeStubInterface, a *Asset, event string) error {
	b, err := json.Marshal(a)
	if err != nil {
		return err
	}
	if err := stub.PutState(a.ID, b); err != nil {
		return err
	}
	key, err := stub.CreateCompositeKey(ownerIndex, []string{a.Owner, a.ID})
	if err != nil {
		return err
	}
	if err := stub.PutState(key, []byte{0}); err != nil {
		return err
	}
	return stub.SetEvent(event, b)
}

func unindex(stub shim.ChaincodeStubInterface, a *Asset) error {
	key, err := stub.CreateCompositeKey(ownerIndex, []string{a.Owner, a.ID})
	if err != nil {
		return err
	}
	return stub.DelState(key)
}

// load returns nil if there is no such asset.
func load(stub shim.ChaincodeStubInterface, id string) (*Asset, error) {
	b, err := stub.GetState(id)
	if err != nil || b == nil {
		return nil, err
	}
	a := &Asset{}
	if err := json.Unmarshal(b, a); err != nil {
		return nil, fmt.Errorf("asset %s: %s", id, err)
	}
	return a, nil
}

func mustLoad(stub shim.ChaincodeStubInterface, id string) (*Asset, error) {
	a, err := load(stub, id)
	if err == nil && a == nil {
		err = fmt.Errorf("asset %s does not exist", id)
	}
	return a, err
}

func secretHash(stub shim.ChaincodeStubInterface) (string, error) {
	transient, err := stub.GetTransient()
	if err != nil {
		return "", err
	}
	secret, ok := transient["secret"]
	if !ok {
		return "", fmt.Errorf("the transient field secret is missing")
	}
	h := sha256.Sum256(secret)
	return hex.EncodeToString(h[:]), nil
}

// values collects the results, which are JSON, into a JSON array.
func values(it shim.StateQueryIteratorInterface) ([]byte, error) {
	defer it.Close()
	var out bytes.Buffer
	out.WriteByte('[')
	for it.HasNext() {
		kv, err := it.Next()
		if err != nil {
			return nil, err
		}
		if out.Len() > 1 {
			out.WriteByte(',')
		}
		out.Write(kv.Value)
	}
	out.WriteByte(']')
	return out.Bytes(), nil
}
