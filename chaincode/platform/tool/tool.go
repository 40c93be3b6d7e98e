// Package tool runs the programs of other languages that build chaincode: where they are found, what they see of the peer's environment, how
// they are confined and ended, and how much of what they say is passed on.
//
// # What a build may do
//
// A build of Go executes nothing of a package, and needs no network. npm fetches modules and executes nothing of them. Maven and Gradle execute
// what the package's project file names. So those three run confined as chaincode is (chaincode.process.confined, package confine), with
//
//   - all rights in the folder that the package was unpacked in, which is removed afterwards;
//   - reading: the system's programs and libraries, the tool's own installation, and its configuration in /etc and in the home folder of the
//     peer's user, with the credentials that may be in there;
//   - writing: the tool's cache in that home folder (.npm, .m2/repository, .gradle/caches and the like). What one build leaves there the next one
//     finds: a peer that builds the Java chaincode of strangers should run as a user of its own;
//   - DNS, and TCP connections to port 80, to port 443, and to ports that the environment (proxies, registries) or the tool's configuration names;
//     not to others that the package names. Gradle's processes speak to each other over the network, so Gradle's is not restricted;
//   - no end of its own: whatever a build has started ends with it, and with the peer.
package tool

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// always are the variables that every tool sees: where things are, and how the network is reached.
var always = []string{
	"PATH", "HOME", "TMPDIR", "LANG", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR",
}

// Env is the part of the environment env that a tool may see. names are further variables; a final * stands for whatever follows.
func Env(env []string, names ...string) []string {
	var passed []string
	for _, e := range env {
		key, _, _ := strings.Cut(e, "=")
		named := slices.Contains(always, key) || slices.ContainsFunc(names, func(n string) bool {
			prefix, open := strings.CutSuffix(n, "*")
			return key == n || open && strings.HasPrefix(key, prefix)
		})
		if named {
			passed = append(passed, e)
		}
	}
	return passed
}

// Getenv returns the last value of key in env, as the operating system would.
func Getenv(env []string, key string) string {
	value := ""
	for _, e := range env {
		if v, ok := strings.CutPrefix(e, key+"="); ok {
			value = v
		}
	}
	return value
}

// Find looks for a program on the PATH of env. The error says what needs it and what to install.
func Find(env []string, name, purpose, install string) (string, error) {
	for _, dir := range filepath.SplitList(Getenv(env, "PATH")) {
		if !filepath.IsAbs(dir) {
			continue
		}
		if file, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return file, nil
		}
	}
	return "", fmt.Errorf("%s needs the program %s, which is not on PATH: install %s, and start the peer with it on PATH", purpose, name, install)
}

// How much of a failed build's output an error repeats: it travels to the client that asked for the chaincode.
const (
	tailLines = 40
	tailBytes = 4096
)

// Tail is the end of a program's output.
func Tail(s string) string {
	s = strings.TrimRight(s, "\n")
	cut := false
	if len(s) > tailBytes {
		s, cut = s[len(s)-tailBytes:], true
	}
	lines := strings.Split(s, "\n")
	if len(lines) > tailLines {
		lines, cut = lines[len(lines)-tailLines:], true
	}
	if cut {
		lines = append([]string{"..."}, lines...)
	}
	return strings.ToValidUTF8(strings.Join(lines, "\n"), "?")
}
