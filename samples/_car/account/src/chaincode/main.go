// Accounts with balances, as a project of chaintool: the interface files say what can be called, and with which messages.
package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"hyperledger/cci/appinit"
	"hyperledger/cci/com/example/account"
	"hyperledger/ccs"

	"github.com/hyperledger/fabric/core/chaincode/shim"
)

type bank struct{}

// Init opens accounts.
func (b *bank) Init(stub shim.ChaincodeStubInterface, in *appinit.Init) error {
	for _, a := range in.Accounts {
		if err := b.set(stub, a.Owner, a.Balance); err != nil {
			return err
		}
	}
	return nil
}

// Pay moves an amount.
func (b *bank) Pay(stub shim.ChaincodeStubInterface, in *account.Payment) error {
	from, err := b.get(stub, in.From)
	if err != nil {
		return err
	}
	to, err := b.get(stub, in.To)
	if err != nil {
		return err
	}
	if err := b.set(stub, in.From, from-in.Amount); err != nil {
		return err
	}
	return b.set(stub, in.To, to+in.Amount)
}

// CheckBalance tells the balance of an account.
func (b *bank) CheckBalance(stub shim.ChaincodeStubInterface, in *account.Owner) (*account.Balance, error) {
	amount, err := b.get(stub, in.Name)
	if err != nil {
		return nil, err
	}
	standing := account.Balance_EVEN
	switch {
	case amount > 0:
		standing = account.Balance_CREDIT
	case amount < 0:
		standing = account.Balance_DEBT
	}
	return &account.Balance{Amount: amount, Standing: standing}, nil
}

// Ask has another chaincode check a balance.
func (b *bank) Ask(stub shim.ChaincodeStubInterface, in *account.Question) (*account.Balance, error) {
	return account.CheckBalance(stub, in.Chaincode, in.Owner)
}

// Richest tells who has most.
func (b *bank) Richest(stub shim.ChaincodeStubInterface) (*account.Owner, error) {
	rows, err := stub.GetStateByRange("", "")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	richest, most := "", int64(0)
	for rows.HasNext() {
		row, err := rows.Next()
		if err != nil {
			return nil, err
		}
		if amount, err := strconv.ParseInt(string(row.Value), 10, 64); err == nil && (richest == "" || amount > most) {
			richest, most = row.Key, amount
		}
	}
	return &account.Owner{Name: richest}, nil
}

func (b *bank) get(stub shim.ChaincodeStubInterface, owner string) (int64, error) {
	v, err := stub.GetState(owner)
	if err != nil {
		return 0, err
	}
	if v == nil {
		return 0, errors.New("there is no account of " + owner)
	}
	return strconv.ParseInt(string(v), 10, 64)
}

func (b *bank) set(stub shim.ChaincodeStubInterface, owner string, amount int64) error {
	return stub.PutState(owner, []byte(strconv.FormatInt(amount, 10)))
}

func main() {
	b := &bank{}
	if err := ccs.Start(ccs.Interfaces{"appinit": b, "com.example.account": b}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
