package config

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Keys that some release of Fabric knows and Heddle does not use, one section to a line: the section, a colon, and its keys.
// A key that ends in .* may have anything below it.
const (
	ignoredCore = `
peer: gomaxprocs sync.*
peer.gossip: bootstrap useLeaderElection orgLeader membershipTrackerInterval endpoint maxBlockCountToStore maxPropagationBurstLatency maxPropagationBurstSize propagateIterations propagatePeerNum pullInterval pullPeerNum requestStateInfoInterval publishStateInfoInterval stateInfoRetentionInterval publishCertPeriod skipBlockVerification dialTimeout connTimeout recvBuffSize sendBuffSize digestWaitTime requestWaitTime responseWaitTime aliveTimeInterval aliveExpirationTimeout reconnectInterval maxConnectionAttempts msgExpirationFactor externalEndpoint nonBlockingCommitMode skipHandshake ignoreSecurity
peer.gossip.election: startupGracePeriod membershipSampleInterval leaderAliveThreshold leaderElectionDuration
peer.gossip.pvtData: pullRetryThreshold minPeers maxPeers transientstoreMaxBlockRetention pushAckTimeout btlPullMargin reconcileBatchSize reconcileSleepInterval reconciliationEnabled skipPullingInvalidTransactionsDuringCommit
peer.gossip.pvtData.implicitCollectionDisseminationPolicy: requiredPeerCount maxPeerCount
peer.gossip.state: enabled checkInterval responseTimeout batchSize blockBufferSize channelSize maxRetries
peer.gateway: enabled endorsementTimeout broadcastTimeout dialTimeout
peer.discovery: enabled authCacheEnabled authCacheMaxSize authCachePurgeRetentionRatio orgMembersAllowedAccess
peer.adminService: enabled
peer.events: address buffersize timeout timewindow keepalive.minInterval sendTimeout
peer.validator: enabled
peer.validator.events: address
peer.deliveryclient: blockGossipEnabled blockCensorshipTimeoutKey minimalReconnectInterval policy
peer.limits.concurrency: gatewayService qscc
peer.BCCSP.PKCS11: Library Label Pin Hash Security SoftwareVerify Sensitive Immutable AltID KeyIds FileKeyStore.KeyStore
peer.tls: handshakeTimeShift
peer.authentication: noExpirationChecks
vm.docker.tls: clientAuthRequired
vm.docker.hostConfig: Privileged Binds.* Links.* PortBindings.*
chaincode: installTimeout id.path id.name peerAddress java.Dockerfile systemPlugins.* externalBuilders.* deploytimeout buildlevel
chaincode.runtimeParams: useWriteBatch maxSizeWriteBatch useGetMultipleKeys maxSizeGetMultipleKeys
ledger: blockchain.*
ledger.state: queryLimit
ledger.state.couchDBConfig: couchDBAddress username password maxRetries maxRetriesOnStartup requestTimeout internalQueryLimit queryLimit maxBatchUpdateSize warmIndexesAfterNBlocks autoWarmIndexes createGlobalChangesDB cacheSize redoLogPath
ledger.pvtdataStore: collElgProcMaxDbBatchSize collElgProcDbBatchesInterval deprioritizedDataReconcilerInterval purgeInterval purgedKeyAuditLogging
ledger.snapshots: rootDir
logging: level format peer cauthdsl gossip grpc ledger msp policies node
metrics: enabled reporter interval
metrics.statsdReporter: address flushInterval flushBytes
metrics.promReporter: listenAddress
orderer: address client.connTimeout
orderer.tls: enabled clientAuthRequired rootcert.file clientKey.file clientCert.file serverhostoverride handshakeTimeShift
`
	ignoredOrderer = `
General: LogLevel LogFormat OrdererType
General.Backoff: BaseDelay Multiplier MaxDelay
General.Throttling: Rate InactivityTimeout
General.Cluster: ListenAddress ListenPort ServerPrivateKey ClientCertificate ClientPrivateKey RootCAs DialTimeout RPCTimeout SendBufferSize TLSHandshakeTimeShift ReplicationBufferSize ReplicationPullTimeout ReplicationRetryTimeout ReplicationBackgroundRefreshInterval ReplicationMaxRetries ReplicationPolicy
Consensus: SnapDir EvictionSuspicion
General.BCCSP.PKCS11: Library Label Pin Hash Security SoftwareVerify Sensitive Immutable AltID KeyIds FileKeyStore.KeyStore
RAMLedger: HistorySize
Kafka: Verbose Version Topic.ReplicationFactor
Kafka.Retry: ShortInterval ShortTotal LongInterval LongTotal NetworkTimeouts.DialTimeout NetworkTimeouts.ReadTimeout NetworkTimeouts.WriteTimeout Metadata.RetryBackoff Metadata.RetryMax Producer.RetryBackoff Producer.RetryMax Consumer.RetryBackoff
Kafka.TLS: Enabled PrivateKey.* Certificate.* RootCAs.* ClientAuthRequired ClientRootCAs TLSHandshakeTimeShift
Kafka.SASLPlain: Enabled User Password
Debug: BroadcastTraceDir DeliverTraceDir
Operations.TLS: TLSHandshakeTimeShift
Admin: ListenAddress
Admin.TLS: Enabled Certificate PrivateKey RootCAs ClientAuthRequired ClientRootCAs TLSHandshakeTimeShift
ChannelParticipation: Enabled MaxRequestBodySize
`
)

