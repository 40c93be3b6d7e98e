package node

import (
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/logging"
)

// absent says why a metric of Fabric 1.4.12 is not here, by the beginning of its name.
var absent = map[string]string{
	"cluster_comm_":    "several ordering nodes",
	"consensus_kafka_": "Kafka",
	"couchdb_":         "CouchDB",
	"gossip_":          "gossip and private data",
}

// TestMetricsAreFabrics: peer and orderer have all metrics of Fabric 1.4.12, with their labels, but for parts of Fabric that are not here; and
// others only under prefixes of their own.
func TestMetricsAreFabrics(t *testing.T) {
	logs, err := logging.New(io.Discard, "", "")
	require.NoError(t, err)
	have := map[string]map[string][]string{
		"peer": described(newPeerMetrics(logs).registry), "orderer": described(newOrdererMetrics(logs).registry),
	}
	reference, err := os.ReadFile("testdata/fabric-1.4-metrics.txt")
	require.NoError(t, err)
	wanted := 0
	for line := range strings.Lines(string(reference)) {
		f := strings.Fields(line)
		if f[0] == "#" {
			continue
		}
		node, name := f[0], f[1]
		var labels []string
		if f[3] != "-" {
			labels = strings.Split(f[3], ",")
			slices.Sort(labels)
		}
		got, ok := have[node][name]
		if !ok {
			require.True(t, isAbsent(name), "%s of the %s", name, node)
			continue
		}
		require.Equal(t, labels, got, "labels of %s of the %s", name, node)
		delete(have[node], name)
		wanted++
	}
	require.Greater(t, wanted, 60)
	for node, rest := range have {
		for name := range rest {
			require.Regexp(t, "^(go|process|heddle)_", name, "%s of the %s is not one of Fabric's", name, node)
		}
	}
}

func isAbsent(name string) bool {
	for prefix := range absent {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

var description = regexp.MustCompile(`fqName: "([^"]*)".*variableLabels: \{([^}]*)\}`)

// described are the labels of all metrics of a registry, sorted, by name.
func described(r *prometheus.Registry) map[string][]string {
	to := make(chan *prometheus.Desc)
	go func() {
		defer close(to)
		r.Describe(to)
	}()
	all := map[string][]string{}
	for d := range to {
		m := description.FindStringSubmatch(d.String())
		var labels []string
		if m[2] != "" {
			labels = strings.Split(m[2], ",")
			slices.Sort(labels)
		}
		all[m[1]] = labels
	}
	return all
}
