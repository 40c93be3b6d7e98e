package blockfile

import (
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

func cutting(t *testing.T, dir string) *Cutting {
	c, err := OpenCutting(dir)
	require.NoError(t, err)
	return c
}

// A block file cut back to any height is as if the later blocks had never been there, and takes them again.
func TestCut(t *testing.T) {
	blocks := chain(12)
	for height := 1; height <= len(blocks); height++ {
		t.Run(fmt.Sprint(height), func(t *testing.T) {
			dir := filled(t, blocks)
			c := cutting(t, dir)
			require.EqualValues(t, len(blocks), c.Height())
			_, err := Open(dir, Options{})
			require.ErrorContains(t, err, "in use", "no node may open it meanwhile")
			require.NoError(t, c.Cut(uint64(height)))
			require.EqualValues(t, height, c.Height())
			require.ErrorContains(t, c.Cut(uint64(height)+1), "cannot be cut back")
			require.ErrorContains(t, c.Cut(0), "cannot be cut back")
			require.NoError(t, c.Close())

			s := open(t, dir, Options{SegmentSize: 700})
			requireBlocks(t, s, blocks[:height])
			for _, b := range blocks[height:] {
				require.NoError(t, s.Append(b))
			}
			requireBlocks(t, s, blocks)
			require.NoError(t, s.Close())
			requireBlocks(t, open(t, dir, Options{SegmentSize: 700}), blocks)
		})
	}
}

// What is damaged can be cut off, wherever the damage is.
func TestCutDamage(t *testing.T) {
	blocks := chain(12)
	whole := filled(t, blocks)
	count, err := segmentCount(whole)
	require.NoError(t, err)
	for i := 1; i <= count; i++ {
		for at, damage := range map[string]func(*testing.T, string){
			"header": func(t *testing.T, path string) { overwrite(t, path, 3) },
			"record": func(t *testing.T, path string) { overwrite(t, path, segmentHeaderSize+recordHeaderSize+9) },
			"end": func(t *testing.T, path string) {
				require.NoError(t, os.Truncate(path, segmentHeaderSize+recordHeaderSize+20))
			},
		} {
			t.Run(fmt.Sprintf("segment %d, %s", i, at), func(t *testing.T) {
				dir := t.TempDir()
				require.NoError(t, os.CopyFS(dir, os.DirFS(whole)))
				first, err := os.ReadFile(segmentPath(dir, i))
				require.NoError(t, err)
				begins, problem := parseSegmentHeader(first)
				require.Empty(t, problem)
				damage(t, segmentPath(dir, i))

				c := cutting(t, dir)
				require.Equal(t, begins, c.Height(), "the blocks before the damage")
				if begins > 0 {
					require.NoError(t, c.Cut(begins))
				}
				require.NoError(t, c.Close())
				if begins > 0 {
					requireBlocks(t, open(t, dir, Options{SegmentSize: 700}), blocks[:begins])
				}
			})
		}
	}
}

// overwrite changes one byte.
func overwrite(t *testing.T, path string, at int64) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	require.NoError(t, err)
	defer f.Close()
	b := make([]byte, 1)
	_, err = f.ReadAt(b, at)
	require.NoError(t, err)
	b[0] ^= 0xff
	_, err = f.WriteAt(b, at)
	require.NoError(t, err)
}
