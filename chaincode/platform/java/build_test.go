//go:build toolchains

package java

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestReadyJar builds nothing.
func TestReadyJar(t *testing.T) {
	jar := jarOf(t, "Main-Class: x.Y\n")
	cache := t.TempDir()
	path, err := Build(t.Context(), pack(t, map[string]string{"src/my.jar": jar}), cache, os.Environ(), slog.New(slog.DiscardHandler))
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
	jar, err := Build(t.Context(), pack(t, map[string]string{"src/build.gradle": ""}), t.TempDir(), env, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	b, err := os.ReadFile(jar)
	require.NoError(t, err)
	require.Contains(t, string(b), "build shadowJar -x test secret:\n")
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
			_, err := Build(t.Context(), pack(t, c.files), t.TempDir(), c.env, slog.New(slog.DiscardHandler))
			require.ErrorContains(t, err, c.want)
		})
	}
	_, err = Build(t.Context(), nil, t.TempDir(), os.Environ(), nil)
	require.ErrorContains(t, err, "development mode")
}
