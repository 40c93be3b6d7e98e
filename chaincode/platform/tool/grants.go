package tool

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Toolchain is what an interpreter reads: the system's programs and libraries, what they ask about the machine, and the interpreter's own
// installation.
func Toolchain(program string) []string {
	all := []string{
		"/usr", "/bin", "/lib", "/lib64", "/etc/alternatives", "/etc/ld.so.cache", "/etc/ssl/openssl.cnf", "/etc/pki/tls/openssl.cnf",
		"/proc/meminfo", "/proc/cpuinfo", "/proc/stat", "/proc/version", "/sys/devices/system/cpu", "/sys/fs/cgroup",
	}
	configuration, _ := filepath.Glob("/etc/java*") // where Debian keeps that of a JDK; the pattern is fine
	all = append(all, configuration...)
	if real, err := filepath.EvalSymlinks(program); err == nil {
		folder := filepath.Dir(real)
		home := filepath.Dir(folder)
		if user, _ := os.UserHomeDir(); filepath.Base(folder) == "bin" && home != "/" && home != user {
			folder = home
		}
		all = append(all, folder)
	}
	return existing(all)
}

func existing(paths []string) []string {
	return slices.DeleteFunc(slices.Clone(paths), func(path string) bool {
		_, err := os.Stat(path)
		return err != nil
	})
}

// portIn finds a port behind the host of a URL, or behind a word that ends in "port", as properties and XML elements have it.
var portIn = regexp.MustCompile(`(?i)(?://(?:[^/\s"'<>@]*@)?(?:\[[0-9a-f:.]+\]|[^/\s"'<>:@]+):|port["']?\s*[>=:]\s*["']?)(\d{1,5})\b`)

// maxConfiguration bounds what is read of a configuration file.
const maxConfiguration = 1 << 20

// Ports are the TCP ports that a tool needs to get at what it fetches: those of HTTP and HTTPS, of DNS, and those in the variables' values and in
// the files, which are the peer's own configuration of the tool.
func Ports(env []string, files ...string) []uint16 {
	found := map[uint16]bool{53: true, 80: true, 443: true}
	note := func(text string) {
		for _, m := range portIn.FindAllStringSubmatch(text, -1) {
			if port, err := strconv.ParseUint(m[1], 10, 16); err == nil && port > 0 {
				found[uint16(port)] = true
			}
		}
	}
	for _, e := range env {
		key, value, _ := strings.Cut(e, "=")
		if lower := strings.ToLower(key); strings.HasSuffix(lower, "_proxy") && !strings.Contains(value, "://") {
			value = "//" + value
		}
		note(value)
	}
	for _, f := range files {
		if info, err := os.Stat(f); err != nil || info.Size() > maxConfiguration {
			continue
		}
		if b, err := os.ReadFile(f); err == nil {
			note(string(b))
		}
	}
	return slices.Sorted(maps.Keys(found))
}
