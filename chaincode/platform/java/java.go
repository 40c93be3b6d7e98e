// Package java knows what Java chaincode needs: how a project's files are collected into a code package, what a code package may hold, how it is
// built, and how it is started.
//
// # Building
//
// Build unpacks a package into a folder and builds it there with what this machine has: Maven where there is a pom.xml, Gradle where there is a
// build.gradle. Both take what they need from their local repositories or over the network, through the proxies that the peer's environment names
// (ProxyEnv). As in Fabric's image, tests are not run, and what comes of it is chaincode.jar, with everything it needs in it, in target or
// build/libs; a single jar that names its main class does as well. A package may also hold that jar ready made, at the top of its sources, instead
// of a project: then nothing is built. The jar is kept under a name made of the package and of the versions of the tools.
//
// Unlike builds of the other languages these execute what the package says (the plugins of its project file); package tool says what they may do.
//
// # Starting
//
// The jar is started on the JVM with the shim's --peerAddress; the shim finds its TLS material through the environment that every chaincode gets.
package java

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/heddleledger/heddle/chaincode/platform/archive"
)

// Collect packages the project in the folder at path as Fabric 1.4 does: all of it but what builds leave there.
func Collect(path string) ([]byte, error) {
	if err := archive.CheckFolder(path); err != nil {
		return nil, err
	}
	code, err := archive.Folder(path, leftOut)
	if err != nil {
		return nil, err
	}
	if err := Validate(code); err != nil { // Fabric packages what its peers then refuse
		return nil, fmt.Errorf("%w; a Java chaincode's folder holds pom.xml or build.gradle and settings.gradle, with sources below src, or one ready jar", err)
	}
	return code, nil
}

func leftOut(name string) bool {
	top, _, inFolder := strings.Cut(name, "/")
	return inFolder && (top == "target" || top == "build" || top == "out") || path.Ext(name) == ".class"
}

// allowed matches the files that Fabric lets a package have, and a jar at the top beside them.
var allowed = regexp.MustCompile(`^(src/((src|META-INF)/.*|build\.gradle|settings\.gradle|pom\.xml|[^/]+\.jar)|META-INF/.*)`)

// Validate checks a code package, reading all of it. An empty package is fine, as in Fabric, where a package for development mode has none.
func Validate(code []byte) error {
	startable := len(code) == 0
	err := archive.Validate(code, func(name string, _ []byte) error {
		if !allowed.MatchString(name) || path.Ext(name) == ".class" {
			return fmt.Errorf("illegal file detected in payload: %q", name)
		}
		startable = startable || name == "src/pom.xml" || name == "src/build.gradle" || path.Dir(name) == "src" && path.Ext(name) == ".jar"
		return nil
	})
	if err == nil && !startable {
		return errNothing
	}
	return err
}

// errNothing says that there is no way to build a package.
var errNothing = errors.New("the package holds neither pom.xml nor build.gradle nor a ready jar")

// project is how a package is built.
type project struct {
	tool, install string // program, and what to install for it
	args          []string
	output        string   // folder of the jar
	settings      []string // the tool's configuration, as caches in the user's home if they are no absolute paths
	caches        []string // what the tool keeps; not its configuration, which would be the next build's
	open          bool     // its processes speak to each other over TCP and UDP
}

// below puts those of the paths that are not absolute below home.
func below(home string, paths []string) []string {
	var all []string
	for _, p := range paths {
		if !filepath.IsAbs(p) {
			p = filepath.Join(home, p)
		}
		all = append(all, p)
	}
	return all
}

// projectIn looks for a project in the unpacked sources: nil if the package is a ready jar.
func projectIn(src fs.FS) *project {
	for _, p := range []struct {
		file string
		project
	}{
		{"build.gradle", project{
			tool: "gradle", install: "Gradle (https://gradle.org)", output: "build/libs",
			args:     []string{"--no-daemon", "--quiet", "--console=plain", "build", "shadowJar", "-x", "test"},
			settings: []string{".gradle/gradle.properties"}, open: true,
			caches: []string{".gradle/caches", ".gradle/daemon", ".gradle/jdks", ".gradle/native", ".gradle/notifications", ".gradle/.tmp"},
		}},
		{"pom.xml", project{
			tool: "mvn", install: "Apache Maven (https://maven.apache.org)", output: "target",
			args:     []string{"--batch-mode", "--quiet", "--errors", "package", "-DskipTests", "-Dmaven.test.skip=true"},
			settings: []string{"/etc/maven", "/etc/maven/settings.xml", "/etc/mavenrc", ".mavenrc", ".m2/settings.xml", ".m2/settings-security.xml"},
			caches:   []string{".m2/repository"},
		}},
	} {
		if _, err := fs.Stat(src, p.file); err == nil {
			return &p.project
		}
	}
	return nil
}
