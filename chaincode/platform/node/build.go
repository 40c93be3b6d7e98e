package node

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/heddleledger/heddle/chaincode/confine"
	"github.com/heddleledger/heddle/chaincode/platform/archive"
	"github.com/heddleledger/heddle/chaincode/platform/tool"
)

// Build returns the folder that holds the project of a code package with its modules, building it if no earlier Build of the same package with
// the same tools did. cacheDir is where it is kept; env is the peer's environment, in which npm finds its configuration;
// limits has npm confined.
func Build(ctx context.Context, code []byte, cacheDir string, env []string, limits *confine.Limits, log *slog.Logger) (dir string, err error) {
	if len(code) == 0 {
		return "", errors.New("the chaincode's package holds no code: it was made for a peer in development mode")
	}
	t, err := find(ctx, env)
	if err != nil {
		return "", err
	}
	if cacheDir, err = filepath.Abs(cacheDir); err != nil {
		return "", err
	}
	dir = filepath.Join(cacheDir, "node", t.key(code))
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	began := time.Now()
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return "", fmt.Errorf("making the build cache: %w", err)
	}
	work, err := os.MkdirTemp(cacheDir, "build-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(work)
	if err := archive.Unpack(code, work); err != nil {
		return "", err
	}
	project := filepath.Join(work, "src")
	m, err := readManifest(project)
	if err != nil {
		return "", err
	}
	brought := "node_modules of the package"
	if _, err := os.Stat(filepath.Join(project, modules)); errors.Is(err, os.ErrNotExist) {
		brought = "npm install"
		if err := t.install(ctx, project, work, env, limits); err != nil {
			return "", err
		}
	}
	if _, err := m.command(project); err != nil { // better now than at every start
		return "", err
	}
	if err := os.Rename(project, dir); err != nil {
		if _, statErr := os.Stat(dir); statErr != nil { // another build of the same package was first
			return "", err
		}
	}
	log.Info("built chaincode", "name", m.Name, "modules", brought, "node", t.version, "took", time.Since(began).Round(time.Millisecond))
	return dir, nil
}

// modules is where Node.js looks for modules.
const modules = "node_modules"

// tools are the programs that build and run Node.js chaincode.
type tools struct {
	node, npm           string
	version, npmVersion string
}

// Ready tells what keeps this machine from running chaincode; nil if nothing does.
func Ready(env []string) error {
	_, err := locate(env)
	return err
}

// locate looks for node and npm on the PATH of env.
func locate(env []string) (t tools, err error) {
	if t.node, err = tool.Find(env, "node", "Node.js chaincode", "Node.js 18 or later (https://nodejs.org)"); err != nil {
		return t, err
	}
	t.npm, err = tool.Find(env, "npm", "Node.js chaincode", "npm (https://nodejs.org)")
	return t, err
}

// find locates the tools and asks for their versions.
func find(ctx context.Context, env []string) (tools, error) {
	t, err := locate(env)
	if err != nil {
		return t, err
	}
	if t.version, err = t.ask(ctx, t.node, env); err != nil {
		return t, err
	}
	t.npmVersion, err = t.ask(ctx, t.npm, env)
	return t, err
}

func (t tools) ask(ctx context.Context, program string, env []string) (string, error) {
	cmd := exec.CommandContext(ctx, program, "--version")
	cmd.Env, cmd.Dir = tool.Env(env, passedOn...), os.TempDir()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fail("asking "+program+" for its version", err, tool.Tail(stderr.String()))
	}
	return strings.TrimSpace(string(out)), nil
}

// key names a build by all that it depends on.
func (t tools) key(code []byte) string {
	h := sha256.New()
	for _, part := range []string{t.version, t.npmVersion, runtime.GOOS + "/" + runtime.GOARCH} {
		fmt.Fprintf(h, "%d %s", len(part), part)
	}
	h.Write(code)
	return fmt.Sprintf("%x", h.Sum(nil))
}

// passedOn are the variables of the peer's environment that npm may see: where things are, and how the network is reached.
var passedOn = []string{"npm_config_*", "NPM_CONFIG_*", "NODE_EXTRA_CA_CERTS"}

// NoRegistry says what to do where npm cannot fetch modules.
const NoRegistry = "if this peer has no way to an npm registry, put the modules into the package: a node_modules folder below src"

// install has npm install the modules. A lock file in the package is kept to: then the modules are the same on every peer.
func (t tools) install(ctx context.Context, project, work string, env []string, limits *confine.Limits) error {
	args := []string{"install", "--omit=dev"}
	if major, err := strconv.Atoi(strings.Split(t.npmVersion, ".")[0]); err == nil && major < 7 {
		args = []string{"install", "--production"}
	}
	if _, err := os.Stat(filepath.Join(project, "package-lock.json")); err == nil {
		args[0] = "ci"
	}
	args = append(args, "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--prefer-offline", "--loglevel=error")
	home := tool.Getenv(env, "HOME")
	configuration := []string{filepath.Join(home, ".npmrc"), "/etc/npmrc", "/usr/etc/npmrc", "/usr/local/etc/npmrc"}
	passed := tool.Env(env, passedOn...)
	out, err := tool.Job{
		Program: t.npm, Args: args, Dir: project, Env: append(passed, "TMPDIR="+work),
		Limits: limits, Work: work, Read: append(tool.Toolchain(t.node), configuration...), Write: []string{npmCache(env, home)},
		Ports: tool.Ports(passed, configuration...),
	}.Run(ctx)
	if err != nil {
		return fail("npm "+args[0]+" of the chaincode's modules", err, tool.Tail(out)+"\n"+NoRegistry)
	}
	return nil
}

// npmCache is where npm keeps what it has fetched, if its configuration files do not say otherwise.
func npmCache(env []string, home string) string {
	return cmp.Or(tool.Getenv(env, "npm_config_cache"), tool.Getenv(env, "NPM_CONFIG_CACHE"), filepath.Join(home, ".npm"))
}
