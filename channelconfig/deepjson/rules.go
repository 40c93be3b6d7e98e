package deepjson

import (
	"fmt"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/etcdraftpb"
	"github.com/heddleledger/heddle/wire/kvrwsetpb"
	"github.com/heddleledger/heddle/wire/msppb"
	"github.com/heddleledger/heddle/wire/ordererpb"
	"github.com/heddleledger/heddle/wire/peerpb"
	"github.com/heddleledger/heddle/wire/rwsetpb"
)

// alwaysHolds lists bytes fields that hold one kind of message wherever they stand.
var alwaysHolds = map[protoreflect.FullName]proto.Message{
	"common.Envelope.payload":                                  &commonpb.Payload{},
	"common.Header.channel_header":                             &commonpb.ChannelHeader{},
	"common.Header.signature_header":                           &commonpb.SignatureHeader{},
	"common.SignatureHeader.creator":                           &msppb.SerializedIdentity{},
	"common.BlockData.data":                                    &commonpb.Envelope{},
	"common.ConfigUpdateEnvelope.config_update":                &commonpb.ConfigUpdate{},
	"common.ConfigSignature.signature_header":                  &commonpb.SignatureHeader{},
	"protos.TransactionAction.header":                          &commonpb.SignatureHeader{},
	"protos.TransactionAction.payload":                         &peerpb.ChaincodeActionPayload{},
	"protos.ChaincodeActionPayload.chaincode_proposal_payload": &peerpb.ChaincodeProposalPayload{},
	"protos.ChaincodeEndorsedAction.proposal_response_payload": &peerpb.ProposalResponsePayload{},
	"protos.ChaincodeProposalPayload.input":                    &peerpb.ChaincodeInvocationSpec{},
	"protos.ProposalResponsePayload.extension":                 &peerpb.ChaincodeAction{},
	"protos.ChaincodeAction.results":                           &rwsetpb.TxReadWriteSet{},
	"protos.ChaincodeAction.events":                            &peerpb.ChaincodeEvent{},
}

// dependsOn lists bytes fields whose content another field of the same message tells.
var dependsOn = map[protoreflect.FullName]func(parent proto.Message) (proto.Message, error){
	"common.Payload.data":           payloadData,
	"common.Policy.value":           policyValue,
	"common.MSPPrincipal.principal": principal,
	"msp.MSPConfig.config":          mspConfig,
	"orderer.ConsensusType.metadata": func(parent proto.Message) (proto.Message, error) {
		if parent.(*ordererpb.ConsensusType).GetType() == "etcdraft" {
			return &etcdraftpb.ConfigMetadata{}, nil
		}
		return &emptypb.Empty{}, nil
	},
}

func payloadData(parent proto.Message) (proto.Message, error) {
	header := parent.(*commonpb.Payload).GetHeader()
	if header == nil {
		return nil, fmt.Errorf("cannot determine payload type when header is missing")
	}
	ch := &commonpb.ChannelHeader{}
	if err := proto.Unmarshal(header.ChannelHeader, ch); err != nil {
		return nil, fmt.Errorf("corrupt channel header: %w", err)
	}
	switch commonpb.HeaderType(ch.Type) {
	case commonpb.HeaderType_CONFIG:
		return &commonpb.ConfigEnvelope{}, nil
	case commonpb.HeaderType_CONFIG_UPDATE:
		return &commonpb.ConfigUpdateEnvelope{}, nil
	case commonpb.HeaderType_ORDERER_TRANSACTION:
		return &commonpb.Envelope{}, nil
	case commonpb.HeaderType_ENDORSER_TRANSACTION:
		return &peerpb.Transaction{}, nil
	case commonpb.HeaderType_MESSAGE:
		return &commonpb.ConfigValue{}, nil
	}
	return nil, fmt.Errorf("decoding type %v is unimplemented", ch.Type)
}

