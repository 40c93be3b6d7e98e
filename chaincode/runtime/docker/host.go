package docker

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/moby/moby/api/types/container"

	"github.com/heddleledger/heddle/config"
)

// hostConfig is what the engine is asked for with every container, builders included. Containers share the host's network unless told otherwise, as in Fabric.
func hostConfig(c *config.HostConfig) *container.HostConfig {
	h := &container.HostConfig{
		CapAdd:         c.CapAdd,
		CapDrop:        c.CapDrop,
		DNSSearch:      c.DnsSearch,
		ExtraHosts:     c.ExtraHosts,
		NetworkMode:    container.NetworkMode(c.NetworkMode),
		IpcMode:        container.IpcMode(c.IpcMode),
		PidMode:        container.PidMode(c.PidMode),
		UTSMode:        container.UTSMode(c.UTSMode),
		LogConfig:      container.LogConfig{Type: c.LogConfig.Type, Config: c.LogConfig.Config},
		ReadonlyRootfs: c.ReadonlyRootfs,
		SecurityOpt:    c.SecurityOpt,
		Resources: container.Resources{
			CgroupParent: c.CgroupParent,
			Memory:       c.Memory,
			MemorySwap:   c.MemorySwap,
			CPUShares:    c.CpuShares,
			CpusetCpus:   c.CpusetCPUs,
			CpusetMems:   c.CpusetMEMs,
			CPUQuota:     c.CpuQuota,
			CPUPeriod:    c.CpuPeriod,
			BlkioWeight:  c.BlkioWeight,
		},
	}
	if h.NetworkMode == "" {
		h.NetworkMode = "host"
	}
	if h.CpusetCpus == "" {
		h.CpusetCpus = c.Cpuset
	}
	if c.MemorySwappiness != 0 {
		h.MemorySwappiness = &c.MemorySwappiness
	}
	if c.OomKillDisable {
		h.OomKillDisable = &c.OomKillDisable
	}
	for _, text := range c.Dns {
		if ip, err := netip.ParseAddr(text); err == nil { // the configuration has been validated
			h.DNS = append(h.DNS, ip)
		}
	}
	return h
}

// proxyNames are the variables that tell a program which proxy to use; programs read either spelling.
var proxyNames = []string{"HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "ALL_PROXY", "NO_PROXY"}

// proxies are those of the variables in env that name proxies. They are for builds: chaincode itself has one address to go to, its peer.
func proxies(env []string) []string {
	var found []string
	for _, v := range env {
		name, _, _ := strings.Cut(v, "=")
		if slices.Contains(proxyNames, strings.ToUpper(name)) {
			found = append(found, v)
		}
	}
	return found
}
