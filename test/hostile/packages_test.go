//go:build e2e

package hostile

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/chaincode/pack"
	"github.com/heddleledger/heddle/client"
	"github.com/heddleledger/heddle/internal/vectors"
	"github.com/heddleledger/heddle/test/kit"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// TestPackages has an administrator install packages that no packaging tool makes. Each is refused by name, quickly, and leaves nothing; an
// ordinary chaincode is installed and runs after each.
func TestPackages(t *testing.T) {
	n := start(t)
	org := n.Orgs[0]
	peer, err := client.ConnectPeer(t.Context(), org.Peer.Address(), kit.TLS(t, n.PeerCA(org)))
	require.NoError(t, err)
	defer peer.Close()
	n.fabricsPackages(t, peer)

	for i, hostile := range hostilePackages(t) {
		t.Run(hostile.name, func(t *testing.T) {
			before := n.installed(t)
			raw, err := pack.Create(&peerpb.ChaincodeDeploymentSpec{
				ChaincodeSpec: &peerpb.ChaincodeSpec{
					Type: hostile.language, ChaincodeId: &peerpb.ChaincodeID{Name: "hostile", Version: "1.0", Path: "example.com/hostile"},
				},
				CodePackage: hostile.code,
			})
			require.NoError(t, err)
			begin := time.Now()
			err = n.admin.Install(t.Context(), peer, raw)
			require.ErrorContains(t, err, hostile.want)
			t.Logf("%d bytes, refused after %s: %s", len(raw), time.Since(begin).Round(time.Millisecond), err)
			assert.Less(t, time.Since(begin), 20*time.Second)
			require.Equal(t, before, n.installed(t))
			ordinary := fmt.Sprint("ordinary", i)
			n.deploy(t, ordinary, "OR('Org1MSP.member')", org)
			_, err = n.user.Query(t.Context(), peer, client.Request{ChannelID: n.Channel, Chaincode: ordinary, Args: client.Args("get", "a")})
			require.NoError(t, err)
		})
	}
	peak := n.peak(t, org.Peer)
	t.Logf("%s: at most %d MiB", org.Peer.Name, peak)
	assert.Less(t, peak, bound)
	n.noPanics(t)
}

// fabricsPackages installs what the tools of Fabric 1.4.12 have packaged.
func (n *network) fabricsPackages(t *testing.T, peer *client.Peer) {
	for _, file := range []string{"kv.unsigned.pkg", "kv-node.pkg", "kv-java.pkg", "signedcc.signed-by-both.pkg"} {
		raw := vectors.Read(t, "fabric-1.4", "packages", file)
		p, err := pack.Parse(raw)
		require.NoError(t, err)
		if p.Name == "kv" { // the name is taken here
			p.Spec.ChaincodeSpec.ChaincodeId.Version = "fabric"
			raw, err = pack.Create(p.Spec)
			require.NoError(t, err)
		}
		require.NoError(t, n.admin.Install(t.Context(), peer, raw), file)
	}
}

// installed lists the files of the install store of Org1's peer.
func (n *network) installed(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(n.Dir, "nodes", n.Orgs[0].Peer.Name, "data", "chaincodes"))
	require.NoError(t, err)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// hostilePackage is a code package and what the peer says to it.
type hostilePackage struct {
	name     string
	language peerpb.ChaincodeSpec_Type
	code     []byte
	want     string
}

