package platform_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/chaincode/platform"
	"github.com/heddleledger/heddle/wire/peerpb"
)

const vectors = "../../testdata/fabric-1.4/packages/src"

// Variables that make this test binary package what they name and write it to standard output.
const (
	languageVariable = "HEDDLE_TEST_LANGUAGE"
	pathVariable     = "HEDDLE_TEST_PATH"
)

func TestMain(m *testing.M) {
	language := os.Getenv(languageVariable)
	if language == "" {
		os.Exit(m.Run())
	}
	_, code, err := platform.Collect(peerpb.ChaincodeSpec_Type(peerpb.ChaincodeSpec_Type_value[language]), os.Getenv(pathVariable), os.Environ())
	if err == nil {
		_, err = os.Stdout.Write(code)
	}
	if err != nil {
		println(err.Error())
		os.Exit(1)
	}
}

// TestOneArchiveForAll packages the same sources as two users, under two umasks, from folders made in another order, at another time, with
// other modes and another owner, and expects equal bytes.
func TestOneArchiveForAll(t *testing.T) {
	root, err := os.MkdirTemp("", "heddle-packaging-") // t.TempDir lets nobody else in
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(root)) })
	require.NoError(t, os.Chmod(root, 0o755))
	binary := filepath.Join(root, "test")
	own, err := os.ReadFile("/proc/self/exe")
	if err != nil { // no /proc
		self, err := os.Executable()
		require.NoError(t, err)
		own, err = os.ReadFile(self)
		require.NoError(t, err)
	}
	require.NoError(t, os.WriteFile(binary, own, 0o755))
	require.NoError(t, os.Chmod(binary, 0o755))

	const nobody = 65534
	for language, source := range map[string]string{
		"GOLANG": vectors + "/go", "NODE": vectors + "/node", "JAVA": vectors + "/java", "CAR": "../../samples/_car/account",
	} {
		first, second := filepath.Join(root, language, "a"), filepath.Join(root, language, "b", "deeper")
		require.NoError(t, os.CopyFS(filepath.Join(first, "src"), os.DirFS(source)))
		copyOddly(t, source, filepath.Join(second, "src"))
		var want []byte
		for _, c := range []struct {
			dir, umask, user, zone string
			uid                    uint32
		}{
			{first, "022", "root", "UTC", 0}, {second, "077", "anna", "Asia/Tokyo", 0}, {second, "000", "boris", "UTC", nobody},
		} {
			path := filepath.Join(c.dir, "src")
			if language == "GOLANG" {
				path = "example.com/kv"
			}
			cmd := exec.Command("/bin/sh", "-c", "umask "+c.umask+"; exec "+binary)
			cmd.Dir = c.dir
			cmd.Env = []string{
				languageVariable + "=" + language, pathVariable + "=" + path, "GOPATH=" + c.dir, "HOME=" + c.dir, "USER=" + c.user, "TZ=" + c.zone,
				"PATH=" + os.Getenv("PATH"),
			}
			if os.Getuid() == 0 && c.uid != 0 {
				cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: c.uid, Gid: c.uid}}
			}
			cmd.Stderr = os.Stderr
			got, err := cmd.Output()
			require.NoError(t, err)
			require.NotEmpty(t, got)
			if want == nil {
				want = got
			}
			require.Equal(t, want, got, "%s as %s", language, c.user)
		}
	}
}

// copyOddly copies a folder so that all is different that may not matter.
func copyOddly(t *testing.T, from, to string) {
	t.Helper()
	var names []string
	require.NoError(t, filepath.WalkDir(from, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, strings.TrimPrefix(path, from))
		}
		return err
	}))
	for i := len(names) - 1; i >= 0; i-- {
		target := filepath.Join(to, names[i])
		require.NoError(t, os.MkdirAll(filepath.Dir(target), 0o755))
		b, err := os.ReadFile(filepath.Join(from, names[i]))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(target, b, 0o600))
		require.NoError(t, os.Chmod(target, 0o777))
		require.NoError(t, os.Chtimes(target, time.Unix(1, 0), time.Unix(int64(1e9+i), 0)))
		if os.Getuid() == 0 {
			require.NoError(t, os.Chown(target, 1234, 4321))
		}
	}
	require.NoError(t, os.Chtimes(to, time.Unix(1, 0), time.Unix(1, 0)))
}

func TestMissing(t *testing.T) {
	bin := t.TempDir()
	path := []string{"PATH=" + bin}
	var all []string
	for _, err := range platform.Missing(path) {
		all = append(all, err.Error())
	}
	require.Len(t, all, 2)
	require.Contains(t, all[0], "Node.js chaincode needs the program node, which is not on PATH")
	require.Contains(t, all[1], "Java chaincode needs the program java, which is not on PATH")
	for _, name := range []string{"node", "npm", "java"} {
		require.NoError(t, os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"), 0o755))
	}
	require.Empty(t, platform.Missing(path))
}

// TestSweep leaves what is built and removes what is not.
func TestSweep(t *testing.T) {
	cache := t.TempDir()
	for _, dir := range []string{"build-1/src", "build-22", "bin", "node/build-3"} {
		require.NoError(t, os.MkdirAll(filepath.Join(cache, dir), 0o700))
	}
	require.NoError(t, platform.Sweep(cache))
	require.NoError(t, platform.Sweep(filepath.Join(cache, "none")))
	entries, err := os.ReadDir(cache)
	require.NoError(t, err)
	require.Len(t, entries, 2)
	require.DirExists(t, filepath.Join(cache, "node", "build-3"))
}

func TestUnknownLanguages(t *testing.T) {
	_, _, err := platform.Collect(peerpb.ChaincodeSpec_UNDEFINED, "x", nil)
	require.ErrorContains(t, err, "Unknown chaincodeType: UNDEFINED")
	require.ErrorContains(t, platform.Validate(&peerpb.ChaincodeDeploymentSpec{}), "Unknown chaincodeType: UNDEFINED")
}
