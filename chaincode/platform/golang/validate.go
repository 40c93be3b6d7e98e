package golang

import (
	"fmt"
	"path"
	"strings"

	"github.com/heddleledger/heddle/chaincode/platform/archive"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// Validate checks the code package of a deployment spec, reading all of it: see package archive. It must hold Go sources where the build looks
// for them, and nothing compiled. An empty package is fine, as in Fabric, where a package for development mode has none.
func Validate(spec *peerpb.ChaincodeDeploymentSpec) error {
	code := spec.GetCodePackage()
	if len(code) == 0 {
		return nil
	}
	importPath, err := cleanImportPath(spec.GetChaincodeSpec().GetChaincodeId().GetPath())
	if err != nil {
		return err
	}
	own, found, manifest := "src/"+importPath, false, ""
	err = archive.Validate(code, func(name string, head []byte) error {
		if kind := archive.Compiled(head); kind != "" {
			return fmt.Errorf("illegal file detected in payload: %q: it is compiled (%s), and a package holds sources", name, kind)
		}
		if path.Ext(name) == ".syso" {
			return fmt.Errorf("illegal file detected in payload: %q: the Go linker would take it for an object, and a package holds sources", name)
		}
		switch {
		case name == "src/go.mod", name == own+"/go.mod", path.Dir(name) == own && path.Ext(name) == ".go":
			found = true
		case otherLanguages[name] != "":
			manifest = name
		}
		return nil
	})
	switch {
	case err != nil || found:
		return err
	case manifest != "":
		return fmt.Errorf("the package says that it is Go, but holds no Go sources in %s: with %s it looks like %s; package it with -l %s",
			own, manifest, otherLanguages[manifest], strings.ToLower(otherLanguages[manifest]))
	}
	return fmt.Errorf("the package holds no Go sources in %s, where its path says they are", own)
}

// otherLanguages are the platforms whose packages have these files.
var otherLanguages = map[string]string{"src/package.json": "NODE", "src/pom.xml": "JAVA", "src/build.gradle": "JAVA"}
