package platform

import (
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/heddleledger/heddle/chaincode/platform/car"
	"github.com/heddleledger/heddle/chaincode/platform/golang"
	"github.com/heddleledger/heddle/chaincode/platform/java"
	"github.com/heddleledger/heddle/chaincode/platform/node"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// Images name the container images that chaincode is built and run with, tags included.
type Images struct {
	Builder     string // has the tools that chaincode is built with
	Golang      string // what Go chaincode runs on
	Car         string // what chaincode of chaintool runs on
	Node        string // what Node.js chaincode runs on
	Java        string // what Java chaincode runs on, and what builds it
	DynamicLink bool   // Go chaincode may use the C library of the runtime image
}

// Container says how a chaincode is built and run in containers. The builder unpacks Input in /chaincode/input, runs Command in a shell, and
// leaves in /chaincode/output what goes to Dir of the runtime image.
type Container struct {
	Language string // as `heddle images build` names it
	Builder  string // image
	Runtime  string // image
	Command  string
	Env      func(proxies []string) []string // what else tells the build of the proxies that these variables name
	Input    func(w io.Writer) error         // writes a tar, which may be compressed
	Hint     func(output string) string
	Dir      string
	Run      func(peerAddress string) []string // the container's command
}

// InContainer tells how the chaincode with that code package and path is built and run. Directories and commands are those of Fabric, so that its
// images serve as well as ours.
func InContainer(language peerpb.ChaincodeSpec_Type, code []byte, path string, images Images) (*Container, error) {
	switch language {
	case peerpb.ChaincodeSpec_GOLANG:
		return inGoContainer(code, path, images.Golang, images)
	case peerpb.ChaincodeSpec_CAR:
		source, err := car.Source(code)
		if err != nil {
			return nil, err
		}
		return inGoContainer(source, car.MainPackage, images.Car, images)
	case peerpb.ChaincodeSpec_NODE:
		return inNodeContainer(code, images)
	case peerpb.ChaincodeSpec_JAVA:
		return inJavaContainer(code, images)
	default:
		return nil, unknown(language)
	}
}

func inGoContainer(code []byte, path, runtime string, images Images) (*Container, error) {
	b, err := golang.Container(golang.ContainerRequest{CodePackage: code, Path: path, DynamicLink: images.DynamicLink})
	if err != nil {
		return nil, err
	}
	return &Container{
		Language: "go",
		Builder:  images.Builder,
		Runtime:  runtime,
		Command:  b.Command,
		Env:      noMore,
		Input:    b.WriteInput,
		Hint:     b.Hint,
		Dir:      "/usr/local/bin",
		Run:      func(address string) []string { return []string{"chaincode", "-peer.address=" + address} },
	}, nil
}

// inNodeContainer installs modules only for packages that do not bring them; then there is nothing to fetch.
func inNodeContainer(code []byte, images Images) (*Container, error) {
	if len(code) == 0 {
		return nil, errNoCode
	}
	return &Container{
		Language: "node",
		Builder:  images.Builder,
		Runtime:  images.Node,
		Command:  "cp -R /chaincode/input/src/. /chaincode/output && cd /chaincode/output && if [ ! -d node_modules ]; then npm install --production; fi",
		Env:      noMore,
		Input:    whole(code),
		Hint:     adviceOn(node.NoRegistry, "ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT"),
		Dir:      "/usr/local/src",
		Run: func(address string) []string {
			return []string{"/bin/sh", "-c", "cd /usr/local/src; npm start -- --peer.address " + address}
		},
	}, nil
}

// inJavaContainer builds in the image that the chaincode runs on, which knows how: its scripts lie in the folder it starts commands in.
func inJavaContainer(code []byte, images Images) (*Container, error) {
	if len(code) == 0 {
		return nil, errNoCode
	}
	return &Container{
		Language: "java",
		Builder:  images.Java,
		Runtime:  images.Java,
		Command:  "./build.sh",
		Env:      java.ProxyEnv,
		Input:    whole(code),
		Hint: adviceOn("if the build has no way to Maven's repositories, build the project once on a machine that has, make the image "+
			"there (heddle images build --language java), or put the ready chaincode.jar into the package", "Could not transfer artifact", "Could not resolve"),
		Dir: "/root/chaincode-java/chaincode",
		Run: func(address string) []string {
			return []string{"/root/chaincode-java/start", "--peerAddress", address}
		},
	}, nil
}

var errNoCode = errors.New("the chaincode's package holds no code: it was made for a peer in development mode")

// adviceOn gives an advice about builds whose output has one of these signs.
func adviceOn(advice string, signs ...string) func(output string) string {
	return func(output string) string {
		if slices.ContainsFunc(signs, func(s string) bool { return strings.Contains(output, s) }) {
			return advice
		}
		return ""
	}
}

// noMore is for tools that read the variables themselves.
func noMore([]string) []string { return nil }

// whole writes a code package as it is.
func whole(code []byte) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := w.Write(code)
		return err
	}
}
