package validation

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"regexp"

	"github.com/heddleledger/heddle/wire/peerpb"
)

// maxUnpacked is how many bytes a code package may unpack to. Fabric has no bound here, but no real package comes near this one.
const maxUnpacked = 1 << 30

// layout is what a language's code packages may hold. Whether this peer can run the language plays no part.
type layout struct {
	allowed, forbidden *regexp.Regexp
	required           string // an entry that must be there
	whole              bool   // the archive must be readable to its end
}

var layouts = map[peerpb.ChaincodeSpec_Type]layout{
	peerpb.ChaincodeSpec_GOLANG: {allowed: regexp.MustCompile(`^(/)?(src|META-INF)/.*`)},
	peerpb.ChaincodeSpec_NODE:   {allowed: regexp.MustCompile(`^(/)?(src|META-INF)/.*`), required: "src/package.json"},
	peerpb.ChaincodeSpec_JAVA: {
		allowed:   regexp.MustCompile(`^(/)?src/((src|META-INF)/.*|(build\.gradle|settings\.gradle|pom\.xml))`),
		forbidden: regexp.MustCompile(`.*\.class$`),
		whole:     true,
	},
}

// CheckDeploymentSpec checks the language and the code package of a deployment spec that a transaction of lscc's carries; endorsers ask the
// same as validators. Clients usually leave the code out: the peers have it installed.
func CheckDeploymentSpec(spec *peerpb.ChaincodeDeploymentSpec) error {
	if spec.ChaincodeSpec == nil {
		return errors.New("the deployment spec has no chaincode spec")
	}
	language := spec.ChaincodeSpec.Type
	if language == peerpb.ChaincodeSpec_CAR {
		return nil
	}
	l, ok := layouts[language]
	if !ok {
		return fmt.Errorf("Unknown chaincodeType: %s", language)
	}
	if len(spec.CodePackage) == 0 {
		return nil
	}
	unzipped, err := gzip.NewReader(bytes.NewReader(spec.CodePackage))
	if err != nil {
		return fmt.Errorf("failure opening codepackage gzip stream: %w", err)
	}
	bounded := &io.LimitedReader{R: unzipped, N: maxUnpacked}
	if err := l.check(tar.NewReader(bounded)); err != nil {
		return err
	}
	if bounded.N == 0 {
		return fmt.Errorf("the code package unpacks to more than %d bytes", maxUnpacked)
	}
	return nil
}

func (l *layout) check(archive *tar.Reader) error {
	found := l.required == ""
	for {
		h, err := archive.Next()
		if err == io.EOF || err != nil && !l.whole {
			break
		}
		if err != nil {
			return err
		}
		if !l.allowed.MatchString(h.Name) || l.forbidden != nil && l.forbidden.MatchString(h.Name) {
			return fmt.Errorf("illegal file detected in payload: \"%s\"", h.Name)
		}
		if h.Mode&^0o100666 != 0 {
			return fmt.Errorf("illegal file mode detected for file %s: %o", h.Name, h.Mode)
		}
		found = found || h.Name == l.required
	}
	if !found {
		return errors.New("no package.json found at the root of the chaincode package")
	}
	return nil
}
