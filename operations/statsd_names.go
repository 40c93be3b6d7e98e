package operations

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	dto "github.com/prometheus/client_model/go"
)

// fabricNames are the names that Fabric 1.4.12 gives its metrics in statsd, %{label} standing for a label's value. With an underscore for each point
// they begin with the metric's Prometheus name.
const fabricNames = `
blockcutter.block_fill_duration.%{channel}
broadcast.enqueue_duration.%{channel}.%{type}.%{status}
broadcast.processed_count.%{channel}.%{type}.%{status}
broadcast.validate_duration.%{channel}.%{type}.%{status}
chaincode.execute_timeouts.%{chaincode}
chaincode.launch_duration.%{chaincode}.%{success}
chaincode.launch_failures.%{chaincode}
chaincode.launch_timeouts.%{chaincode}
chaincode.shim_request_duration.%{type}.%{channel}.%{chaincode}.%{success}
chaincode.shim_requests_completed.%{type}.%{channel}.%{chaincode}.%{success}
chaincode.shim_requests_received.%{type}.%{channel}.%{chaincode}
consensus.etcdraft.cluster_size.%{channel}
consensus.etcdraft.committed_block_number.%{channel}
consensus.etcdraft.config_proposals_received.%{channel}
consensus.etcdraft.data_persist_duration.%{channel}
consensus.etcdraft.is_leader.%{channel}
consensus.etcdraft.leader_changes.%{channel}
consensus.etcdraft.normal_proposals_received.%{channel}
consensus.etcdraft.proposal_failures.%{channel}
consensus.etcdraft.snapshot_block_number.%{channel}
deliver.blocks_sent.%{channel}.%{filtered}
deliver.requests_completed.%{channel}.%{filtered}.%{success}
deliver.requests_received.%{channel}.%{filtered}
deliver.streams_closed
deliver.streams_opened
dockercontroller.chaincode_container_build_duration.%{chaincode}.%{success}
endorser.chaincode_instantiation_failures.%{channel}.%{chaincode}
endorser.duplicate_transaction_failures.%{channel}.%{chaincode}
endorser.endorsement_failures.%{channel}.%{chaincode}.%{chaincodeerror}
endorser.proposal_acl_failures.%{channel}.%{chaincode}
endorser.proposal_duration.%{channel}.%{chaincode}.%{success}
endorser.proposal_validation_failures
endorser.proposals_received
endorser.successful_proposals
fabric_version.%{version}
grpc.comm.conn_closed
grpc.comm.conn_opened
grpc.server.stream_messages_received.%{service}.%{method}
grpc.server.stream_messages_sent.%{service}.%{method}
grpc.server.stream_request_duration.%{service}.%{method}.%{code}
grpc.server.stream_requests_completed.%{service}.%{method}.%{code}
grpc.server.stream_requests_received.%{service}.%{method}
grpc.server.unary_request_duration.%{service}.%{method}.%{code}
grpc.server.unary_requests_completed.%{service}.%{method}.%{code}
grpc.server.unary_requests_received.%{service}.%{method}
ledger.block_processing_time.%{channel}
ledger.blockchain_height.%{channel}
ledger.blockstorage_and_pvtdata_commit_time.%{channel}
ledger.blockstorage_commit_time.%{channel}
ledger.statedb_commit_time.%{channel}
ledger.transaction_count.%{channel}.%{transaction_type}.%{chaincode}.%{validation_code}
logging.entries_checked.%{level}
logging.entries_written.%{level}
`

// goNames are Fabric's names of what the Go runtime tells, where they are not those of Prometheus with "go.mem." for "go_memstats_".
const goNames = `
go_gc_duration_seconds go.mem.gc_completed_count
go_goroutines go.goroutine_count
go_threads go.threads_created
go_memstats_alloc_bytes_total go.mem.heap_total_alloc_bytes
go_memstats_buck_hash_sys_bytes go.mem.buckethash_sys_bytes
go_memstats_frees_total go.mem.heap_free_count
go_memstats_mallocs_total go.mem.heap_malloc_count
go_memstats_next_gc_bytes go.mem.gc_next_bytes
`

// statsdNames knows how metrics are named in statsd.
type statsdNames struct {
	formats map[string]string // by Prometheus name
}

func newStatsdNames() statsdNames {
	n := statsdNames{formats: map[string]string{}}
	for _, format := range strings.Fields(fabricNames) {
		name, _, _ := strings.Cut(format, ".%{")
		n.formats[strings.ReplaceAll(name, ".", "_")] = format
	}
	for line := range strings.Lines(strings.TrimSpace(goNames)) {
		name, format, _ := strings.Cut(strings.TrimSpace(line), " ")
		n.formats[name] = format
	}
	return n
}

// notInNames are the characters that a label's value must not bring into a name.
var notInNames = regexp.MustCompile(`[.|:\s]`)

// of is the name of a metric: Fabric's or, for others, the Prometheus name followed by the labels' values in the order of the labels' names.
func (n statsdNames) of(name string, labels []*dto.LabelPair) string {
	format, known := n.formats[name]
	if !known {
		format = name
		if rest, ok := strings.CutPrefix(name, "go_memstats_"); ok {
			format = "go.mem." + rest
		}
		labels = slices.SortedFunc(slices.Values(labels), func(a, b *dto.LabelPair) int { return cmp.Compare(a.GetName(), b.GetName()) })
	}
	for _, l := range labels {
		value := notInNames.ReplaceAllString(l.GetValue(), "_")
		if known {
			format = strings.ReplaceAll(format, "%{"+l.GetName()+"}", value)
		} else {
			format += "." + value
		}
	}
	return format
}
