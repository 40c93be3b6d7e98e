//go:build toolchains

package java

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/chaincode/confine"
)

// TestReadyJar builds nothing.
func TestReadyJar(t *testing.T) {
	jar := jarOf(t, "Main-Class: x.Y\n")
	cache := t.TempDir()
	path, err := Build(t.Context(), pack(t, map[string]string{"src/my.jar": jar}), cache, os.Environ(), nil, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, jar, string(b))
	program, args, err := Command(path, "host:7052", os.Environ())
	require.NoError(t, err)
	require.Equal(t, "java", filepath.Base(program))
	require.Equal(t, []string{"-jar", path, "--peerAddress", "host:7052"}, args[len(args)-4:])
	entries, err := os.ReadDir(cache)
	require.NoError(t, err)
	require.Len(t, entries, 1, "nothing temporary is left")
}

// TestGradle runs a stand-in for Gradle, which sees what Fabric's image would run.
func TestGradle(t *testing.T) {
	bin := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(bin, "gradle"), []byte("#!/bin/sh\nmkdir -p build/libs && echo \"$@\" secret:$SECRET > build/libs/chaincode.jar\n"), 0o755))
	env := append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "SECRET=x")
	jar, err := Build(t.Context(), pack(t, map[string]string{"src/build.gradle": ""}), t.TempDir(), env, nil, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	b, err := os.ReadFile(jar)
	require.NoError(t, err)
	require.Contains(t, string(b), "build shadowJar -x test secret:\n")
}

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == confine.Verb {
		os.Exit(confine.Exec(os.Args[2:], os.Stderr))
	}
	os.Exit(m.Run())
}

// TestMavenIsConfined runs a stand-in for Maven that does what a project file could have it do.
func TestMavenIsConfined(t *testing.T) {
	if strings.Contains(strings.Join(confine.Missing(&confine.Spec{}), " "), "access to files") {
		return // this kernel cannot
	}
	bin, home := t.TempDir(), t.TempDir()
	key := filepath.Join(home, "key")
	require.NoError(t, os.WriteFile(key, []byte("secret"), 0o600))
	require.NoError(t, os.MkdirAll(filepath.Join(home, ".m2"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(home, ".m2", "settings.xml"), []byte("mirror"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(bin, "mvn"), []byte(`#!/bin/sh
exec 2>&1 > report
cat ~/key; cat ~/.m2/settings.xml; echo; echo x >> ~/.m2/settings.xml; echo x > ~/.m2/repository/x; echo $MAVEN_OPTS
mkdir target && cp report target/chaincode.jar
`), 0o755))
	env := append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "HOME="+home, "MAVEN_OPTS=-Xmx512m")
	code := pack(t, map[string]string{"src/pom.xml": ""})
	cache := t.TempDir()
	jar, err := Build(t.Context(), code, cache, env, &confine.Limits{}, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	report, err := os.ReadFile(jar)
	require.NoError(t, err)
	require.NotContains(t, string(report), "secret")
	require.Regexp(t, "(?s)^mirror\n-Duser.home="+home+" -Djava.io.tmpdir="+cache+"/build-\\d+ -Xmx512m\n$", string(report))
	settings, err := os.ReadFile(filepath.Join(home, ".m2", "settings.xml"))
	require.NoError(t, err)
	require.Equal(t, "mirror", string(settings))
	require.FileExists(t, filepath.Join(home, ".m2", "repository", "x"))
}

func TestBuildFailures(t *testing.T) {
	bin := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(bin, "mvn"), []byte("#!/bin/sh\necho KV.java:3: cannot find symbol; exit 1\n"), 0o755))
	failing := append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"))
	java, err := findJava(os.Environ())
	require.NoError(t, err)
	require.NoError(t, os.Mkdir(filepath.Join(bin, "only"), 0o755))
	require.NoError(t, os.Symlink(java, filepath.Join(bin, "only", "java")))
	for name, c := range map[string]struct {
		files map[string]string
		env   []string
		want  string
	}{
		"nothing":       {map[string]string{"src/src/A.java": ""}, os.Environ(), errNothing.Error()},
		"no java":       {map[string]string{"src/pom.xml": ""}, []string{"PATH=/nowhere"}, "needs the program java"},
		"no maven":      {map[string]string{"src/pom.xml": ""}, []string{"PATH=" + filepath.Join(bin, "only")}, "needs the program mvn, which is not on PATH: install Apache Maven"},
		"no gradle":     {map[string]string{"src/build.gradle": ""}, []string{"PATH=" + filepath.Join(bin, "only")}, "needs the program gradle"},
		"compiler":      {map[string]string{"src/pom.xml": ""}, failing, "building Java chaincode with mvn: exit status 1\nKV.java:3: cannot find symbol"},
		"no main class": {map[string]string{"src/a.jar": jarOf(t, "")}, os.Environ(), "found [a.jar], of which 0 name one"},
		"two jars":      {map[string]string{"src/a.jar": jarOf(t, "Main-Class: a\n"), "src/b.jar": jarOf(t, "Main-Class: b\n")}, os.Environ(), "of which 2 name one"},
		"not a jar":     {map[string]string{"src/a.jar": "junk"}, os.Environ(), "of which 0 name one"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Build(t.Context(), pack(t, c.files), t.TempDir(), c.env, nil, slog.New(slog.DiscardHandler))
			require.ErrorContains(t, err, c.want)
		})
	}
	_, err = Build(t.Context(), nil, t.TempDir(), os.Environ(), nil, nil)
	require.ErrorContains(t, err, "development mode")
}