// environmentLine sorts what the environment gives behind what the file gives.
const environmentLine = 1 << 30

// ignored is a parsed list of keys that are known and not used.
type ignored struct {
	keys   []string          // as documented, sections included
	group  map[string]string // lower-case key → the section its notice is about
	opaque map[string]bool   // keys with anything below them
	seen   map[string]*seenKeys
}

// seenKeys are the unused keys of one section that a configuration gives.
type seenKeys struct {
	where string
	line  int // of the first; those of the environment come last
	keys  []string
}

func parseIgnored(text string) *ignored {
	ig := &ignored{group: map[string]string{}, opaque: map[string]bool{}, seen: map[string]*seenKeys{}}
	for line := range strings.Lines(text) {
		section, keys, _ := strings.Cut(line, ":")
		section = strings.TrimSuffix(section, ".*")
		for _, key := range strings.Fields(keys) {
			key, opaque := strings.CutSuffix(key, ".*")
			ig.add(section, section+"."+key, opaque)
		}
	}
	return ig
}

// add enters a key and the sections above it.
func (ig *ignored) add(section, key string, opaque bool) {
	if _, ok := ig.group[strings.ToLower(key)]; !ok {
		ig.keys = append(ig.keys, key)
	}
	ig.group[strings.ToLower(key)] = section
	if opaque {
		ig.opaque[strings.ToLower(key)] = true
	}
	for dot := strings.LastIndexByte(key, '.'); dot > 0; dot = strings.LastIndexByte(key, '.') {
		key = key[:dot]
		if _, ok := ig.group[strings.ToLower(key)]; ok {
			return
		}
		ig.group[strings.ToLower(key)] = ""
		ig.keys = append(ig.keys, key)
	}
}

// reportRest deals with the keys of a mapping that no field took: unused ones are noted, unknown ones are problems.
func (l *loader) reportRest(entries map[string]*entry, prefix string, fields []field) {
	for _, e := range sorted(entries) {
		if e.used || prefix == "" && strings.HasPrefix(strings.ToLower(e.name), "x-") {
			continue
		}
		key := prefix + e.name
		section, known := l.ignored.group[strings.ToLower(key)]
		switch {
		case !known:
			l.reportUnknown(e, key, l.suggest(e.name, key, prefix, fields))
		case section != "":
			l.note(section, key, e)
		default:
			if node := resolve(e.value); node != nil && node.Kind == yaml.MappingNode && l.spend(e.key) {
				l.reportRest(l.entries(node, key+".", strings.ToLower), key+".", nil)
			}
		}
	}
}

// reportUnknown deals with a key that nobody knows: a misspelt one, which is like a known one, is always a problem.
func (l *loader) reportUnknown(e *entry, key, suggestion string) {
	if suggestion != "" || !l.options.PassStrangers {
		l.problem(e.key, key, " is not a known key%s", suggestion)
		return
	}
	l.notices = append(l.notices, Notice{Where: l.at(e.key), Text: key + " is not a known key and has no effect"})
}

