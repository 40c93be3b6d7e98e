package acl

// Policies that a resource may need by default. The channel ones are paths in the channel's configuration.
const (
	ChannelReaders = "/Channel/Application/Readers"
	ChannelWriters = "/Channel/Application/Writers"
)

// Roles of the peer's own MSP that a peer-wide request may need.
const (
	Members = "Members"
	Admins  = "Admins"
)

// The resources of Fabric 1.4.12 that a channel may guard with a policy of its own.
const (
	LsccDeploy                    = "lscc/Deploy"
	LsccUpgrade                   = "lscc/Upgrade"
	LsccChaincodeExists           = "lscc/ChaincodeExists"
	LsccGetDeploymentSpec         = "lscc/GetDeploymentSpec"
	LsccGetChaincodeData          = "lscc/GetChaincodeData"
	LsccGetInstantiatedChaincodes = "lscc/GetInstantiatedChaincodes"
	LsccGetCollectionsConfig      = "lscc/GetCollectionsConfig"

	QsccGetChainInfo       = "qscc/GetChainInfo"
	QsccGetBlockByNumber   = "qscc/GetBlockByNumber"
	QsccGetBlockByHash     = "qscc/GetBlockByHash"
	QsccGetTransactionByID = "qscc/GetTransactionByID"
	QsccGetBlockByTxID     = "qscc/GetBlockByTxID"

	CsccGetConfigBlock           = "cscc/GetConfigBlock"
	CsccGetConfigTree            = "cscc/GetConfigTree"
	CsccSimulateConfigTreeUpdate = "cscc/SimulateConfigTreeUpdate"

	PeerPropose              = "peer/Propose"
	PeerChaincodeToChaincode = "peer/ChaincodeToChaincode"

	TokenIssue    = "token/Issue"
	TokenTransfer = "token/Transfer"
	TokenList     = "token/List"

	EventBlock         = "event/Block"
	EventFilteredBlock = "event/FilteredBlock"
)

// The resources that only a role of the peer's own MSP guards; no channel can override them.
const (
	LsccInstall                = "lscc/Install"
	LsccGetInstalledChaincodes = "lscc/GetInstalledChaincodes"
	CsccJoinChain              = "cscc/JoinChain"
	CsccGetChannels            = "cscc/GetChannels"
)

// channelDefault is the policy a channel resource needs when the channel's ACLs do not name one. Deploy and upgrade have none: they are
// covered by the check of the proposal itself and by the chaincode's instantiation policy.
var channelDefault = map[string]string{
	LsccChaincodeExists:           ChannelReaders,
	LsccGetDeploymentSpec:         ChannelReaders,
	LsccGetChaincodeData:          ChannelReaders,
	LsccGetInstantiatedChaincodes: ChannelReaders,
	LsccGetCollectionsConfig:      ChannelReaders,

	QsccGetChainInfo:       ChannelReaders,
	QsccGetBlockByNumber:   ChannelReaders,
	QsccGetBlockByHash:     ChannelReaders,
	QsccGetTransactionByID: ChannelReaders,
	QsccGetBlockByTxID:     ChannelReaders,

	CsccGetConfigBlock:           ChannelReaders,
	CsccGetConfigTree:            ChannelReaders,
	CsccSimulateConfigTreeUpdate: ChannelWriters,

	PeerPropose:              ChannelWriters,
	PeerChaincodeToChaincode: ChannelWriters,

	TokenIssue:    ChannelWriters,
	TokenTransfer: ChannelWriters,
	TokenList:     ChannelReaders,

	EventBlock:         ChannelReaders,
	EventFilteredBlock: ChannelReaders,
}

// localRole is the role of the peer's own MSP that a peer-wide resource needs.
var localRole = map[string]string{
	LsccInstall:                Admins,
	LsccGetInstalledChaincodes: Admins,
	CsccJoinChain:              Admins,
	CsccGetChannels:            Members,
}
