package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// payload is an encoder of text.
func payload(text string) func([]byte) ([]byte, error) {
	return func(b []byte) ([]byte, error) { return append(b, text...), nil }
}

// open opens the journal in dir and tells what it holds.
func open(t testing.TB, dir string) (j *Journal, holds []string, err error) {
	t.Helper()
	j, err = Open(dir, func(b []byte) error {
		holds = append(holds, string(b))
		return nil
	})
	return j, holds, err
}

// written makes a journal that begins with the first text.
func written(t testing.TB, dir string, texts ...string) *Journal {
	t.Helper()
	j, _, err := open(t, dir)
	require.NoError(t, err)
	require.NoError(t, j.Restart(payload(texts[0])))
	for _, text := range texts[1:] {
		require.NoError(t, j.Append(payload(text), true))
	}
	return j
}

// holds closes the journal and looks at what is on the disk.
func holds(t *testing.T, j *Journal, want ...string) *Journal {
	t.Helper()
	require.NoError(t, j.Close())
	j, got, err := open(t, j.dir)
	require.NoError(t, err)
	require.Equal(t, want, got)
	return j
}

func names(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return strings.Join(names, " ")
}

func TestJournal(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "above", "ch")
	j, got, err := open(t, dir)
	require.NoError(t, err)
	require.Empty(t, got)
	require.EqualError(t, j.Append(payload("x"), true), "the consensus log in "+dir+" has not been begun, or is closed")
	require.NoError(t, j.Close())
	require.Empty(t, names(t, dir))

	j = written(t, dir, "first", "second", "")
	j = holds(t, j, "first", "second", "")
	require.NoError(t, j.Append(payload("third"), false))
	j = holds(t, j, "first", "second", "", "third")
	oops := errors.New("oops")
	require.ErrorIs(t, j.Append(func([]byte) ([]byte, error) { return nil, oops }, true), oops)
	require.ErrorIs(t, j.Restart(func([]byte) ([]byte, error) { return nil, oops }), oops)
	require.NoError(t, j.Append(payload("fourth"), true), "what cannot be encoded changes nothing")
	j = holds(t, j, "first", "second", "", "third", "fourth")
	require.Equal(t, "log_000001", names(t, dir))

	long := strings.Repeat("long ", 2000)
	require.NoError(t, j.Append(payload(long), true))
	require.NoError(t, j.Restart(payload("again")))
	require.Equal(t, "log_000002 spare", names(t, dir))
	j = holds(t, j, "again")
	require.NoError(t, j.Close())
}

// TestSpare: what a file held before it was written over is not read as if it was there, whether the journal is closed or not.
func TestSpare(t *testing.T) {
	dir := t.TempDir()
	j := written(t, dir, "a0", "a1", "a2", "a3", "a4")
	for i := range 4 {
		name := string(rune('b' + i))
		want := []string{name + "0"}
		require.NoError(t, j.Restart(payload(want[0])))
		for n := range 4 - i { // texts of one length: the frames lie where the others lay
			want = append(want, fmt.Sprint(name, n+1))
			require.NoError(t, j.Append(payload(want[n+1]), n%2 == 0))
		}
		raw, err := os.ReadFile(j.path())
		require.NoError(t, err)
		if i > 0 {
			require.Greater(t, int64(len(raw)), j.end, "the file is longer than what was written")
		}
		crashed := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(crashed, filepath.Base(j.path())), raw, 0o644))
		k, got, err := open(t, crashed)
		require.NoError(t, err)
		require.Equal(t, want, got)
		require.NoError(t, k.Append(payload("more"), true))
		require.NoError(t, holds(t, k, append(want, "more")...).Close())
	}
	require.NoError(t, holds(t, j, "e0", "e1").Close())
}