// note remembers that the file gives an unused key, once however many aliases lead to it. An empty one asks for nothing.
func (l *loader) note(section, key string, e *entry) {
	if isNull(e.value) || l.noted[e.key] {
		return
	}
	l.noted[e.key] = true
	l.ignored.note(section, key, l.at(e.key), e.key.Line)
}

// noteField remembers an unused key that has a field, if the file or the environment gives it.
func (l *loader) noteField(section, key string, e *entry) {
	if variable := l.variable(key); l.env[variable] != "" {
		l.ignored.note(section, key, variable, environmentLine)
	} else if e != nil {
		l.note(section, key, e)
	}
}

func (ig *ignored) note(section, key, where string, line int) {
	s := ig.seen[section]
	if s == nil {
		s = &seenKeys{where: where, line: line}
		ig.seen[section] = s
	}
	if name := strings.TrimPrefix(key[min(len(section), len(key)):], "."); !slices.Contains(s.keys, name) {
		s.keys = append(s.keys, name)
	}
}

// collectNotices makes one notice per section with unused keys.
func (l *loader) collectNotices() {
	sections := make([]string, 0, len(l.ignored.seen))
	for s := range l.ignored.seen {
		sections = append(sections, s)
	}
	sort.Slice(sections, func(i, j int) bool {
		a, b := l.ignored.seen[sections[i]], l.ignored.seen[sections[j]]
		return a.line < b.line || a.line == b.line && sections[i] < sections[j]
	})
	var notices []Notice
	for _, s := range sections {
		seen := l.ignored.seen[s]
		notices = append(notices, Notice{Where: seen.where, Text: fmt.Sprintf("%s: not used by Heddle: %s", s, strings.Join(seen.keys, ", "))})
	}
	l.notices = append(notices, l.notices...)
}

// checkEnvironment notes variables that name unused keys, and those that look like a misspelt key. Other programs share the prefix, so
// nothing here is a problem.
func (l *loader) checkEnvironment() {
	if l.options.Root != "" {
		return
	}
	byVariable := map[string]string{}
	for _, key := range l.known {
		byVariable[l.variable(key)] = key
	}
	names := make([]string, 0, len(l.env))
	for name := range l.env {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		key, ok := byVariable[name]
		if !ok {
			if near := nearest(strings.ToLower(name), l.known, func(k string) string { return strings.ToLower(l.variable(k)) }); near != "" {
				l.notices = append(l.notices, Notice{Where: name, Text: fmt.Sprintf("sets no known key; did you mean %s?", l.variable(near))})
			}
			continue
		}
		if section := l.ignored.group[strings.ToLower(key)]; section != "" {
			l.ignored.note(section, key, name, environmentLine)
		}
	}
}

func (l *loader) at(n *yaml.Node) string { return fmt.Sprintf("%s:%d", l.file, n.Line) }

// suggest proposes a known key in place of an unknown one: one of the same section, else any.
func (l *loader) suggest(name, key, prefix string, fields []field) string {
	siblings := make([]string, len(fields))
	for i, f := range fields {
		siblings[i] = f.name
	}
	if near := nearest(strings.ToLower(name), siblings, strings.ToLower); near != "" {
		return fmt.Sprintf("; did you mean %s%s?", prefix, near)
	}
	if near := nearest(strings.ToLower(key), l.known, strings.ToLower); near != "" {
		return fmt.Sprintf("; did you mean %s?", near)
	}
	return ""
}

// nearest is the candidate whose form differs from word by the fewest edits, at most three and at most a third of the last name's
// length (one at least); empty if there is none.
func nearest(word string, candidates []string, form func(string) string) string {
	last := word[strings.LastIndexAny(word, "._")+1:]
	limit := min(3, max(1, len(last)/3))
	best := ""
	for _, c := range candidates {
		if d := distance(word, form(c), limit); d <= limit {
			best, limit = c, d-1
		}
	}
	return best
}

// distance counts the edits between a and b: letters put in, left out, changed, or swapped with a neighbour. Beyond limit it is inexact.
func distance(a, b string, limit int) int {
	if len(a)-len(b) > limit || len(b)-len(a) > limit {
		return limit + 1
	}
	before, row, next := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		next[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			next[j] = min(row[j]+1, next[j-1]+1, row[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				next[j] = min(next[j], before[j-2]+1)
			}
		}
		before, row, next = row, next, before
	}
	return row[len(b)]
}
