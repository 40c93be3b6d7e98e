package config

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"
)

// TestEveryKeyIsKnown: no key of the files Fabric ships is a misspelt one.
func TestEveryKeyIsKnown(t *testing.T) {
	for name, parse := range map[string]func(string, []byte, []string) error{
		"core":    func(f string, b []byte, env []string) error { _, _, err := ParseCore(f, b, env); return err },
		"orderer": func(f string, b []byte, env []string) error { _, _, err := ParseOrderer(f, b, env); return err },
	} {
		list, err := os.ReadFile("testdata/" + name + ".keys")
		require.NoError(t, err)
		for _, key := range strings.Split(strings.TrimSpace(string(list)), "\n")[1:] {
			var text strings.Builder
			parts := strings.Split(key, ".")
			for i, part := range parts {
				fmt.Fprintf(&text, "%s%s:\n", strings.Repeat("  ", i), part)
			}
			require.NoError(t, parse(name+".yaml", []byte(text.String()), nil), key)
			require.NoError(t, parse(name+".yaml", []byte(strings.ToUpper(text.String())), nil), key)
			if strings.HasPrefix(key, "chaincode.system.") { // a map: any name will do
				continue
			}
			parts[len(parts)-1] += "x"
			misspelt := strings.Join(parts, ".")
			text.Reset()
			for i, part := range parts {
				fmt.Fprintf(&text, "%s%s:\n", strings.Repeat("  ", i), part)
			}
			err := parse(name+".yaml", []byte(text.String()), nil)
			require.ErrorContains(t, err, fmt.Sprintf("%s.yaml:%d: %s is not a known key", name, len(parts), misspelt))
			require.ErrorContains(t, err, "; did you mean ")
		}
	}
}

// TestFiles runs testdata/files.txt: "core" and "orderer" read the text as a file of that name in /etc/f, with the environment that lines
// starting with $ give, then print what is wrong, or the notices and the keys that differ from the defaults; with the argument validate,
// also what Validate says.
func TestFiles(t *testing.T) {
	datadriven.RunTest(t, "testdata/files.txt", func(t *testing.T, d *datadriven.TestData) string {
		var env, lines []string
		for _, line := range strings.Split(d.Input, "\n") {
			if v, ok := strings.CutPrefix(line, "$"); ok {
				env = append(env, v)
			} else {
				lines = append(lines, line)
			}
		}
		text := []byte(strings.Join(lines, "\n"))
		var out strings.Builder
		show := func(got, defaults any, notices []Notice, err, invalid error) {
			if err != nil {
				fmt.Fprintln(&out, err)
				return
			}
			for _, n := range notices {
				fmt.Fprintln(&out, "notice:", n)
			}
			for _, line := range differences(got, defaults) {
				fmt.Fprintln(&out, line)
			}
			if d.HasArg("validate") {
				fmt.Fprintln(&out, "validate:", invalid)
			}
		}
		switch d.Cmd {
		case "core":
			c, notices, err := ParseCore("/etc/f/core.yaml", text, env)
			var invalid error
			if err == nil {
				invalid = c.Validate(HandlerNames{})
			}
			show(c, defaultCore(), notices, err, invalid)
		case "orderer":
			o, notices, err := ParseOrderer("/etc/f/orderer.yaml", text, env)
			var invalid error
			if err == nil {
				invalid = o.Validate()
			}
			show(o, defaultOrderer(), notices, err, invalid)
		default:
			t.Fatalf("unknown command %s", d.Cmd)
		}
		return out.String()
	})
}

// differences lists the leaves that differ between two structs of the same type.
func differences(got, was any) []string {
	var out []string
	var walk func(g, w reflect.Value, prefix string)
	walk = func(g, w reflect.Value, prefix string) {
		for _, f := range fieldsOf(g.Type()) {
			gf, wf := g.Field(f.index), w.Field(f.index)
			if gf.Kind() == reflect.Struct {
				walk(gf, wf, prefix+f.name+".")
			} else if !reflect.DeepEqual(gf.Interface(), wf.Interface()) {
				out = append(out, fmt.Sprintf("%s%s = %v", prefix, f.name, gf.Interface()))
			}
		}
	}
	walk(reflect.ValueOf(got).Elem(), reflect.ValueOf(was).Elem(), "")
	sort.Strings(out)
	return out
}

