package images

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestNpmSettings asks a stand-in for npm.
func TestNpmSettings(t *testing.T) {
	root := machine(t, "bin/node", "npm/bin/npm-cli.js", "npm/package.json", "bin/npm -> ../npm/bin/npm-cli.js", "ca.crt")
	ask := func(settings string) (*tree, error) {
		require.NoError(t, os.WriteFile(filepath.Join(root, "npm/bin/npm-cli.js"), []byte("#!/bin/sh\necho '"+settings+"'\n"), 0o755))
		tr := newTree()
		tr.text(rootsFile, "roots")
		return tr, (&host{ctx: t.Context(), env: []string{"PATH=" + filepath.Join(root, "bin")}}).nodeBuildTools(tr)
	}
	tr, err := ask(`{"registry": "https://anna:hush@npm.example.com/", "@org:registry": "https://org.example.com/", "proxy": null, "https-proxy": "http://proxy:3128",
		"noproxy": ["localhost", "example.com"], "strict-ssl": true, "cafile": "` + filepath.Join(root, "ca.crt") + `", "userconfig": "/home/anna/.npmrc"}`)
	require.NoError(t, err)
	require.Equal(t, `audit=false
fund=false
update-notifier=false
@org:registry=https://org.example.com/
cafile=/usr/etc/npm-ca.crt
https-proxy=http://proxy:3128
noproxy=localhost,example.com
registry=https://npm.example.com/
strict-ssl=true
`, content(t, tr, "usr/etc/npmrc"))
	require.True(t, tr.has("usr/etc/npm-ca.crt"))
	require.Equal(t, []string{"ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt"}, tr.changes)

	tr, err = ask(`{"registry": "https://npm.example.com/", "noproxy": [""], "cafile": null}`)
	require.NoError(t, err)
	require.Equal(t, "audit=false\nfund=false\nupdate-notifier=false\nregistry=https://npm.example.com/\n", content(t, tr, "usr/etc/npmrc"))
	_, err = ask("oops")
	require.ErrorContains(t, err, "npm's configuration: ")
}
