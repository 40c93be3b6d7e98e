package client

import (
	"fmt"
	"strings"

	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// ConnectError says that a server could not be reached.
type ConnectError struct {
	Address string
	Err     error
}

func (e *ConnectError) Error() string {
	return fmt.Sprintf("failed to connect to %s: %v", e.Address, e.Err)
}
func (e *ConnectError) Unwrap() error { return e.Err }

// EndorseError says that a peer did not endorse a proposal. Either the call failed (Err is set and carries a gRPC status) or the peer
// answered with a status of 400 or more (Response is set).
type EndorseError struct {
	TxID     string
	Address  string
	Response *peerpb.ProposalResponse
	Err      error
}

func (e *EndorseError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("transaction %s: peer %s: %v", e.TxID, e.Address, e.Err)
	}
	r := e.Response.GetResponse()
	return fmt.Sprintf("transaction %s: peer %s did not endorse: status %d: %s", e.TxID, e.Address, r.GetStatus(), r.GetMessage())
}
func (e *EndorseError) Unwrap() error { return e.Err }

// MismatchError says that two peers simulated one proposal to different results, so that no transaction can be made of them.
type MismatchError struct {
	TxID          string
	First, Second string // addresses
	Differ        string // what differs: response, writes, event, chaincode version
	Differences   []Difference
}

// maxDifferences is how many differences an error lists.
const maxDifferences = 10

func (e *MismatchError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "ProposalResponsePayloads do not match: transaction %s: peers %s and %s differ in the %s; "+
		"is the chaincode deterministic, and are both peers at the same height?", e.TxID, e.First, e.Second, e.Differ)
	for i, d := range e.Differences {
		if i == maxDifferences {
			fmt.Fprintf(&b, "\n  and %d more differences", len(e.Differences)-i)
			break
		}
		fmt.Fprintf(&b, "\n  %s:\n    %s at %s\n    %s at %s", d.What, d.First, e.First, d.Second, e.Second)
	}
	return b.String()
}

// BroadcastError says that an orderer did not take an envelope. Either the call failed (Err) or the orderer answered with a Status other
// than SUCCESS.
type BroadcastError struct {
	TxID    string // empty for envelopes that are no transaction
	Address string
	Status  commonpb.Status
	Info    string
	Err     error
}

func (e *BroadcastError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("orderer %s: %v", e.Address, e.Err)
	}
	return fmt.Sprintf("got unexpected status: %v -- %s", e.Status, e.Info)
}
func (e *BroadcastError) Unwrap() error { return e.Err }

// CommitError says that a peer did not report a transaction VALID: Err tells why nothing is known (a stream that broke, a deadline), else
// Code is what the peer recorded in Block. The transaction was ordered, unless it is NotSent, because nobody could listen for its block.
type CommitError struct {
	TxID    string
	Address string
	NotSent bool
	Block   uint64
	Code    peerpb.TxValidationCode
	Err     error
}

func (e *CommitError) Error() string {
	if e.NotSent {
		return fmt.Sprintf("transaction %s was not sent to the orderer: listening for its block at %s: %v", e.TxID, e.Address, e.Err)
	}
	if e.Err != nil {
		return fmt.Sprintf("transaction %s: waiting for its block at %s: %v", e.TxID, e.Address, e.Err)
	}
	return fmt.Sprintf("transaction %s is in block %d at %s with status (%s)", e.TxID, e.Block, e.Address, e.Code)
}
func (e *CommitError) Unwrap() error { return e.Err }

// DeliverError says that a block stream ended: with a status instead of the block asked for, or because the call failed (Err).
type DeliverError struct {
	Address   string
	ChannelID string
	Status    commonpb.Status
	Err       error
}

func (e *DeliverError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("blocks of channel %s from %s: %v", e.ChannelID, e.Address, e.Err)
	}
	return fmt.Sprintf("can't read the block: &{%v}", e.Status)
}
func (e *DeliverError) Unwrap() error { return e.Err }
