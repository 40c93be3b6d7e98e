package shim

import (
	"errors"

	"google.golang.org/protobuf/proto"

	pb "github.com/heddleledger/heddle/wire/peerpb"
)

// validationParameter is the metadata entry that holds a key's endorsement policy.
var validationParameter = pb.MetaDataKeys_VALIDATION_PARAMETER.String()

var (
	errEmptyKey        = errors.New("key must not be an empty string")
	errEmptyCollection = errors.New("collection must not be an empty string")
)

// GetState returns the value of key.
func (stub *ChaincodeStub) GetState(key string) ([]byte, error) {
	return stub.get("", key)
}

// PutState writes value to key.
func (stub *ChaincodeStub) PutState(key string, value []byte) error {
	return stub.put("", key, value)
}

// DelState deletes key.
func (stub *ChaincodeStub) DelState(key string) error {
	return stub.del("", key)
}

// SetStateValidationParameter sets the endorsement policy of key.
func (stub *ChaincodeStub) SetStateValidationParameter(key string, ep []byte) error {
	return stub.setValidationParameter("", key, ep)
}

// GetStateValidationParameter returns the endorsement policy of key.
func (stub *ChaincodeStub) GetStateValidationParameter(key string) ([]byte, error) {
	return stub.getValidationParameter("", key)
}

// GetPrivateData returns the value of key in a collection.
func (stub *ChaincodeStub) GetPrivateData(collection, key string) ([]byte, error) {
	if collection == "" {
		return nil, errEmptyCollection
	}
	return stub.get(collection, key)
}

// GetPrivateDataHash returns the hash of that value.
func (stub *ChaincodeStub) GetPrivateDataHash(collection, key string) ([]byte, error) {
	if collection == "" {
		return nil, errEmptyCollection
	}
	return stub.ask(pb.ChaincodeMessage_GET_PRIVATE_DATA_HASH, &pb.GetState{Collection: collection, Key: key})
}

// PutPrivateData writes value to key in a collection.
func (stub *ChaincodeStub) PutPrivateData(collection string, key string, value []byte) error {
	if collection == "" {
		return errEmptyCollection
	}
	return stub.put(collection, key, value)
}

// DelPrivateData deletes key from a collection.
func (stub *ChaincodeStub) DelPrivateData(collection, key string) error {
	if collection == "" {
		return errEmptyCollection
	}
	return stub.del(collection, key)
}

// PurgePrivateData fails: a 1.4 peer drops the message it would take, and the chaincode would wait for ever.
func (stub *ChaincodeStub) PurgePrivateData(collection, key string) error {
	return errors.New("PurgePrivateData needs a channel with the capabilities of Fabric 2.5; DelPrivateData removes the key's present value")
}

// SetPrivateDataValidationParameter sets the endorsement policy of a key in a collection.
func (stub *ChaincodeStub) SetPrivateDataValidationParameter(collection, key string, ep []byte) error {
	return stub.setValidationParameter(collection, key, ep)
}

// GetPrivateDataValidationParameter returns the endorsement policy of a key in a collection.
func (stub *ChaincodeStub) GetPrivateDataValidationParameter(collection, key string) ([]byte, error) {
	return stub.getValidationParameter(collection, key)
}

func (stub *ChaincodeStub) get(collection, key string) ([]byte, error) {
	return stub.ask(pb.ChaincodeMessage_GET_STATE, &pb.GetState{Collection: collection, Key: key})
}

func (stub *ChaincodeStub) put(collection, key string, value []byte) error {
	if key == "" {
		return errEmptyKey
	}
	_, err := stub.ask(pb.ChaincodeMessage_PUT_STATE, &pb.PutState{Collection: collection, Key: key, Value: value})
	return err
}

func (stub *ChaincodeStub) del(collection, key string) error {
	_, err := stub.ask(pb.ChaincodeMessage_DEL_STATE, &pb.DelState{Collection: collection, Key: key})
	return err
}

func (stub *ChaincodeStub) setValidationParameter(collection, key string, ep []byte) error {
	_, err := stub.ask(pb.ChaincodeMessage_PUT_STATE_METADATA, &pb.PutStateMetadata{
		Collection: collection,
		Key:        key,
		Metadata:   &pb.StateMetadata{Metakey: validationParameter, Value: ep},
	})
	return err
}

func (stub *ChaincodeStub) getValidationParameter(collection, key string) ([]byte, error) {
	b, err := stub.ask(pb.ChaincodeMessage_GET_STATE_METADATA, &pb.GetStateMetadata{Collection: collection, Key: key})
	if err != nil {
		return nil, err
	}
	result := &pb.StateMetadataResult{}
	if err := proto.Unmarshal(b, result); err != nil {
		return nil, errors.New("Could not unmarshal metadata response")
	}
	for _, e := range result.Entries {
		if e.GetMetakey() == validationParameter {
			return e.Value, nil
		}
	}
	return nil, nil
}
