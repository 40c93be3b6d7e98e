package golang

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/chaincode/platform/archive"
)

func file(name, content string) archive.File {
	return archive.File{Name: name, Content: []byte(content)}
}

func archiveOf(t testing.TB, files ...archive.File) []byte {
	t.Helper()
	b, err := archive.Pack(files)
	require.NoError(t, err)
	return b
}
