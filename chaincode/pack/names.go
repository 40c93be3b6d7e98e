package pack

import (
	"fmt"
	"regexp"
)

// The grammar of names and versions is Fabric's; neither admits a path separator, nor a name a dot, so "<name>.<version>" is one file name
// that splits again at its first dot.
var (
	nameGrammar    = regexp.MustCompile(`^[a-zA-Z0-9]+([-_][a-zA-Z0-9]+)*$`)
	versionGrammar = regexp.MustCompile(`^[A-Za-z0-9_.+-]+$`)
)

// ValidateName checks a chaincode name; the error's text is Fabric's.
func ValidateName(name string) error {
	if !nameGrammar.MatchString(name) {
		return fmt.Errorf("invalid chaincode name '%s'. Names must start with an alphanumeric character and can only consist of alphanumerics, '_', and '-'", name)
	}
	return nil
}

// ValidateVersion checks a chaincode version; the error's text is Fabric's.
func ValidateVersion(version string) error {
	if !versionGrammar.MatchString(version) {
		return fmt.Errorf("invalid chaincode version '%s'. Versions must not be empty and can only consist of alphanumerics, '_',  '-', '+', and '.'", version)
	}
	return nil
}