// TestInterruptedRestart: whichever step the machine stopped at, the former file or the next one is there, whole.
func TestInterruptedRestart(t *testing.T) {
	for _, c := range []struct {
		name      string
		interrupt func(t *testing.T, j *Journal)
		want      []string
	}{
		{"next is half written", func(t *testing.T, j *Journal) {
			require.NoError(t, os.WriteFile(j.next(), appendFileHeader(nil, identity{2, 3})[:9], 0o644))
		}, []string{"a", "b"}},
		{"next is written", func(t *testing.T, j *Journal) {
			require.NoError(t, os.Rename(filepath.Join(written(t, t.TempDir(), "c").dir, "log_000001"), j.next()))
		}, []string{"a", "b"}},
		{"the former file has its name", func(t *testing.T, j *Journal) {
			former, err := os.ReadFile(j.path())
			require.NoError(t, err)
			path := j.path()
			require.NoError(t, j.Restart(payload("c")))
			require.NoError(t, os.Remove(j.spare()))
			require.NoError(t, os.WriteFile(path, former, 0o644))
		}, []string{"c"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			j := written(t, t.TempDir(), "a", "b")
			c.interrupt(t, j)
			j = holds(t, j, c.want...)
			require.NoError(t, j.Append(payload("d"), true))
			j = holds(t, j, append(c.want, "d")...)
			require.NoError(t, j.Restart(payload("e")))
			require.NoError(t, holds(t, j, "e").Close())
		})
	}
}

// TestCut: however much of the end of a file is missing, the frames before are there, and it goes on after them.
func TestCut(t *testing.T) {
	texts := []string{"first", "second", "third"}
	j := written(t, t.TempDir(), texts...)
	raw, err := os.ReadFile(j.path())
	require.NoError(t, err)
	require.NoError(t, j.Close())
	dir := t.TempDir()
	for n := range raw {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "log_000001"), raw[:n], 0o644))
		j, got, err := open(t, dir)
		if n < fileHeaderSize+frameHeaderSize+len(texts[0]) {
			require.ErrorContains(t, err, "the disk or another program changed the file", "%d bytes", n)
			continue
		}
		require.NoError(t, err)
		require.Less(t, len(got), len(texts))
		require.Equal(t, texts[:len(got)], got, "%d bytes", n)
		require.NoError(t, j.Append(payload("more"), true))
		require.NoError(t, holds(t, j, append(got, "more")...).Close())
	}
}

// TestDamage: a changed bit is noticed, unless it is in what was never durable.
func TestDamage(t *testing.T) {
	texts := []string{"first", "second", "third"}
	j := written(t, t.TempDir(), texts...)
	durable := j.end
	require.NoError(t, j.Append(payload("not synced"), false))
	raw, err := os.ReadFile(j.path())
	require.NoError(t, err)
	require.NoError(t, j.Close())
	dir := t.TempDir()
	for i := range raw {
		damaged := slices.Clone(raw)
		damaged[i] ^= 0x10
		require.NoError(t, os.WriteFile(filepath.Join(dir, "log_000001"), damaged, 0o644))
		j, got, err := open(t, dir)
		if int64(i) >= durable {
			require.NoError(t, err)
			require.Equal(t, texts, got)
			require.NoError(t, j.Close())
			continue
		}
		require.ErrorContains(t, err, "consensus log "+filepath.Join(dir, "log_000001")+": ", "byte %d", i)
		left, err := os.ReadFile(filepath.Join(dir, "log_000001"))
		require.NoError(t, err)
		require.Equal(t, damaged, left, "a damaged file is left as it is")
	}
}

// TestUnsynced: frames of which the later ones got to the disk, and the first did not, were never durable. What the first leaves room for does
// not come back when a frame of its length takes its place.
func TestUnsynced(t *testing.T) {
	j := written(t, t.TempDir(), "first")
	at := j.end
	for _, text := range []string{"A", "B"} {
		require.NoError(t, j.Append(payload(text), false))
	}
	path := j.path()
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, j.Close())
	copy(raw[at:], make([]byte, frameHeaderSize+1))
	require.NoError(t, os.WriteFile(path, raw, 0o644))
	j, got, err := open(t, j.dir)
	require.NoError(t, err)
	require.Equal(t, []string{"first"}, got)
	require.NoError(t, j.Append(payload("C"), true))
	require.NoError(t, holds(t, j, "first", "C").Close())
}

// TestFailedWrite: nothing is written after a write whose effect is unknown.
func TestFailedWrite(t *testing.T) {
	j := written(t, t.TempDir(), "first")
	require.NoError(t, j.file.Close())
	for range 2 {
		require.ErrorContains(t, j.Append(payload("x"), true), "takes no more entries until this node is restarted")
		require.ErrorContains(t, j.Restart(payload("x")), "takes no more entries until this node is restarted")
	}
	require.Error(t, j.Close())
	require.NoError(t, j.Close())
}

