//go:build toolchains

package node

import (
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestCommand starts what a start script would start.
func TestCommand(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{
		"node_modules/fabric-shim/package.json": `{"name":"fabric-shim","bin":{"fabric-chaincode-node":"cli.js","out":"../../../x"}}`,
		"node_modules/fabric-shim/cli.js":       "#!/usr/bin/env node\n",
		"node_modules/@a/tool/package.json":     `{"name":"@a/tool","bin":"tool.js"}`,
		"node_modules/@a/tool/tool.js":          "#!/usr/bin/node\n",
		"node_modules/native/package.json":      `{"name":"native","bin":"native"}`,
		"node_modules/native/native":            "#!/bin/sh\n",
		"node_modules/broken/package.json":      "{",
	})
	npm := []string{"npm start -- --peer.address host:7052"}
	for manifest, want := range map[string][]string{
		`{"scripts":{"start":"node index.js"}}`:                                {"node index.js --peer.address host:7052"},
		`{"scripts":{"start":"node  --max-old-space-size=64 lib/main.js -x"}}`: {"node --max-old-space-size=64 lib/main.js -x --peer.address host:7052"},
		`{"scripts":{"start":"fabric-chaincode-node start"}}`:                  {"node " + dir + "/node_modules/fabric-shim/cli.js start --peer.address host:7052"},
		`{"scripts":{"start":"tool"}}`:                                         {"node " + dir + "/node_modules/@a/tool/tool.js --peer.address host:7052"},
		`{"scripts":{"start":"native"}}`:                                       npm,
		`{"scripts":{"start":"out"}}`:                                          npm,
		`{"scripts":{"start":"node index.js && true"}}`:                        npm,
		`{"scripts":{"start":"A=b node index.js"}}`:                            npm,
		`{"scripts":{"start":"node 'index.js'"}}`:                              npm,
		`{"scripts":{"start":"node index.js","prestart":"true"}}`:              npm,
		`{"scripts":{}}`: {"", "package.json has no start script"},
		`{"scripts":1}`:  {"", "package.json: json: cannot unmarshal"},
	} {
		write(t, dir, map[string]string{"package.json": manifest})
		p, err := Command(dir, "host:7052", os.Environ())
		if len(want) == 2 {
			require.ErrorContains(t, err, want[1], manifest)
			continue
		}
		require.NoError(t, err, manifest)
		require.Equal(t, want[0], filepath.Base(p.Path)+" "+strings.Join(p.Args, " "), manifest)
		require.Equal(t, dir, p.Dir)
	}
	write(t, dir, map[string]string{"server.js": "", "package.json": "{}"})
	p, err := Command(dir, "host:7052", os.Environ())
	require.NoError(t, err)
	require.Equal(t, []string{"server.js", "--peer.address", "host:7052"}, p.Args)
}

// TestBuildWithModulesInThePackage needs no network; npm is not run.
func TestBuildWithModulesInThePackage(t *testing.T) {
	files := map[string]string{
		"src/package.json":                        `{"name":"cc","version":"1.2.3","scripts":{"start":"node index.js"}}`,
		"src/index.js":                            `console.log(require("answer"), process.argv.slice(2).join(" "), process.env.npm_package_version)`,
		"src/node_modules/answer/package.json":    `{"name":"answer","main":"a.js"}`,
		"src/node_modules/answer/a.js":            "module.exports = 42",
		"META-INF/statedb/couchdb/indexes/i.json": `{"index":{"fields":["a"]}}`,
	}
	cache, log := t.TempDir(), slog.New(slog.DiscardHandler)
	dir, err := Build(t.Context(), pack(t, files), cache, os.Environ(), nil, log)
	require.NoError(t, err)
	p, err := Command(dir, "host:7052", os.Environ())
	require.NoError(t, err)
	cmd := exec.Command(p.Path, p.Args...)
	cmd.Dir, cmd.Env = p.Dir, p.Env
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Equal(t, "42 --peer.address host:7052 1.2.3\n", string(out))
	again, err := Build(t.Context(), pack(t, files), cache, os.Environ(), nil, log)
	require.NoError(t, err)
	require.Equal(t, dir, again)
	entries, err := os.ReadDir(cache)
	require.NoError(t, err)
	require.Len(t, entries, 1, "nothing temporary is left")
}

func TestBuildFailures(t *testing.T) {
	offline := append(os.Environ(), "npm_config_registry=http://127.0.0.1:1", "npm_config_fetch_retries=0", "npm_config_cache="+t.TempDir())
	good := map[string]string{"src/package.json": `{"scripts":{"start":"node index.js"},"dependencies":{"fabric-shim":"2.5.8"}}`}
	for name, c := range map[string]struct {
		files map[string]string
		env   []string
		want  []string
	}{
		"no manifest":  {map[string]string{"src/index.js": ""}, offline, []string{"no package.json found"}},
		"bad manifest": {map[string]string{"src/package.json": "{"}, offline, []string{"package.json: unexpected end"}},
		"no registry":  {good, offline, []string{"npm install of the chaincode's modules", "ECONNREFUSED", "no way to an npm registry"}},
		"no node":      {good, []string{"PATH=/nowhere"}, []string{"needs the program node, which is not on PATH"}},
		"no start":     {map[string]string{"src/package.json": `{}`}, offline, []string{"no start script"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Build(t.Context(), pack(t, c.files), t.TempDir(), c.env, nil, slog.New(slog.DiscardHandler))
			for _, want := range c.want {
				require.ErrorContains(t, err, want)
			}
		})
	}
	_, err := Build(t.Context(), nil, t.TempDir(), offline, nil, nil)
	require.ErrorContains(t, err, "development mode")
}

// TestBuildRunsNothingOfThePackage: a package's own scripts are not run when it is built.
func TestBuildRunsNothingOfThePackage(t *testing.T) {
	mark := filepath.Join(t.TempDir(), "mark")
	code := pack(t, map[string]string{"src/package.json": `{"scripts":{"start":"node index.js","preinstall":"touch ` + mark + `","postinstall":"touch ` + mark + `"}}`})
	_, err := Build(t.Context(), code, t.TempDir(), os.Environ(), nil, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	require.NoFileExists(t, mark)
}
