package system

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"strings"

	"github.com/heddleledger/heddle/chaincode/pack"
	"github.com/heddleledger/heddle/chaincode/platform/metadata"
	"github.com/heddleledger/heddle/wire/peerpb"
)

const (
	artifacts       = "META-INF/statedb/" // where a code package keeps what its state database needs
	maxArtifact     = 1 << 20             // bytes of one index definition
	maxCodeUnpacked = 1 << 30             // bytes of a code package, unpacked
)

// checkIndexes refuses a package whose state database artifacts Fabric would refuse. This peer's own state database uses none, but a
// package that installs here must install on the peers that do.
func checkIndexes(p *pack.Package) error {
	if p.Type == peerpb.ChaincodeSpec_CAR || len(p.Spec.CodePackage) == 0 {
		return nil
	}
	unzipped, err := gzip.NewReader(bytes.NewReader(p.Spec.CodePackage))
	if err != nil {
		return err
	}
	limited := &io.LimitedReader{R: unzipped, N: maxCodeUnpacked}
	files := tar.NewReader(limited)
	for {
		h, err := files.Next()
		switch {
		case err == io.EOF:
			return nil
		case err != nil && limited.N <= 0:
			return fmt.Errorf("the code package unpacks to more than %d bytes", maxCodeUnpacked)
		case err != nil:
			return err
		}
		if !strings.HasPrefix(h.Name, artifacts) {
			continue
		}
		content, err := io.ReadAll(io.LimitReader(files, maxArtifact))
		if err != nil {
			return err
		}
		if err := metadata.Check(h.Name, content); err != nil {
			return err
		}
	}
}