func hostilePackages(t *testing.T) []hostilePackage {
	const main = "src/example.com/hostile/main.go"
	const index = "META-INF/statedb/couchdb/indexes/i.json"
	good := file(main, "package main")
	whole := archiveOf(t, good, file("src/example.com/hostile/more.go", strings.Repeat("// more\n", 100)))
	odd := func(typ byte, link string) entry {
		return entry{tar.Header{Name: "src/example.com/hostile/x", Typeflag: typ, Linkname: link, Mode: 0o644, Devmajor: 8, Devminor: 1}, nil}
	}
	executable := file("src/example.com/hostile/run.sh", "#!/bin/sh")
	executable.Mode = 0o100755
	golang := func(want string, entries ...entry) hostilePackage {
		return hostilePackage{"", peerpb.ChaincodeSpec_GOLANG, archiveOf(t, append([]entry{good}, entries...)...), want}
	}
	raw := func(language peerpb.ChaincodeSpec_Type, want string, code []byte) hostilePackage {
		return hostilePackage{"", language, code, want}
	}
	var all []hostilePackage
	add := func(name string, p hostilePackage) {
		p.name = name
		all = append(all, p)
	}
	const most = "code package unpacks to more than 536870912 bytes"
	add("zip bomb", golang(most, zeros("src/a", 400<<20), zeros("src/b", 400<<20)))
	add("zip bomb behind the end", raw(peerpb.ChaincodeSpec_GOLANG, "code package unpacks to more than", append(archiveOf(t, good), gzipOf(t, io.LimitReader(zero{}, 1<<30))...)))
	add("file of 1 GB", golang(most, zeros("src/big", 1<<30)))
	add("file that says it has 8 EB", golang(most, entry{tar.Header{Name: "src/big", Mode: 0o644, Size: math.MaxInt64}, nil}))
	add("parent folder", golang(`illegal file name detected in payload: "src/../../../escaped"`, file("src/../../../escaped", "x")))
	add("absolute path", golang(`illegal file detected in payload: "/etc/cron.d/x"`, file("/etc/cron.d/x", "x")))
	add("outside of src", golang(`illegal file detected in payload: "pkg/shady.a"`, file("pkg/shady.a", "x")))
	add("absolute link", golang(`it is a symbolic link to "/etc/passwd"`, odd(tar.TypeSymlink, "/etc/passwd")))
	add("link that escapes", golang(`it is a symbolic link to "../../../../x"`, odd(tar.TypeSymlink, "../../../../x")))
	add("hard link", golang(`it is a hard link to "/etc/passwd"`, odd(tar.TypeLink, "/etc/passwd")))
	add("device", golang("it is the device 8:1", odd(tar.TypeBlock, "")))
	add("named pipe", golang("it is a named pipe", odd(tar.TypeFifo, "")))
	add("executable", golang("illegal file mode detected for file src/example.com/hostile/run.sh: 100755", executable))
	add("twice", golang(`"`+main+`" occurs twice`, good))
	add("no gzip", raw(peerpb.ChaincodeSpec_GOLANG, "failure opening codepackage gzip stream: gzip: invalid header", []byte("PK\x03\x04 a zip")))
	add("gzip cut off", raw(peerpb.ChaincodeSpec_GOLANG, "reading code package: unexpected EOF", whole[:len(whole)-20]))
	add("gzip with a wrong checksum", raw(peerpb.ChaincodeSpec_GOLANG, "reading code package: gzip: invalid checksum", append(bytes.Clone(whole[:len(whole)-8]), 1, 2, 3, 4, 5, 6, 7, 8)))
	add("tar cut off", raw(peerpb.ChaincodeSpec_GOLANG, "unexpected EOF", gzipOf(t, bytes.NewReader(gunzipped(t, whole)[:1800]))))
	add("no tar", raw(peerpb.ChaincodeSpec_GOLANG, "reading code package: ", gzipOf(t, strings.NewReader("hello"))))
	add("Node.js as Go", raw(peerpb.ChaincodeSpec_GOLANG, "with src/package.json it looks like NODE", archiveOf(t, file("src/package.json", "{}"), file("src/index.js", ""))))
	add("Go as Node.js", raw(peerpb.ChaincodeSpec_NODE, "no package.json found at the root of the chaincode package", whole))
	add("Go as Java", raw(peerpb.ChaincodeSpec_JAVA, `illegal file detected in payload: "`+main+`"`, whole))
	add("Go as CAR", raw(peerpb.ChaincodeSpec_CAR, "reading CAR: ", whole))
	add("of no language", raw(peerpb.ChaincodeSpec_UNDEFINED, "Unknown chaincodeType: UNDEFINED", whole))
	add("of a language to come", raw(77, "Unknown chaincodeType: 77", whole))
	add("program slipped in", golang(`"src/example.com/hostile/tool": it is compiled (ELF)`, file("src/example.com/hostile/tool", "\x7fELF\x02\x01\x01")))
	add("object slipped in", golang("the Go linker would take it for an object", file("src/example.com/hostile/x.syso", "d")))
	add("index that is no JSON", golang("invalid state database artifact: Index metadata file ["+index+"] is not a valid JSON", file(index, "{")))
	add("index elsewhere", golang("metadata file path or name is not supported: META-INF/statedb/mysql/indexes/i.json", file("META-INF/statedb/mysql/indexes/i.json", "{}")))
	add("huge index", golang("invalid state database artifact: "+index+" has 2097152 bytes", zeros(index, 2<<20)))
	return all
}

// entry is one entry of a code package.
type entry struct {
	tar.Header
	content func() io.Reader
}

func file(name, content string) entry {
	return entry{tar.Header{Name: name, Mode: 0o100644, Size: int64(len(content))}, func() io.Reader { return strings.NewReader(content) }}
}

func zeros(name string, size int64) entry {
	return entry{tar.Header{Name: name, Mode: 0o100644, Size: size}, func() io.Reader { return io.LimitReader(zero{}, size) }}
}

// zero reads as zeros without end.
type zero struct{}

func (zero) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

// archiveOf packs entries as they are. What has no content is cut off.
func archiveOf(t *testing.T, entries ...entry) []byte {
	t.Helper()
	read, write := io.Pipe()
	go func() {
		w := tar.NewWriter(write)
		for _, e := range entries {
			assert.NoError(t, w.WriteHeader(&e.Header))
			if e.content != nil {
				_, err := io.Copy(w, e.content())
				assert.NoError(t, err)
			}
		}
		_ = w.Close() // the content of the last may be missing
		_ = write.Close()
	}()
	return gzipOf(t, read)
}

func gzipOf(t *testing.T, content io.Reader) []byte {
	t.Helper()
	var b bytes.Buffer
	gz, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	require.NoError(t, err)
	_, err = io.Copy(gz, content)
	require.NoError(t, err)
	require.NoError(t, gz.Close())
	return b.Bytes()
}

func gunzipped(t *testing.T, b []byte) []byte {
	t.Helper()
	gz, err := gzip.NewReader(bytes.NewReader(b))
	require.NoError(t, err)
	content, err := io.ReadAll(gz)
	require.NoError(t, err)
	return content
}
