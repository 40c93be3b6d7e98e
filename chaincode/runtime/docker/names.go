package docker

import (
	"crypto/sha256"
	"fmt"
	"regexp"
	"strings"
)

var (
	illegalInName = regexp.MustCompile(`[^a-zA-Z0-9-_.]`)
	imageName     = regexp.MustCompile(`^[a-z0-9]+(([._-][a-z0-9]+)+)?$`)
)

// plainName is what the names of a chaincode's image and container are made from: network, peer, chaincode and version, where there are such.
func (o *Options) plainName(name, version string) string {
	var parts []string
	for _, p := range []string{o.NetworkID, o.PeerID, name, version} {
		if p != "" {
			parts = append(parts, p)
		}
	}
	return strings.Join(parts, "-")
}

// containerName is Fabric's name of a chaincode's container.
func (o *Options) containerName(name, version string) string {
	return illegalInName.ReplaceAllString(o.plainName(name, version), "-")
}

// imageName is Fabric's name of a chaincode's image: that of its container in lower case and, since this may make two names one, a hash of
// what it was made from.
func (o *Options) imageName(name, version string) (string, error) {
	plain := o.plainName(name, version)
	image := strings.ToLower(fmt.Sprintf("%s-%x", o.containerName(name, version), sha256.Sum256([]byte(plain))))
	if !imageName.MatchString(image) {
		return "", fmt.Errorf("Error constructing Docker VM Name. '%s' breaks Docker's repository naming rules; "+
			"change peer.id, peer.networkId or the chaincode's version so that no two of the signs . _ - follow each other", image)
	}
	return image, nil
}
