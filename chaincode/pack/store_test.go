package pack_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/chaincode/pack"
	"github.com/heddleledger/heddle/internal/vectors"
)

func openStore(t *testing.T) (*pack.Store, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "chaincodes")
	s, err := pack.OpenStore(dir)
	require.NoError(t, err)
	return s, dir
}

func TestInstallWritesThePackageByteForByte(t *testing.T) {
	s, dir := openStore(t)
	for file, installed := range map[string]string{
		"kv.unsigned.pkg": "kv.1.0", "signedcc.signed-by-both.pkg": "signedcc.1.0", "kv-node.pkg": "kvnode.1.0",
	} {
		raw := vectors.Read(t, network, "packages", file)
		p, err := s.Install(raw)
		require.NoError(t, err)
		got, err := os.ReadFile(filepath.Join(dir, installed))
		require.NoError(t, err)
		require.Equal(t, raw, got)
		require.Equal(t, vectors.Read(t, network, "packages", "installed", installed), got)
		again, err := s.Get(p.Name, p.Version)
		require.NoError(t, err)
		require.Equal(t, p.ID, again.ID)
		require.Equal(t, filepath.Join(dir, installed), again.File)
	}
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 3, "no temporary file is left")
}

func TestInstallRefuses(t *testing.T) {
	s, dir := openStore(t)
	_, err := s.Install(bare("kv", "1.0", "code"))
	require.NoError(t, err)
	_, err = s.Install(bare("kv", "1.0", "other code"))
	require.EqualError(t, err, "error installing chaincode code kv:1.0(chaincode "+dir+"/kv.1.0 exists)")
	_, err = s.Install(bare("kv!", "1.0", "code"))
	require.EqualError(t, err, "invalid chaincode name 'kv!'. Names must start with an alphanumeric character and can only consist of alphanumerics, '_', and '-'")
	_, err = s.Install(bare("kv", "1 0", "code"))
	require.EqualError(t, err, "invalid chaincode version '1 0'. Versions must not be empty and can only consist of alphanumerics, '_',  '-', '+', and '.'")
	for _, name := range []string{"", "../kv", "a.b", "-a", "a--b", "a/b", "a\n"} {
		require.Error(t, pack.ValidateName(name), name)
	}
	for _, version := range []string{"", "../1", "1/2", "1\n"} {
		require.Error(t, pack.ValidateVersion(version), version)
	}
	_, err = s.Get("kv", "../kv.1.0")
	require.ErrorContains(t, err, "invalid chaincode version")
	_, err = s.Get("ghost", "1.0")
	require.EqualError(t, err, "open "+dir+"/ghost.1.0: no such file or directory")
}

func TestOneOfManyInstallsOfTheSameNameWins(t *testing.T) {
	s, _ := openStore(t)
	var wg sync.WaitGroup
	results := make([]error, 8)
	for i := range results {
		wg.Go(func() { _, results[i] = s.Install(bare("kv", "1.0", fmt.Sprint(i))) })
	}
	wg.Wait()
	winner := -1
	for i, err := range results {
		if err == nil {
			require.Equal(t, -1, winner)
			winner = i
		}
	}
	p, err := s.Get("kv", "1.0")
	require.NoError(t, err)
	require.Equal(t, fmt.Sprint(winner), string(p.Spec.CodePackage))
}

func TestFilesThatComeAndGoByHand(t *testing.T) {
	s, dir := openStore(t)
	file := filepath.Join(dir, "kv.1.0")
	require.NoError(t, os.WriteFile(file, bare("kv", "1.0", "code"), 0o600))
	p, err := s.Get("kv", "1.0")
	require.NoError(t, err)
	again, err := s.Get("kv", "1.0")
	require.NoError(t, err)
	require.Same(t, p, again, "an unchanged file is not read twice")

	require.NoError(t, os.WriteFile(file, bare("kv", "1.0", "ecod"), 0o600))
	require.NoError(t, os.Chtimes(file, time.Time{}, time.Now().Add(time.Hour)))
	again, err = s.Get("kv", "1.0")
	require.NoError(t, err)
	require.NotEqual(t, p.CodeHash, again.CodeHash)

	require.NoError(t, os.Remove(file))
	_, err = s.Get("kv", "1.0")
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = s.Install(bare("kv", "1.0", "code"))
	require.NoError(t, err)
}

func TestList(t *testing.T) {
	s, dir := openStore(t)
	for _, v := range []string{"2.0", "1.0"} {
		_, err := s.Install(bare("kv", v, "code"))
		require.NoError(t, err)
	}
	write := func(name string, content []byte) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), content, 0o600))
	}
	write("byhand.1.0", bare("byhand", "1.0", "code"))
	write("renamed.1.0", bare("kv", "3.0", "code"))
	write("garbage.1.0", []byte("garbage"))
	write("README", []byte("no dot"))
	require.NoError(t, os.Mkdir(filepath.Join(dir, "dir.1.0"), 0o700))
	packages, err := s.List()
	require.NoError(t, err)
	var names []string
	for _, p := range packages {
		names = append(names, p.Name+":"+p.Version)
	}
	require.Equal(t, "byhand:1.0 kv:1.0 kv:2.0", strings.Join(names, " "))
	_, err = s.Get("garbage", "1.0")
	require.ErrorContains(t, err, "garbage.1.0: could not unmarshal chaincode package")
}

func TestOpenStoreClearsInterruptedInstalls(t *testing.T) {
	s, dir := openStore(t)
	_, err := s.Install(bare("kv", "1.0", "code"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, ".install-1234"), []byte("half"), 0o600))
	_, err = pack.OpenStore(dir)
	require.NoError(t, err)
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 1)
}

func TestCheckPolicy(t *testing.T) {
	s, dir := openStore(t)
	signed, err := s.Install(vectors.Read(t, network, "packages", "signedcc.signed-by-both.pkg"))
	require.NoError(t, err)
	plain, err := s.Install(vectors.Read(t, network, "packages", "kv.unsigned.pkg"))
	require.NoError(t, err)

	d := plain.Data()
	d.InstantiationPolicy = []byte("whatever the channel chose")
	require.NoError(t, s.CheckPolicy(d))
	require.NoError(t, s.CheckPolicy(signed.Data()))
	d = signed.Data()
	d.InstantiationPolicy = []byte("anyone")
	require.EqualError(t, s.CheckPolicy(d), "Instantiation policy mismatch for cc signedcc/1.0")
	d.Version = "2.0"
	require.EqualError(t, s.CheckPolicy(d),
		"cannot retrieve package for chaincode signedcc/2.0, error open "+dir+"/signedcc.2.0: no such file or directory")

	require.NoError(t, s.CheckPolicy(signed.Data()))
	d = signed.Data()
	d.Name, d.Version = "signedcc.1", "0"
	require.ErrorContains(t, s.CheckPolicy(d), "invalid chaincode name", "what has the same file name")
	require.NoError(t, os.Remove(signed.File))
	require.Eventually(t, func() bool { return s.CheckPolicy(signed.Data()) != nil }, time.Minute, time.Millisecond, "a package that was removed is missed soon")
	_, err = s.Get("signedcc", "1.0")
	require.ErrorIs(t, err, fs.ErrNotExist)
}
