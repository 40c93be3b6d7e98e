package docker

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/heddleledger/heddle/chaincode/platform"
	"github.com/heddleledger/heddle/chaincode/platform/car"
	"github.com/heddleledger/heddle/chaincode/runtime"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// TestNodeInContainers runs Node.js chaincode by Fabric's commands.
func TestNodeInContainers(t *testing.T) {
	e := withImages(newFakeEngine(t))
	e.images["hyperledger/fabric-baseimage:amd64-0.4.22"] = nil
	r, _ := newRuntime(t, e, func(o *Options) { o.Images.Node = "hyperledger/fabric-baseimage:amd64-0.4.22" })
	l := launch(t, "x")
	l.Package.Type = peerpb.ChaincodeSpec_NODE
	i, err := r.Start(t.Context(), l)
	require.NoError(t, err)
	require.Contains(t, e.builds[0]["Dockerfile"], "FROM hyperledger/fabric-baseimage:amd64-0.4.22\nADD binpackage.tar /usr/local/src\n")
	require.Equal(t, []string{"/bin/sh", "-c", "cd /usr/local/src; npm start -- --peer.address 127.0.0.1:7052"}, e.find(containerOfKV).Spec.Cmd)
	require.NoError(t, i.Stop(t.Context()))
	e.run = func(c *fakeContainer) int {
		c.Say(2, "npm error code ENOTFOUND\n")
		return 1
	}
	l.Package.CodeHash = []byte("other code")
	_, err = r.Start(t.Context(), l)
	require.ErrorContains(t, err, "Error returned from build: 1 \"npm error code ENOTFOUND\"\nif this peer has no way to an npm registry")
	l.Package.Type = peerpb.ChaincodeSpec_UNDEFINED
	_, err = r.Start(t.Context(), l)
	require.ErrorContains(t, err, "Unknown chaincodeType: UNDEFINED")
}

// TestJavaInContainers runs Java chaincode by Fabric's commands, in the one image that builds it and runs it.
func TestJavaInContainers(t *testing.T) {
	const image = "hyperledger/fabric-javaenv:1.4"
	e := newFakeEngine(t)
	e.images[image] = nil
	var compiled *fakeContainer
	e.run = func(c *fakeContainer) int {
		if c.Spec.Image == image {
			compiled = c
			c.Output["chaincode.jar"] = "jar"
			return 0
		}
		<-c.Stopped
		return 143
	}
	r, _ := newRuntime(t, e, func(o *Options) {
		o.Images.Java, o.Env = image, []string{"HTTPS_PROXY=http://proxy:3128"}
	})
	l := launch(t, "class")
	l.Package.Type = peerpb.ChaincodeSpec_JAVA
	l.TLS = &runtime.TLS{Cert: []byte("cert"), Key: []byte("key"), Root: []byte("root")}
	i, err := r.Start(t.Context(), l)
	require.NoError(t, err)
	require.Equal(t, []string{"/bin/sh", "-c", "./build.sh"}, compiled.Spec.Cmd)
	require.Equal(t, []string{
		"HTTPS_PROXY=http://proxy:3128", "MAVEN_OPTS=-Dhttps.proxyHost=proxy -Dhttps.proxyPort=3128", "GRADLE_OPTS=-Dhttps.proxyHost=proxy -Dhttps.proxyPort=3128",
	}, compiled.Spec.Env)
	require.Equal(t, "class", compiled.Files["/chaincode/input/src/example.com/kv/main.go"])
	require.Contains(t, e.builds[0]["Dockerfile"], "FROM "+image+"\nADD binpackage.tar /root/chaincode-java/chaincode\n")
	c := e.find(containerOfKV)
	require.Equal(t, []string{"/root/chaincode-java/start", "--peerAddress", "127.0.0.1:7052"}, c.Spec.Cmd)
	require.Contains(t, c.Spec.Env, "CORE_TLS_CLIENT_KEY_PATH=/etc/hyperledger/fabric/client.key")
	require.Contains(t, c.Spec.Env, "CORE_PEER_TLS_ROOTCERT_FILE=/etc/hyperledger/fabric/peer.crt")
	require.NotContains(t, strings.Join(c.Spec.Env, " "), "proxy")
	require.Equal(t, base64.StdEncoding.EncodeToString([]byte("key")), c.Files["/etc/hyperledger/fabric/client.key"])
	require.NoError(t, i.Stop(t.Context()))
}

// TestCARInContainers builds what a CAR becomes as Go chaincode, and runs it in the image for CARs.
func TestCARInContainers(t *testing.T) {
	code, err := car.Collect("../../../samples/_car/account")
	require.NoError(t, err)
	e := withImages(newFakeEngine(t))
	e.images["org/caros:1"] = nil
	var compiled *fakeContainer
	e.run = func(c *fakeContainer) int {
		if c.Spec.Image == builderImage {
			compiled = c
		}
		return compiles(c)
	}
	r, _ := newRuntime(t, e, func(o *Options) { o.Images.Car = "org/caros:1" })
	l := launch(t, "x")
	l.Package.Type, l.Package.Path, l.Package.Spec.CodePackage = peerpb.ChaincodeSpec_CAR, "/home/anna/account.car", code
	i, err := r.Start(t.Context(), l)
	require.NoError(t, err)
	require.NotEmpty(t, compiled.Files["/chaincode/input/src/hyperledger/ccs/ccs.go"])
	require.Contains(t, compiled.Spec.Cmd[2], " "+car.MainPackage)
	require.Contains(t, e.builds[0]["Dockerfile"], "FROM org/caros:1\nADD binpackage.tar /usr/local/bin\n")
	require.Equal(t, []string{"chaincode", "-peer.address=127.0.0.1:7052"}, e.find(containerOfKV).Spec.Cmd)
	require.NoError(t, i.Stop(t.Context()))
}

// TestNoCode: a package for development mode runs nowhere.
func TestNoCode(t *testing.T) {
	for _, language := range []peerpb.ChaincodeSpec_Type{
		peerpb.ChaincodeSpec_GOLANG, peerpb.ChaincodeSpec_CAR, peerpb.ChaincodeSpec_NODE, peerpb.ChaincodeSpec_JAVA,
	} {
		_, err := platform.InContainer(language, nil, "x", platform.Images{})
		require.ErrorContains(t, err, "it was made for a peer in development mode", language)
	}
}
