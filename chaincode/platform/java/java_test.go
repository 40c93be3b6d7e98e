package java

import (
	"archive/zip"
	"bytes"
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
		files := map[string]string{"src/build.gradle": "", name: `{"index":{"fields":["a"]}}`}
		err := Validate(pack(t, files))
		if want == "" {
			require.NoError(t, err, name)
		} else {
			require.ErrorContains(t, err, want, name)
		}
	}
	require.Equal(t, errNothing, Validate(pack(t, map[string]string{"src/src/main/java/A.java": "", "src/settings.gradle": ""})))
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
