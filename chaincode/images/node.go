package images

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// node is the image that Node.js chaincode runs on.
func (h *host) node() (*tree, error) {
	t, err := h.base()
	if err != nil {
		return nil, err
	}
	return t, h.nodeTools(t)
}

// nodeTools adds node and npm. npm is a folder of scripts, somewhere above the file that the command is a link to.
func (h *host) nodeTools(t *tree) error {
	if err := h.tool(t, "node"); err != nil {
		return err
	}
	npm, err := h.find("npm")
	if err != nil {
		return err
	}
	if npm, err = filepath.EvalSymlinks(npm); err != nil {
		return err
	}
	folder := filepath.Dir(filepath.Dir(npm)) // …/npm/bin/npm-cli.js
	if _, err := os.Stat(filepath.Join(folder, "package.json")); err != nil {
		return fmt.Errorf("npm is at %s, and there is no package.json in %s: this machine's npm is laid out in a way that cannot be copied", npm, folder)
	}
	if err := t.copyFolder("usr/lib/node_modules/npm", folder, func(rel string, _ fs.DirEntry) bool { return rel == "docs" || rel == "man" }); err != nil {
		return err
	}
	t.symlink("usr/bin/npm", "../lib/node_modules/npm/bin/"+filepath.Base(npm))
	t.symlink("usr/bin/npx", "../lib/node_modules/npm/bin/npx-cli.js")
	return nil
}

// nodeBuildTools adds node, npm, and how this machine's npm reaches its registry.
func (h *host) nodeBuildTools(t *tree) error {
	if err := h.nodeTools(t); err != nil {
		return err
	}
	npm, err := h.find("npm")
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(h.ctx, npm, "config", "list", "--json")
	cmd.Env, cmd.Dir = h.env, os.TempDir()
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("asking npm for its configuration: %w: %s", err, said.String())
	}
	settings := map[string]any{}
	if err := json.Unmarshal(out, &settings); err != nil {
		return fmt.Errorf("npm's configuration: %w", err)
	}
	if file, ok := settings["cafile"].(string); ok {
		settings["cafile"] = "/" + npmRoots
		if err := t.file(npmRoots, file); err != nil {
			return fmt.Errorf("npm's setting cafile: %w", err)
		}
	}
	if t.has(rootsFile) {
		t.changes = append(t.changes, "ENV NODE_EXTRA_CA_CERTS=/"+rootsFile)
	}
	t.text("usr/etc/npmrc", "audit=false\nfund=false\nupdate-notifier=false\n"+npmrc(settings))
	return nil
}

// npmRoots holds the certificate authorities that npm alone trusts, if it is told to.
const npmRoots = "usr/etc/npm-ca.crt"

// npmrc picks what says how the registries are reached out of npm's settings. npm does not tell its tokens; names and passwords in addresses are
// left out here.
func npmrc(settings map[string]any) string {
	var lines []string
	for key, value := range settings {
		text := fmt.Sprint(value)
		switch {
		case value == nil || text == "":
			continue
		case key == "registry", strings.HasSuffix(key, ":registry"), key == "proxy", key == "https-proxy":
			if u, err := url.Parse(text); err == nil {
				u.User = nil
				text = u.String()
			}
		case key == "noproxy":
			var hosts []string
			list, _ := value.([]any)
			for _, one := range list {
				if s := fmt.Sprint(one); s != "" {
					hosts = append(hosts, s)
				}
			}
			if text = strings.Join(hosts, ","); text == "" {
				continue
			}
		case key != "cafile" && key != "strict-ssl":
			continue
		}
		lines = append(lines, key+"="+text+"\n")
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}
