package config

import (
	"maps"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"
)

// completeCore raises what Fabric raises: times too short to work with.
func completeCore(c *Core) {
	if c.Chaincode.ExecuteTimeout < time.Second {
		c.Chaincode.ExecuteTimeout = 30 * time.Second
	}
	c.Chaincode.StartupTimeout = max(c.Chaincode.StartupTimeout, 5*time.Second)
}

// check collects problems, each placed where its key was given.
type check struct {
	origins  origins
	problems Problems
}

func (c *check) that(ok bool, key, text string) {
	if !ok {
		c.problems = append(c.problems, Problem{Where: c.origins[strings.ToLower(key)], Text: key + " " + text})
	}
}

func (c *check) oneOf(value, key string, allowed ...string) {
	c.that(slices.Contains(allowed, value), key, "must be one of "+strings.Join(allowed, ", ")+", not \""+value+"\"")
}

func (c *check) address(value, key string) {
	_, _, err := net.SplitHostPort(value)
	c.that(err == nil, key, "must have the form host:port, not \""+value+"\"")
}

func (c *check) file(value, key, why string) {
	if value == "" {
		c.that(false, key, "must be set "+why)
		return
	}
	_, err := os.Stat(value)
	c.that(err == nil, key, "names "+value+", which cannot be read")
}

func (c *check) err() error {
	if len(c.problems) == 0 {
		return nil
	}
	return c.problems
}

// Validate reports everything that keeps a peer from starting with this configuration; own are the handlers that the build has beyond
// Fabric's. The error is of type Problems.
func (c *Core) Validate(own HandlerNames) error {
	k := &check{origins: c.origins}
	p := &c.Peer
	k.address(p.ListenAddress, "peer.listenAddress")
	k.address(p.Address, "peer.address")
	if p.ChaincodeListenAddress != "" {
		k.address(p.ChaincodeListenAddress, "peer.chaincodeListenAddress")
	}
	if p.ChaincodeAddress != "" {
		k.address(p.ChaincodeAddress, "peer.chaincodeAddress")
	}
	k.that(p.LocalMSPID != "", "peer.localMspId", "must be set: the local MSP must have an ID")
	k.oneOf(p.LocalMSPType, "peer.localMspType", "bccsp")
	k.bccsp(&p.BCCSP, "peer.BCCSP")
	k.that(p.FileSystemPath != "", "peer.fileSystemPath", "must be set")
	k.that(p.Authentication.TimeWindow > 0, "peer.authentication.timewindow", "must be greater than zero")
	k.that(p.ValidatorPoolSize >= 0, "peer.validatorPoolSize", "must not be negative")
	k.that(p.Limits.Concurrency.EndorserService >= 0, "peer.limits.concurrency.endorserService", "must not be negative")
	k.that(p.Limits.Concurrency.DeliverService >= 0, "peer.limits.concurrency.deliverService", "must not be negative")
	if p.TLS.Enabled {
		k.file(p.TLS.Cert.File, "peer.tls.cert.file", "when peer.tls.enabled is true")
		k.file(p.TLS.Key.File, "peer.tls.key.file", "when peer.tls.enabled is true")
		if p.TLS.ClientAuthRequired {
			k.that(len(p.TLS.ClientRootCAs.Files) > 0, "peer.tls.clientRootCAs.files", "must list at least one file when peer.tls.clientAuthRequired is true")
		}
		for _, f := range p.TLS.ClientRootCAs.Files {
			if p.TLS.ClientAuthRequired {
				k.file(f, "peer.tls.clientRootCAs.files", "")
			}
		}
	}
	k.that((p.TLS.ClientCert.File == "") == (p.TLS.ClientKey.File == ""), "peer.tls.clientCert.file", "and peer.tls.clientKey.file must be set together")
	if p.AdminService.ListenAddress != "" {
		k.address(p.AdminService.ListenAddress, "peer.adminService.listenAddress")
	}
	k.handlers(&p.Handlers, own)
	k.that(c.Chaincode.Process.Files >= 0, "chaincode.process.files", "must not be negative")
	k.that(c.Chaincode.Process.Processes >= 0, "chaincode.process.processes", "must not be negative")
	if c.Chaincode.Process.Debug.Name != "" {
		k.address(c.Chaincode.Process.Debug.ListenAddress, "chaincode.process.debug.listenAddress")
	}
	k.oneOf(c.Chaincode.Mode, "chaincode.mode", "net", "dev")
	if c.Chaincode.Runtime != "" {
		k.oneOf(c.Chaincode.Runtime, "chaincode.runtime", "docker", "process")
	}
	if t := &c.VM.Docker.TLS; t.Enabled {
		k.file(t.CA.File, "vm.docker.tls.ca.file", "when vm.docker.tls.enabled is true")
		k.file(t.Cert.File, "vm.docker.tls.cert.file", "when vm.docker.tls.enabled is true")
		k.file(t.Key.File, "vm.docker.tls.key.file", "when vm.docker.tls.enabled is true")
	}
	for _, ip := range c.VM.Docker.HostConfig.Dns {
		_, err := netip.ParseAddr(ip)
		k.that(err == nil, "vm.docker.hostConfig.Dns", "must list IP addresses, not \""+ip+"\"")
	}
	k.oneOf(c.Ledger.State.StateDatabase, "ledger.state.stateDatabase", "goleveldb")
	k.that(c.Ledger.State.TotalQueryLimit > 0, "ledger.state.totalQueryLimit", "must be greater than zero")
	k.operations(c.Operations.ListenAddress, "operations.listenAddress")
	if c.Operations.TLS.Enabled {
		k.file(c.Operations.TLS.Cert.File, "operations.tls.cert.file", "when operations.tls.enabled is true")
		k.file(c.Operations.TLS.Key.File, "operations.tls.key.file", "when operations.tls.enabled is true")
	}
	k.oneOf(c.Metrics.Provider, "metrics.provider", "disabled", "prometheus", "statsd")
	if c.Metrics.Provider == "statsd" {
		k.statsd(&c.Metrics.Statsd, "metrics.statsd")
	}
	if p.Profile.Enabled {
		k.address(p.Profile.ListenAddress, "peer.profile.listenAddress")
	}
	return k.err()
}

