package java

import (
	"archive/zip"
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/chaincode/platform/archive"
	"github.com/heddleledger/heddle/wire/peerpb"
)

const vectors = "../../../testdata/fabric-1.4/packages"

// TestCollectsWhatFabricCollects packages the project that the 1.4.12 tools packaged, and expects their bytes.
func TestCollectsWhatFabricCollects(t *testing.T) {
	spec := &peerpb.ChaincodeDeploymentSpec{}
	b, err := os.ReadFile(filepath.Join(vectors, "kv-java.pkg"))
	require.NoError(t, err)
	require.NoError(t, proto.Unmarshal(b, spec))
	require.NoError(t, Validate(spec.CodePackage))
	mine, err := Collect(filepath.Join(vectors, "src", "java"))
	require.NoError(t, err)
	require.Equal(t, spec.CodePackage, mine)
}

func TestCollectLeavesBuildsOut(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"pom.xml", "src/main/java/A.java", "src/main/java/A.class", "target/x.jar", "build/y", "out/z", "src/target/kept"} {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), nil, 0o644))
	}
	code, err := Collect(dir)
	require.NoError(t, err)
	changes, err := archive.Diff(nil, code)
	require.NoError(t, err)
	var names []string
	for _, c := range changes {
		names = append(names, c.Name)
	}
	require.Equal(t, []string{"src/pom.xml", "src/src/main/java/A.java", "src/src/target/kept"}, names)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "gradlew"), nil, 0o755))
	_, err = Collect(dir)
	require.ErrorContains(t, err, `illegal file detected in payload: "src/gradlew"; a Java chaincode's folder holds`)
}

func TestValidate(t *testing.T) {
	require.NoError(t, Validate(nil), "development mode")
	for name, want := range map[string]string{
		"src/pom.xml": "", "src/src/main/java/A.java": "", "src/settings.gradle": "", "src/chaincode.jar": "",
		"META-INF/statedb/couchdb/indexes/i.json": "",
		"src/A.java":              "illegal file detected",
		"src/src/A.class":         "illegal file detected",
		"src/libs/chaincode.jar":  "illegal file detected",
		"src/src/../../pom.xml":   "illegal file name",
		"src/.mvn/extensions.xml": "illegal file detected",
	} {
		err := Validate(pack(t, map[string]string{name: `{"index":{"fields":["a"]}}`}))
		if want == "" {
			require.NoError(t, err, name)
		} else {
			require.ErrorContains(t, err, want, name)
		}
	}
}

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
		"nothing":       {map[string]string{"src/src/A.java": ""}, os.Environ(), errNothing},
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

func jarOf(t testing.TB, attributes string) string {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, err := w.Create(manifest)
	require.NoError(t, err)
	_, err = f.Write([]byte("Manifest-Version: 1.0\n" + attributes))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.String()
}

func pack(t testing.TB, files map[string]string) []byte {
	t.Helper()
	var list []archive.File
	for name, content := range files {
		list = append(list, archive.File{Name: name, Content: []byte(content)})
	}
	slices.SortFunc(list, func(a, b archive.File) int { return strings.Compare(a.Name, b.Name) })
	b, err := archive.Pack(list)
	require.NoError(t, err)
	return b
}
