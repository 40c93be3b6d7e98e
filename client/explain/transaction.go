package explain

import (
	"encoding/json"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/heddleledger/heddle/ledger"
	"github.com/heddleledger/heddle/msp"
	"github.com/heddleledger/heddle/policy"
)

// Transaction is all that the chain tells about one transaction. What could not be read of it is left out, and Unreadable says why.
type Transaction struct {
	Channel      string    `json:"channel"`
	TxID         string    `json:"txid"`
	Type         string    `json:"type"`
	Time         time.Time `json:"time"` // as its creator says, if that is a time; a block itself has none
	Block        uint64    `json:"block"`
	Index        int       `json:"index"` // in the block
	Transactions int       `json:"transactions"`
	BlockHash    string    `json:"block_hash"` // hex

	Code     string              `json:"code"`
	Reason   string              `json:"reason"`
	Policy   *policy.Explanation `json:"policy,omitempty"`   // the endorsement policy that was not satisfied
	Conflict *Conflict           `json:"conflict,omitempty"` // what it had read, and was no longer so
	Doubt    string              `json:"doubt,omitempty"`    // what keeps the reason from being certain
	Computed string              `json:"computed,omitempty"` // another code than the recorded one, if that is what comes out

	Creator      *Identity     `json:"creator,omitempty"`
	Chaincode    *Chaincode    `json:"chaincode,omitempty"`
	Args         []Value       `json:"args,omitempty"`
	Deployment   *Deployment   `json:"deployment,omitempty"` // what the arguments mean, if they instantiate or upgrade a chaincode
	Endorsements []Endorsement `json:"endorsements,omitempty"`
	Response     *Response     `json:"response,omitempty"`
	Event        *Event        `json:"event,omitempty"`
	Namespaces   []Namespace   `json:"rwset,omitempty"`
	Config       *Config       `json:"config,omitempty"`
	Unreadable   string        `json:"unreadable,omitempty"`
}

// Conflict is a key that another transaction changed after this one had read it.
type Conflict struct {
	Chaincode  string `json:"chaincode"`
	Collection string `json:"collection,omitempty"`
	Key        string `json:"key"`               // in a collection, the hex of its hash
	Read       string `json:"read,omitempty"`    // version, as block:transaction; empty if the key did not exist
	Current    string `json:"current,omitempty"` // likewise
	Certain    bool   `json:"certain"`           // not so if only hashes of a range query's results are recorded
	Winner     Winner `json:"winner"`
}

// Winner is the transaction that made a conflict.
type Winner struct {
	TxID  string `json:"txid"`
	Block uint64 `json:"block"`
	Index uint64 `json:"index"`
}

func newConflict(c *ledger.Conflict) *Conflict {
	out := &Conflict{Chaincode: c.Namespace, Collection: c.Collection, Key: c.Key.Key, Certain: !c.Guessed,
		Winner: Winner{TxID: c.WriterID, Block: c.Writer.Block, Index: c.Writer.Tx}}
	if c.Collection != "" {
		out.Key = fmt.Sprintf("%x", c.Key.Key)
	}
	if c.Read != nil {
		out.Read = fmt.Sprintf("%d:%d", c.Read.Block, c.Read.Tx)
	}
	if c.Current != nil {
		out.Current = fmt.Sprintf("%d:%d", c.Current.Block, c.Current.Tx)
	}
	return out
}

// Identity is who signed something, as the channel's configuration sees it.
type Identity struct {
	MSPID   string    `json:"mspid"`
	Subject string    `json:"subject,omitempty"`
	Role    string    `json:"role,omitempty"`
	Serial  string    `json:"serial,omitempty"`
	Issuer  string    `json:"issuer,omitempty"`
	Until   time.Time `json:"valid_until,omitzero"`
	Problem string    `json:"problem,omitempty"`
}

func identity(d msp.Description) Identity {
	return Identity{MSPID: d.MSPID, Subject: d.Subject, Role: d.Role, Serial: d.Serial, Issuer: d.Issuer, Until: d.Until, Problem: d.Problem}
}

// Endorsement is one endorser's signature.
type Endorsement struct {
	Identity
	Good bool `json:"good"` // whether the signature is the endorser's, over this response
}

// Chaincode is what was invoked.
type Chaincode struct {
	Name    string `json:"name"`
	Version string `json:"version"` // that the endorsers ran
}

// Deployment is an instantiation or an upgrade.
type Deployment struct {
	Name    string  `json:"name"`
	Version string  `json:"version"`
	Policy  string  `json:"policy,omitempty"` // in the policy language; empty for the default
	Init    []Value `json:"init,omitempty"`
}

// Response is what the chaincode answered.
type Response struct {
	Status  int32  `json:"status"`
	Message string `json:"message,omitempty"`
	Payload Value  `json:"payload,omitempty"`
}

// Event is the chaincode's event.
type Event struct {
	Name    string `json:"name"`
	Payload Value  `json:"payload,omitempty"`
}

// Namespace is what was read and written of one chaincode's state.
type Namespace struct {
	Chaincode   string       `json:"chaincode"`
	Reads       []Read       `json:"reads,omitempty"`
	Queries     []RangeQuery `json:"range_queries,omitempty"`
	Writes      []Write      `json:"writes,omitempty"`
	Metadata    []Metadata   `json:"metadata,omitempty"`
	Collections []Collection `json:"collections,omitempty"`
}

// Read is a key that was read.
type Read struct {
	Key     string `json:"key"`
	Version string `json:"version,omitempty"` // block:transaction; empty if the key did not exist
}

// RangeQuery is a range query with its results.
type RangeQuery struct {
	Start   string `json:"start"`
	End     string `json:"end"`
	Results []Read `json:"results,omitempty"`
	Hashed  bool   `json:"hashed,omitempty"` // there were so many results that only hashes of them are recorded
}

// Write is a key that was written or deleted.
type Write struct {
	Key     string `json:"key"`
	Value   Value  `json:"value,omitempty"`
	Deleted bool   `json:"deleted,omitempty"`
}

// Metadata is a key whose metadata was replaced; its endorsement policy is a part of that.
type Metadata struct {
	Key     string           `json:"key"`
	Policy  string           `json:"policy,omitempty"` // in the policy language
	Entries map[string]Value `json:"entries,omitempty"`
}

// Collection is what was read and written of a private data collection, of which blocks hold hashes only. Keys and values are hex.
type Collection struct {
	Name     string     `json:"name"`
	Reads    []Read     `json:"reads,omitempty"`
	Writes   []Write    `json:"writes,omitempty"`
	Metadata []Metadata `json:"metadata,omitempty"`
}

// Config is a configuration transaction.
type Config struct {
	Sequence uint64     `json:"sequence"`
	Changes  []string   `json:"changes,omitempty"`
	Signers  []Identity `json:"signers,omitempty"` // of the update
}

// Value is bytes, which are text in JSON if they are text at all, else {"base64": …}.
type Value []byte

// MarshalJSON writes text as a string.
func (v Value) MarshalJSON() ([]byte, error) {
	if utf8.Valid(v) {
		return json.Marshal(string(v))
	}
	return json.Marshal(map[string][]byte{"base64": v})
}

// String is the value quoted, its end left out if it is long.
func (v Value) String() string {
	const most = 200
	if len(v) <= most {
		return fmt.Sprintf("%q", []byte(v))
	}
	return fmt.Sprintf("%.*q… (%d bytes)", most, []byte(v), len(v))
}