func policyValue(parent proto.Message) (proto.Message, error) {
	switch t := parent.(*commonpb.Policy).GetType(); commonpb.Policy_PolicyType(t) {
	case commonpb.Policy_SIGNATURE:
		return &commonpb.SignaturePolicyEnvelope{}, nil
	case commonpb.Policy_IMPLICIT_META:
		return &commonpb.ImplicitMetaPolicy{}, nil
	default:
		return nil, fmt.Errorf("unable to decode policy type: %v", t)
	}
}

func principal(parent proto.Message) (proto.Message, error) {
	switch c := parent.(*msppb.MSPPrincipal).GetPrincipalClassification(); c {
	case msppb.MSPPrincipal_ROLE:
		return &msppb.MSPRole{}, nil
	case msppb.MSPPrincipal_ORGANIZATION_UNIT:
		return &msppb.OrganizationUnit{}, nil
	case msppb.MSPPrincipal_IDENTITY:
		return &msppb.SerializedIdentity{}, nil
	default:
		return nil, fmt.Errorf("unable to decode MSP type: %v", c)
	}
}

func mspConfig(parent proto.Message) (proto.Message, error) {
	switch t := parent.(*msppb.MSPConfig).GetType(); t {
	case 0:
		return &msppb.FabricMSPConfig{}, nil
	case 1:
		return &msppb.IdemixMSPConfig{}, nil
	default:
		return nil, fmt.Errorf("unable to decode MSP type: %v", t)
	}
}

// Fields of later releases than 1.4: written only when set, as 1.4's tools do not have them.
var sinceV2 = map[protoreflect.FullName]bool{
	"common.BlockchainInfo.bootstrappingSnapshotInfo":  true,
	"common.MetadataSignature.identifier_header":       true,
	"common.StaticCollectionConfig.endorsement_policy": true,
	"common.StaticCollectionConfig.member_only_write":  true,
	"kvrwset.KVWriteHash.is_purge":                     true,
	"orderer.SeekInfo.content_type":                    true,
	"protos.ChaincodeInput.is_init":                    true,
	"protos.ProposalResponse.interest":                 true,
}

// Fields of 1.4 that no longer exist on the wire: written as null, and read only as null.
var gone = map[protoreflect.FullName]string{
	"protos.ChaincodeAction": "token_expectation",
}

// scope is what a message's surroundings say about the bytes in it.
type scope struct {
	plain bool          // inside a oneof: expand nothing
	group *groupKind    // the message is a ConfigGroup of this kind
	value proto.Message // the message is a ConfigValue, and this is what it holds
	odd   error         // the message is a ConfigValue of no known name: it can be empty only, as in an update's read set
	rwset bool          // the message is a namespace's part of a key-value read-write set
}

// groupKind says what a group of the configuration tree may have in it.
type groupKind struct {
	name   string
	groups map[string]*groupKind // by name; "" stands for any
	values map[string]proto.Message
}

