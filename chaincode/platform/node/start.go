package node

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/heddleledger/heddle/chaincode/platform/tool"
)

// addressFlag is how the shim is told where its peer is.
const addressFlag = "--peer.address"

// Command says how to start the chaincode that Build put into dir. address is the peer's, host:port; env is the peer's environment.
func Command(dir, address string, env []string) (Program, error) {
	m, err := readManifest(dir)
	if err != nil {
		return Program{}, err
	}
	words, err := m.command(dir)
	if err != nil {
		return Program{}, err
	}
	p := Program{Dir: dir, Env: []string{"npm_package_name=" + m.Name, "npm_package_version=" + m.Version}}
	if words == nil {
		p.Path, err = tool.Find(env, "npm", "Node.js chaincode", "npm (https://nodejs.org)")
		p.Args, p.Launcher = []string{"start", "--", addressFlag, address}, true
		p.Env = append(p.Env, "PATH="+tool.Getenv(env, "PATH"), "npm_config_update_notifier=false")
		return p, err
	}
	p.Path, err = tool.Find(env, "node", "Node.js chaincode", "Node.js 18 or later (https://nodejs.org)")
	p.Args = append(words, addressFlag, address)
	return p, err
}

// manifest is what matters of a package.json.
type manifest struct {
	Name    string            `json:"name"`
	Version string            `json:"version"`
	Scripts map[string]string `json:"scripts"`
	Bin     json.RawMessage   `json:"bin"` // a file, or files by name
}

func readManifest(dir string) (*manifest, error) {
	b, err := os.ReadFile(filepath.Join(dir, "package.json"))
	if errors.Is(err, os.ErrNotExist) {
		return nil, errNoManifest
	}
	if err != nil {
		return nil, err
	}
	m := &manifest{}
	if err := json.Unmarshal(b, m); err != nil {
		return nil, fmt.Errorf("package.json: %w", err)
	}
	if strings.ContainsRune(m.Name+m.Version, 0) {
		return nil, errors.New("package.json: the name or the version holds a null byte")
	}
	return m, nil
}

// word is a part of a start script that means itself to every shell.
var word = regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./-]+$`)

// command is what to give node to do what the start script does; nil if only npm can tell.
func (m *manifest) command(dir string) ([]string, error) {
	script := m.Scripts["start"]
	if script == "" {
		if _, err := os.Stat(filepath.Join(dir, "server.js")); err != nil {
			return nil, errors.New(`package.json has no start script; give it one, such as "scripts": {"start": "node index.js"}`)
		}
		script = "node server.js" // as npm does
	}
	words := strings.Fields(script)
	simple := !slices.ContainsFunc(words, func(w string) bool { return !word.MatchString(w) })
	if !simple || len(words) == 0 || strings.Contains(words[0], "=") || m.Scripts["prestart"] != "" || m.Scripts["poststart"] != "" {
		return nil, nil
	}
	if words[0] == "node" {
		return words[1:], nil
	}
	file := findProgram(dir, words[0])
	if file == "" {
		return nil, nil
	}
	return append([]string{file}, words[1:]...), nil
}

// findProgram looks in the modules for the script called name; empty if it is none of theirs or no script of node's.
func findProgram(dir, name string) string {
	found, _ := filepath.Glob(filepath.Join(dir, modules, "*", "package.json"))
	scoped, _ := filepath.Glob(filepath.Join(dir, modules, "@*", "*", "package.json"))
	for _, f := range append(found, scoped...) {
		m, err := readManifest(filepath.Dir(f))
		if err != nil {
			continue
		}
		file := m.program(name)
		if file == "" || !filepath.IsLocal(file) {
			continue
		}
		file = filepath.Join(filepath.Dir(f), file)
		if b, err := os.ReadFile(file); err == nil && strings.Contains(strings.SplitN(string(b), "\n", 2)[0], "node") {
			return file
		}
	}
	return ""
}

// program is the file, relative to the module, that the module installs under name.
func (m *manifest) program(name string) string {
	var files map[string]string
	var file string
	switch {
	case json.Unmarshal(m.Bin, &files) == nil:
		return files[name]
	case json.Unmarshal(m.Bin, &file) == nil && path.Base(m.Name) == name:
		return file
	}
	return ""
}
