package chaincode

import (
	"errors"
	"fmt"
	"sort"

	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/peerpb"
)

func decode(payload []byte, into proto.Message) error {
	if err := proto.Unmarshal(payload, into); err != nil {
		return fmt.Errorf("unmarshal failed: %w", err)
	}
	return nil
}

func (t *transaction) getState(payload []byte) ([]byte, error) {
	r := &peerpb.GetState{}
	if err := decode(payload, r); err != nil {
		return nil, err
	}
	if r.Collection != "" {
		return nil, t.refusePrivate(r.Collection)
	}
	return t.call.Simulator.Get(t.call.Name, r.Key)
}

func (t *transaction) putState(payload []byte) error {
	r := &peerpb.PutState{}
	if err := decode(payload, r); err != nil {
		return err
	}
	if r.Collection != "" {
		return t.refusePrivate(r.Collection)
	}
	return t.call.Simulator.Put(t.call.Name, r.Key, r.Value)
}

func (t *transaction) delState(payload []byte) error {
	r := &peerpb.DelState{}
	if err := decode(payload, r); err != nil {
		return err
	}
	if r.Collection != "" {
		return t.refusePrivate(r.Collection)
	}
	return t.call.Simulator.Delete(t.call.Name, r.Key)
}

func (t *transaction) getStateMetadata(payload []byte) ([]byte, error) {
	if err := t.keyLevelEndorsement(); err != nil {
		return nil, err
	}
	r := &peerpb.GetStateMetadata{}
	if err := decode(payload, r); err != nil {
		return nil, err
	}
	if r.Collection != "" {
		return nil, t.refusePrivate(r.Collection)
	}
	metadata, err := t.call.Simulator.Metadata(t.call.Name, r.Key)
	if err != nil {
		return nil, err
	}
	result := &peerpb.StateMetadataResult{}
	for name, value := range metadata {
		result.Entries = append(result.Entries, &peerpb.StateMetadata{Metakey: name, Value: value})
	}
	sort.Slice(result.Entries, func(i, j int) bool { return result.Entries[i].Metakey < result.Entries[j].Metakey })
	return proto.Marshal(result)
}

// putStateMetadata replaces all metadata of a key by the one entry it is given.
func (t *transaction) putStateMetadata(payload []byte) error {
	if err := t.keyLevelEndorsement(); err != nil {
		return err
	}
	r := &peerpb.PutStateMetadata{}
	if err := decode(payload, r); err != nil {
		return err
	}
	if r.Metadata == nil {
		return errors.New("no metadata given")
	}
	if r.Collection != "" {
		return t.refusePrivate(r.Collection)
	}
	return t.call.Simulator.SetMetadata(t.call.Name, r.Key, map[string][]byte{r.Metadata.Metakey: r.Metadata.Value})
}

func (t *transaction) keyLevelEndorsement() error {
	enabled, joined := t.h.s.KeyLevelEndorsement(t.call.ChannelID)
	if !joined {
		return fmt.Errorf("application config does not exist for %s", t.call.ChannelID)
	}
	if !enabled {
		return errors.New("key level endorsement is not enabled, channel application capability of V1_3 or later is required")
	}
	return nil
}

func (t *transaction) getPrivateDataHash(payload []byte) error {
	r := &peerpb.GetState{}
	if err := decode(payload, r); err != nil {
		return err
	}
	return t.refusePrivate(r.Collection)
}

// refusePrivate answers every call for private data: as Fabric does in Init and for collections that do not exist, else that this peer
// has none.
func (t *transaction) refusePrivate(collection string) error {
	if t.call.Init {
		return errors.New("private data APIs are not allowed in chaincode Init()")
	}
	raw, err := t.call.Simulator.Get(lscc, t.call.Name+"~collection")
	if err != nil {
		return fmt.Errorf("error while retrieving collection for chaincode %s: %w", t.call.Name, err)
	}
	collections := &commonpb.CollectionConfigPackage{}
	if err := decode(raw, collections); err != nil {
		return fmt.Errorf("collections of chaincode %s: %w", t.call.Name, err)
	}
	for _, c := range collections.Config {
		if s := c.GetStaticCollectionConfig(); s != nil && s.Name == collection {
			return fmt.Errorf("private data is not supported by this peer (collection %s/%s/%s)", t.call.ChannelID, t.call.Name, collection)
		}
	}
	return fmt.Errorf("collection %s/%s/%s could not be found", t.call.ChannelID, t.call.Name, collection)
}
