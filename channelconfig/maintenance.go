package channelconfig

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/etcdraftpb"
	"github.com/heddleledger/heddle/wire/ordererpb"
)

// CheckMaintenance checks that a CONFIG transaction keeps the rules of changing the consensus type: it changes only while the channel is, and
// stays, in maintenance; and an update that enters or leaves maintenance does nothing else. An ordering node applies it to every CONFIG
// transaction.
func (b *Bundle) CheckMaintenance(ce *commonpb.ConfigEnvelope) error {
	if b.orderer == nil {
		return errors.New("config does not contain orderer config")
	}
	if ce.GetLastUpdate() == nil {
		return errors.New("updated config does not include a config update")
	}
	next, err := New(b.channelID, ce.Config)
	if err != nil {
		return fmt.Errorf("failed to parse config: %w", err)
	}
	if next.orderer == nil {
		return errors.New("next config is missing orderer group")
	}
	was, is := b.orderer, next.orderer
	if !was.Capabilities.ConsensusTypeMigration {
		return checkNoMigration(was, is)
	}
	if was.ConsensusState != is.ConsensusState {
		if err := checkStateChange(ce.LastUpdate, was, is); err != nil {
			return err
		}
	}
	if was.ConsensusType != is.ConsensusType {
		return checkTypeChange(was, is)
	}
	return nil
}

func checkNoMigration(was, is *Orderer) error {
	if is.ConsensusState != ordererpb.ConsensusType_STATE_NORMAL {
		return fmt.Errorf("next config attempted to change ConsensusType.State to %s, but capability is disabled", is.ConsensusState)
	}
	if was.ConsensusType != is.ConsensusType {
		return fmt.Errorf("next config attempted to change ConsensusType.Type from %s to %s, but capability is disabled", was.ConsensusType, is.ConsensusType)
	}
	return nil
}

func checkStateChange(update *commonpb.Envelope, was, is *Orderer) error {
	if err := consensusTypeOnly(update); err != nil {
		return err
	}
	if was.ConsensusType != is.ConsensusType {
		return fmt.Errorf("attempted to change ConsensusType.Type from %s to %s, but ConsensusType.State is changing from %s to %s",
			was.ConsensusType, is.ConsensusType, was.ConsensusState, is.ConsensusState)
	}
	if !bytes.Equal(was.ConsensusMetadata, is.ConsensusMetadata) {
		return fmt.Errorf("attempted to change ConsensusType.Metadata, but ConsensusType.State is changing from %s to %s", was.ConsensusState, is.ConsensusState)
	}
	return nil
}

func checkTypeChange(was, is *Orderer) error {
	if was.ConsensusState == ordererpb.ConsensusType_STATE_NORMAL {
		return fmt.Errorf("attempted to change consensus type from %s to %s, but current config ConsensusType.State is not in maintenance mode", was.ConsensusType, is.ConsensusType)
	}
	if is.ConsensusState == ordererpb.ConsensusType_STATE_NORMAL {
		return fmt.Errorf("attempted to change consensus type from %s to %s, but next config ConsensusType.State is not in maintenance mode", was.ConsensusType, is.ConsensusType)
	}
	if !slices.Contains([]string{"etcdraft", "solo", "kafka"}, is.ConsensusType) {
		return fmt.Errorf("attempted to change consensus type from %s to %s, transition not supported", was.ConsensusType, is.ConsensusType)
	}
	if is.ConsensusType == "etcdraft" {
		if err := proto.Unmarshal(is.ConsensusMetadata, &etcdraftpb.ConfigMetadata{}); err != nil {
			return fmt.Errorf("failed to unmarshal etcdraft metadata configuration: %w", err)
		}
	}
	return nil
}

// consensusTypeOnly checks that an update's write set holds the ConsensusType value and nothing else.
func consensusTypeOnly(env *commonpb.Envelope) error {
	e := &commonpb.ConfigUpdateEnvelope{}
	if _, err := OpenEnvelope(env, commonpb.HeaderType_CONFIG_UPDATE, e); err != nil {
		return fmt.Errorf("envelope to config update unmarshaling error: %w", err)
	}
	update := &commonpb.ConfigUpdate{}
	if err := wire.Unmarshal(e.ConfigUpdate, update); err != nil {
		return fmt.Errorf("config update unmarshaling error: %w", err)
	}
	write := update.GetWriteSet()
	orderer := write.GetGroups()[OrdererKey]
	switch {
	case len(write.GetGroups()) == 0:
		return errors.New("config update contains no changes")
	case len(write.GetValues()) > 0:
		return fmt.Errorf("config update contains changes to values in group %s", ChannelKey)
	case len(write.GetGroups()) > 1:
		return errors.New("config update contains changes to more than one group")
	case orderer == nil:
		return fmt.Errorf("update does not contain the %s group", OrdererKey)
	case len(orderer.Groups) > 0:
		return fmt.Errorf("config update contains changes to groups within the %s group", OrdererKey)
	case !hasValue(orderer, ConsensusTypeKey):
		return fmt.Errorf("config update does not contain the %s value", ConsensusTypeKey)
	case len(orderer.Values) > 1:
		return fmt.Errorf("config update contain more then just the %s value in the %s group", ConsensusTypeKey, OrdererKey)
	}
	return nil
}
