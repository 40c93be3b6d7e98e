package java

import (
	"archive/zip"
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/heddleledger/heddle/chaincode/confine"
	"github.com/heddleledger/heddle/chaincode/platform/archive"
	"github.com/heddleledger/heddle/chaincode/platform/tool"
)

// passedOn are the variables of the peer's environment that the tools may see.
var passedOn = []string{"JAVA_HOME", "JAVA_OPTS", "MAVEN_*", "M2_HOME", "GRADLE_*"}

// Build returns the path of the chaincode's jar, building it if no earlier Build of the same package with the same tools did. cacheDir is where
// it is kept; env is the peer's environment, in which the tools are looked for; limits has Maven and Gradle confined.
func Build(ctx context.Context, code []byte, cacheDir string, env []string, limits *confine.Limits, log *slog.Logger) (jar string, err error) {
	if len(code) == 0 {
		return "", errors.New("the chaincode's package holds no code: it was made for a peer in development mode")
	}
	if err := Validate(code); err != nil {
		return "", err
	}
	version, err := javaVersion(ctx, env)
	if err != nil {
		return "", err
	}
	if cacheDir, err = filepath.Abs(cacheDir); err != nil {
		return "", err
	}
	jar = filepath.Join(cacheDir, "java", fmt.Sprintf("%x.jar", sha256.Sum256(fmt.Appendf(nil, "%d %s%s", len(version), version, code))))
	if _, err := os.Stat(jar); err == nil {
		return jar, nil
	}
	began := time.Now()
	if err := os.MkdirAll(filepath.Dir(jar), 0o755); err != nil {
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
	src, how := filepath.Join(work, "src"), "ready jar"
	output := src
	if p := projectIn(os.DirFS(src)); p != nil {
		output, how = filepath.Join(src, p.output), p.tool
		if err := p.build(ctx, work, env, limits); err != nil {
			return "", err
		}
	}
	built, err := findJar(output)
	if err != nil {
		return "", err
	}
	if err := os.Rename(built, jar); err != nil {
		return "", err
	}
	log.Info("built chaincode", "with", how, "java", version, "took", time.Since(began).Round(time.Millisecond))
	return jar, nil
}

// build builds the project in the folder src of work.
func (p *project) build(ctx context.Context, work string, env []string, limits *confine.Limits) error {
	program, err := tool.Find(env, p.tool, "this Java chaincode", p.install)
	if err != nil {
		return err
	}
	java, err := findJava(env)
	if err != nil {
		return err
	}
	home := tool.Getenv(env, "HOME")
	env = withPlaces(env, home, work)
	passed := append(tool.Env(env, passedOn...), ProxyEnv(env)...)
	configuration := below(home, p.settings)
	out, err := tool.Job{
		Program: program, Args: p.args, Dir: filepath.Join(work, "src"), Env: passed,
		Limits: limits, Work: work, Read: append(tool.Toolchain(java), configuration...), Write: below(home, p.caches),
		Ports: tool.Ports(passed, configuration...), Open: p.open,
	}.Run(ctx)
	if err != nil {
		return fmt.Errorf("building Java chaincode with %s: %w\n%s", p.tool, err, tool.Tail(out))
	}
	return nil
}

// withPlaces tells Maven and Gradle where their user's home is, which Java would look up in files that a confined program does not see, and where
// temporary files go.
func withPlaces(env []string, home, work string) []string {
	for _, name := range []string{"MAVEN_OPTS", "GRADLE_OPTS"} {
		options := "-Duser.home=" + home + " -Djava.io.tmpdir=" + work
		if own := tool.Getenv(env, name); own != "" {
			options += " " + own
		}
		env = append(slices.Clip(env), name+"="+options)
	}
	return env
}

// Ready tells what keeps this machine from running chaincode; nil if nothing does. A package that is to be built needs Maven or Gradle too.
func Ready(env []string) error {
	_, err := findJava(env)
	return err
}

// findJava is the java command of JAVA_HOME or, without that, on PATH.
func findJava(env []string) (string, error) {
	if home := tool.Getenv(env, "JAVA_HOME"); home != "" {
		java := filepath.Join(home, "bin", "java")
		if info, err := os.Stat(java); err == nil && info.Mode().IsRegular() {
			return java, nil
		}
	}
	return tool.Find(env, "java", "Java chaincode", "a Java runtime, 11 or later (https://openjdk.org)")
}

// javaVersion is the first line of `java -version`.
func javaVersion(ctx context.Context, env []string) (string, error) {
	java, err := findJava(env)
	if err != nil {
		return "", err
	}
	out, err := tool.Run(ctx, os.TempDir(), tool.Env(env, "JAVA_HOME"), java, "-version")
	if err != nil {
		return "", fmt.Errorf("asking %s for its version: %w\n%s", java, err, tool.Tail(out))
	}
	line, _, _ := strings.Cut(out, "\n")
	return strings.TrimSpace(line), nil
}

// jarName is what Fabric's image starts.
const jarName = "chaincode.jar"

// findJar looks in dir for the jar to start: chaincode.jar, or the only one that names its main class.
func findJar(dir string) (string, error) {
	jars, err := filepath.Glob(filepath.Join(dir, "*.jar"))
	if err != nil {
		return "", err
	}
	var runnable, all []string
	for _, j := range jars {
		if info, err := os.Lstat(j); err != nil || !info.Mode().IsRegular() {
			continue
		}
		if filepath.Base(j) == jarName {
			return j, nil
		}
		all = append(all, filepath.Base(j))
		if hasMain(j) {
			runnable = append(runnable, j)
		}
	}
	if len(runnable) != 1 {
		return "", fmt.Errorf("a Java chaincode is a %s with all it needs in it, or the only jar that names its Main-Class; found %v, of which %d name one: "+
			"let the project make a shaded %s, as Fabric asks", jarName, all, len(runnable), jarName)
	}
	return runnable[0], nil
}

const manifest = "META-INF/MANIFEST.MF"

// maxManifest bounds how much of a manifest is read.
const maxManifest = 1 << 20

// hasMain tells whether a jar's manifest names a main class.
func hasMain(jar string) bool {
	r, err := zip.OpenReader(jar)
	if err != nil {
		return false
	}
	defer r.Close()
	f, err := r.Open(manifest)
	if err != nil {
		return false
	}
	defer f.Close()
	lines := bufio.NewScanner(io.LimitReader(f, maxManifest))
	for lines.Scan() {
		if strings.HasPrefix(strings.ToLower(lines.Text()), "main-class:") {
			return true
		}
	}
	return false
}

// Command says how to start the jar that Build made. address is the peer's, host:port; env is the peer's environment. Temporary files go into
// the directory it is started in. The serial collector keeps it small: a chaincode waits for its peer most of the time.
func Command(jar, address string, env []string) (program string, args []string, err error) {
	if program, err = findJava(env); err != nil {
		return "", nil, err
	}
	return program, []string{"-XX:+UseSerialGC", "-Djava.io.tmpdir=.", "-jar", jar, "--peerAddress", address}, nil
}