var (
	orgMSP           = &msppb.MSPConfig{}
	ordererOrgKind   = &groupKind{name: "Orderer Org", values: map[string]proto.Message{"MSP": orgMSP, "Endpoints": &commonpb.OrdererAddresses{}}}
	applicationOrg   = &groupKind{name: "Application Org", values: map[string]proto.Message{"MSP": orgMSP, "AnchorPeers": &peerpb.AnchorPeers{}}}
	consortiumOrg    = &groupKind{name: "Consortium Org", values: map[string]proto.Message{"MSP": orgMSP}}
	consortiumKind   = &groupKind{name: "Consortium", groups: map[string]*groupKind{"": consortiumOrg}, values: map[string]proto.Message{"ChannelCreationPolicy": &commonpb.Policy{}}}
	consortiumsKind  = &groupKind{name: "Consortiums", groups: map[string]*groupKind{"": consortiumKind}}
	applicationGroup = &groupKind{name: "Application", groups: map[string]*groupKind{"": applicationOrg}, values: map[string]proto.Message{
		"Capabilities": &commonpb.Capabilities{}, "ACLs": &peerpb.ACLs{},
	}}
	ordererGroup = &groupKind{name: "Orderer", groups: map[string]*groupKind{"": ordererOrgKind}, values: map[string]proto.Message{
		"ConsensusType": &ordererpb.ConsensusType{}, "BatchSize": &ordererpb.BatchSize{}, "BatchTimeout": &ordererpb.BatchTimeout{},
		"KafkaBrokers": &ordererpb.KafkaBrokers{}, "ChannelRestrictions": &ordererpb.ChannelRestrictions{}, "Capabilities": &commonpb.Capabilities{},
	}}
	channelGroup = &groupKind{
		name:   "Channel",
		groups: map[string]*groupKind{"Orderer": ordererGroup, "Application": applicationGroup, "Consortiums": consortiumsKind},
		values: map[string]proto.Message{
			"HashingAlgorithm": &commonpb.HashingAlgorithm{}, "BlockDataHashingStructure": &commonpb.BlockDataHashingStructure{},
			"OrdererAddresses": &commonpb.OrdererAddresses{}, "Consortium": &commonpb.Consortium{}, "Capabilities": &commonpb.Capabilities{},
		},
	}
)

// holds tells which message a bytes field holds; nil when it holds plain bytes. parent is the message the field is in.
func (s scope) holds(parent proto.Message, field protoreflect.FieldDescriptor, key string) (proto.Message, error) {
	if s.plain || field.ContainingOneof() != nil {
		return nil, nil
	}
	switch field.FullName() {
	case "common.ConfigValue.value":
		return s.value, s.odd
	case "rwset.NsReadWriteSet.rwset":
		if s.rwset {
			return &kvrwsetpb.KVRWSet{}, nil
		}
		return nil, nil
	case "common.ConfigUpdate.isolated_data":
		return nil, fmt.Errorf("Unknown map key: %s", key)
	}
	if m, ok := alwaysHolds[field.FullName()]; ok {
		return m, nil
	}
	if choose, ok := dependsOn[field.FullName()]; ok {
		return choose(parent)
	}
	return nil, nil
}

// below is the scope of a message that stands in a field; key is its key where the field is a map.
func (s scope) below(parent proto.Message, field protoreflect.FieldDescriptor, key string) (scope, error) {
	if s.plain || field.ContainingOneof() != nil {
		return scope{plain: true}, nil
	}
	switch field.FullName() {
	case "common.Config.channel_group", "common.ConfigUpdate.read_set", "common.ConfigUpdate.write_set":
		return scope{group: channelGroup}, nil
	case "rwset.TxReadWriteSet.ns_rwset":
		return scope{rwset: parent.(*rwsetpb.TxReadWriteSet).GetDataModel() == rwsetpb.TxReadWriteSet_KV}, nil
	case "common.ConfigGroup.groups":
		return s.subgroup(key)
	case "common.ConfigGroup.values":
		return s.configValue(key)
	}
	return scope{}, nil
}

func (s scope) subgroup(key string) (scope, error) {
	if s.group == nil {
		return scope{}, nil
	}
	if len(s.group.groups) == 0 {
		return scope{}, fmt.Errorf("%s groups do not support sub groups", s.group.name)
	}
	kind, ok := s.group.groups[key]
	if !ok {
		kind, ok = s.group.groups[""]
	}
	if !ok {
		return scope{}, fmt.Errorf("unknown %s ConfigGroup sub-group: %s", s.group.name, key)
	}
	return scope{group: kind}, nil
}

func (s scope) configValue(key string) (scope, error) {
	if s.group == nil {
		return scope{}, nil
	}
	m, ok := s.group.values[key]
	if !ok {
		return scope{odd: fmt.Errorf("unknown %s ConfigValue name: %s", s.group.name, key)}, nil
	}
	return scope{value: m}, nil
}