// TestFailedRestart: a Restart that fails on its way leaves the former file as it was.
func TestFailedRestart(t *testing.T) {
	j := written(t, t.TempDir(), "first", "second")
	require.NoError(t, os.Mkdir(filepath.Join(j.dir, "log_000002"), 0o755), "in the way")
	require.ErrorContains(t, j.Restart(payload("x")), "log_000002 takes no more entries until this node is restarted")
	require.ErrorContains(t, j.Append(payload("x"), true), "takes no more entries until this node is restarted")
	require.NoError(t, j.Close())
	require.NoError(t, os.Remove(filepath.Join(j.dir, "log_000002")))
	j, got, err := open(t, j.dir)
	require.NoError(t, err)
	require.Equal(t, []string{"first", "second"}, got)
	require.NoError(t, j.Close())
}

// TestMissing: a journal of which only the former file is left is no new journal.
func TestMissing(t *testing.T) {
	j := written(t, t.TempDir(), "first")
	require.NoError(t, j.Restart(payload("second")))
	require.NoError(t, j.Close())
	require.NoError(t, os.Remove(filepath.Join(j.dir, "log_000002")))
	_, _, err := open(t, j.dir)
	require.ErrorContains(t, err, "the file with the log is missing")
}

func TestVersion(t *testing.T) {
	j := written(t, t.TempDir(), "first")
	require.NoError(t, j.Close())
	path := filepath.Join(j.dir, "log_000001")
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	raw[8]++
	require.NoError(t, os.WriteFile(path, raw, 0o644))
	_, _, err = open(t, j.dir)
	require.EqualError(t, err, "consensus log "+path+": it has format 2, not 1: another version of this program wrote it: use that, or a later one")
}

// TestPayloadLikeFrame: a payload that holds a frame, made by somebody who knows all but the file's salt, is not read as one.
func TestPayloadLikeFrame(t *testing.T) {
	j := written(t, t.TempDir(), "first")
	at := j.end + frameHeaderSize // of the payload
	evil := append(make([]byte, frameHeaderSize), "evil"...)
	for _, number := range []uint64{1, 3} {
		putFrameHeader(evil, identity{number: number}, at, at-1)
		require.NoError(t, j.Append(func(b []byte) ([]byte, error) { return append(b, evil...), nil }, true))
		at = j.end + frameHeaderSize
	}
	raw, err := os.ReadFile(j.path())
	require.NoError(t, err)
	raw[fileHeaderSize+frameHeaderSize+len("first")] ^= 1 // the header of the frame around it
	end := fileHeaderSize + 2*frameHeaderSize + len("first") + len(evil)
	torn := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(torn, "log_000001"), raw[:end], 0o644))
	k, got, err := open(t, torn)
	require.NoError(t, err)
	require.Equal(t, []string{"first"}, got)
	require.NoError(t, k.Close())
	require.NoError(t, j.Close())
}

func TestReplayFails(t *testing.T) {
	j := written(t, t.TempDir(), "first", "second")
	require.NoError(t, j.Close())
	oops := errors.New("oops")
	_, err := Open(j.dir, func(b []byte) error {
		if string(b) == "second" {
			return oops
		}
		return nil
	})
	require.ErrorIs(t, err, oops)
	require.ErrorContains(t, err, "log_000001, frame at offset 57: oops")
}

// FuzzOpen: whatever a file holds, Open refuses it or the journal goes on with what it gave.
func FuzzOpen(f *testing.F) {
	j := written(f, f.TempDir(), "first", "second")
	raw, err := os.ReadFile(j.path())
	require.NoError(f, err)
	f.Add(raw)
	f.Add(raw[:len(raw)-1])
	f.Add(append(raw, raw[fileHeaderSize:]...))
	f.Fuzz(func(t *testing.T, raw []byte) {
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, "log_000001"), raw, 0o644))
		j, got, err := open(t, dir)
		if err != nil {
			return
		}
		require.NoError(t, j.Append(payload("more"), true))
		require.NoError(t, holds(t, j, append(got, "more")...).Close())
	})
}
