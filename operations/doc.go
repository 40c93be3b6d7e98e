// Package operations is the HTTP side of a node: /metrics, /healthz, /logspec and /version, as Fabric 1.4 serves them; and it sends metrics to statsd.
//
// /metrics and /logspec tell and change things an outsider should not see, so under TLS they ask for a verified client certificate (401
// without); /healthz and /version are open to anyone who can connect.
package operations