// Validate reports everything that keeps an ordering node from starting with this configuration. The error is of type Problems.
func (o *Orderer) Validate() error {
	k := &check{origins: o.origins}
	g := &o.General
	k.oneOf(g.LedgerType, "General.LedgerType", "file", "ram")
	k.that(g.ListenAddress != "", "General.ListenAddress", "must be set")
	k.oneOf(g.GenesisMethod, "General.GenesisMethod", "file", "provisional")
	if g.GenesisMethod == "file" {
		k.that(g.GenesisFile != "", "General.GenesisFile", "must be set when General.GenesisMethod is file")
	}
	k.oneOf(g.BatchCutting, "General.BatchCutting", "eager", "timeout")
	k.that(g.LocalMSPID != "", "General.LocalMSPID", "must be set: the local MSP must have an ID")
	k.bccsp(&g.BCCSP, "General.BCCSP")
	k.that(g.Authentication.TimeWindow > 0, "General.Authentication.TimeWindow", "must be greater than zero")
	if g.TLS.Enabled {
		k.file(g.TLS.Certificate, "General.TLS.Certificate", "when General.TLS.Enabled is true")
		k.file(g.TLS.PrivateKey, "General.TLS.PrivateKey", "when General.TLS.Enabled is true")
		if g.TLS.ClientAuthRequired {
			k.that(len(g.TLS.ClientRootCAs) > 0, "General.TLS.ClientRootCAs", "must list at least one file when General.TLS.ClientAuthRequired is true")
			for _, f := range g.TLS.ClientRootCAs {
				k.file(f, "General.TLS.ClientRootCAs", "")
			}
		}
	}
	k.that(o.FileLedger.Location != "" || o.FileLedger.Prefix != "", "FileLedger.Location", "must be set")
	k.operations(o.Operations.ListenAddress, "Operations.ListenAddress")
	if o.Operations.TLS.Enabled {
		k.file(o.Operations.TLS.Certificate, "Operations.TLS.Certificate", "when Operations.TLS.Enabled is true")
		k.file(o.Operations.TLS.PrivateKey, "Operations.TLS.PrivateKey", "when Operations.TLS.Enabled is true")
	}
	k.oneOf(o.Metrics.Provider, "Metrics.Provider", "disabled", "prometheus", "statsd")
	if o.Metrics.Provider == "statsd" {
		k.statsd(&o.Metrics.Statsd, "Metrics.Statsd")
	}
	if g.Profile.Enabled {
		k.address(g.Profile.Address, "General.Profile.Address")
	}
	return k.err()
}

// operations checks a listen address that may be empty: no such service then.
func (c *check) operations(value, key string) {
	if value != "" {
		c.address(value, key)
	}
}

func (c *check) statsd(s *Statsd, key string) {
	c.oneOf(s.Network, key+".network", "udp", "tcp")
	c.address(s.Address, key+".address")
	c.that(s.WriteInterval > 0, key+".writeInterval", "must be greater than zero")
}

func (c *check) bccsp(b *BCCSP, key string) {
	c.oneOf(b.Default, key+".Default", "SW")
	c.oneOf(b.SW.Hash, key+".SW.Hash", "SHA2")
	c.that(b.SW.KeyTables >= 0, key+".SW.KeyTables", "must not be negative")
	c.that(b.SW.Security == 256, key+".SW.Security", "must be 256: identities and blocks use SHA-256")
}

// handlers refuses handlers that this build does not have, since leaving one out would be a hole.
func (c *check) handlers(h *Handlers, own HandlerNames) {
	for _, kind := range []struct {
		key      string
		named    []Handler
		fabric   []string
		compiled []string
	}{
		{"authFilters", h.AuthFilters, []string{"DefaultAuth", "ExpirationCheck", "TimeWindowCheck"}, own.AuthFilters},
		{"decorators", h.Decorators, []string{"DefaultDecorator"}, own.Decorators},
		{"endorsers", byKey(h.Endorsers), []string{"DefaultEndorsement"}, own.Endorsers},
		{"validators", byKey(h.Validators), []string{"DefaultValidation"}, own.Validators},
	} {
		for _, f := range kind.named {
			key := "peer.handlers." + kind.key
			if f.Library != "" {
				c.that(false, key, "names the Go plugin "+f.Library+"; shared objects are not loaded: compile the handler in, as samples/custompeer does, and name it without library")
				continue
			}
			c.oneOf(f.Name, key, append(kind.fabric, kind.compiled...)...)
		}
	}
	_, escc := h.Endorsers["escc"]
	c.that(escc, "peer.handlers.endorsers", "must have escc, which endorses what system chaincodes answer")
	_, vscc := h.Validators["vscc"]
	c.that(vscc, "peer.handlers.validators", "must have vscc, which judges what system chaincodes write")
}

func byKey(m map[string]Handler) []Handler {
	var all []Handler
	for _, key := range slices.Sorted(maps.Keys(m)) {
		all = append(all, m[key])
	}
	return all
}