func TestFindFile(t *testing.T) {
	dir := t.TempDir()
	_, _, err := LoadCore([]string{"FABRIC_CFG_PATH=" + filepath.Join(dir, "nowhere")})
	require.EqualError(t, err, "FABRIC_CFG_PATH "+filepath.Join(dir, "nowhere")+" does not exist")
	_, _, err = LoadCore([]string{"FABRIC_CFG_PATH=" + dir})
	require.EqualError(t, err, "Could not find config file. Please make sure that FABRIC_CFG_PATH is set to a path which contains core.yaml")
	_, _, err = LoadOrderer([]string{"FABRIC_CFG_PATH=" + dir})
	require.ErrorContains(t, err, "orderer.yaml")

	require.NoError(t, os.WriteFile(filepath.Join(dir, "core.yaml"), []byte("peer: {mspConfigPath: here, localMspId: X}\n"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "orderer.yaml"), []byte("General: {LocalMSPDir: here}\n"), 0o600))
	c, _, err := LoadCore([]string{"FABRIC_CFG_PATH=/elsewhere", "FABRIC_CFG_PATH=" + dir, "CORE_PEER_ID=one"})
	require.NoError(t, err)
	require.Equal(t, filepath.Join(dir, "here"), c.Peer.MSPConfigPath)
	require.Equal(t, "one", c.Peer.ID)
	require.Equal(t, filepath.Join(dir, "core.yaml"), c.File)

	t.Chdir(dir)
	o, _, err := LoadOrderer(nil)
	require.NoError(t, err)
	require.True(t, filepath.IsAbs(o.General.LocalMSPDir))
}

// TestValidateFiles: files that must be there are looked at.
func TestValidateFiles(t *testing.T) {
	dir := t.TempDir()
	for _, f := range []string{"c", "k", "r"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, f), nil, 0o600))
	}
	c, _, err := ParseCore(filepath.Join(dir, "core.yaml"), []byte("peer: {tls: {enabled: true, clientAuthRequired: true, cert: {file: c}, key: {file: k}, clientRootCAs: {files: [r]}}}"), nil)
	require.NoError(t, err)
	require.NoError(t, c.Validate(HandlerNames{}))
	cert, key := c.Peer.TLS.ClientPair()
	require.Equal(t, []string{filepath.Join(dir, "c"), filepath.Join(dir, "k")}, []string{cert, key})
	c.Peer.TLS.ClientCert.File = "x"
	require.ErrorContains(t, c.Validate(HandlerNames{}), "peer.tls.clientCert.file and peer.tls.clientKey.file must be set together")
	cert, key = c.Peer.TLS.ClientPair()
	require.Equal(t, []string{"x", ""}, []string{cert, key})

	o, _, err := ParseOrderer(filepath.Join(dir, "orderer.yaml"), []byte("General: {TLS: {Enabled: true, Certificate: c, PrivateKey: k, ClientAuthRequired: true, ClientRootCAs: [r, gone]}}"), nil)
	require.NoError(t, err)
	require.ErrorContains(t, o.Validate(), "orderer.yaml:1: General.TLS.ClientRootCAs names "+filepath.Join(dir, "gone")+", which cannot be read")
}

func TestValues(t *testing.T) {
	for text, want := range map[string]Size{"0": 0, "104857600": 100 << 20, "10 MB": 10 << 20, "512k": 512 << 10, "1g": 1 << 30, "2 kb": 2 << 10, "3M": 3 << 20} {
		got, err := ParseSize(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{"", "MB", "10 XB", "-1", "1.5 MB", "10 b", "4g", "99999999999999999999", "1 mbb"} {
		_, err := ParseSize(text)
		require.Error(t, err, text)
	}
	for text, want := range map[string]time.Duration{"15m": 15 * time.Minute, "1500ms": 1500 * time.Millisecond, "0": 0, "30": 30} {
		got, err := parseDuration(text, time.Nanosecond)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	_, err := parseDuration("9999999999999", time.Second)
	require.ErrorContains(t, err, "too large")
	require.Equal(t, []string{"a", "b c"}, parseList("[ a, b c ,]"))
	require.Equal(t, []string{"a", "b"}, parseList(" a  b "))
}

func TestNearest(t *testing.T) {
	known := []string{"peer.listenAddress", "peer.address", "peer.id"}
	for word, want := range map[string]string{
		"peer.listenaddres": "peer.listenAddress", "peer.adress": "peer.address", "peer.lsitenaddress": "peer.listenAddress", "peer.xy": "", "peer.ud": "peer.id", "nothing": "",
	} {
		require.Equal(t, want, nearest(word, known, strings.ToLower), word)
	}
}

func FuzzCore(f *testing.F) {
	f.Add([]byte("peer: {id: a, tls: {enabled: yes}, handlers: {authFilters: [{name: x}]}}\nx-a: &a {b: *a}\n"))
	f.Add([]byte("a: &a [*a]\nb: &b {<<: *b}\npeer: {<<: [*b, *a], chaincode: *b}\n"))
	f.Add([]byte("peer:\n  gossip: {state: {enabled: 1}}\n  id: !!int x\n? [a]\n: b\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, _, err := ParseCore("/etc/f/core.yaml", text, []string{"CORE_PEER_ID=x"})
		if err == nil {
			require.Equal(t, "x", c.Peer.ID)
			_ = c.Validate(HandlerNames{})
		}
		_, _, _ = ParseOrderer("/etc/f/orderer.yaml", text, nil)
	})
}
