package client

import (
	"context"

	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// Deployment is what instantiate and upgrade ask of lscc.
type Deployment struct {
	ChannelID   string
	Name        string
	Version     string
	Path        string
	Type        peerpb.ChaincodeSpec_Type
	Init        [][]byte // arguments of the chaincode's Init
	Policy      []byte   // an encoded common.SignaturePolicyEnvelope; empty for "any member of the channel's organisations"
	ESCC, VSCC  string   // empty for Fabric's "escc" and "vscc"
	Collections []byte   // an encoded common.CollectionConfigPackage; empty for none
}

// Install puts a package (plain or signed) into the peer's install store.
func (c *Client) Install(ctx context.Context, peer *Peer, pkg []byte) error {
	_, err := c.Query(ctx, peer, system("", "lscc", []byte("install"), pkg))
	return err
}

// Instantiate writes a chaincode's definition into the channel and runs its Init, in one transaction.
func (c *Client) Instantiate(ctx context.Context, route Route, d Deployment) (*Result, error) {
	return c.deploy(ctx, "deploy", route, d)
}

// Upgrade replaces the definition of an instantiated chaincode and runs Init of the new version.
func (c *Client) Upgrade(ctx context.Context, route Route, d Deployment) (*Result, error) {
	return c.deploy(ctx, "upgrade", route, d)
}

func (c *Client) deploy(ctx context.Context, function string, route Route, d Deployment) (*Result, error) {
	r, err := d.Request(function)
	if err != nil {
		return nil, err
	}
	return c.Invoke(ctx, route, r)
}

// Request is the call of lscc that the deployment makes; function is "deploy" or "upgrade".
func (d Deployment) Request(function string) (Request, error) {
	spec, err := wire.Marshal(&peerpb.ChaincodeDeploymentSpec{ChaincodeSpec: &peerpb.ChaincodeSpec{
		Type:        d.Type,
		ChaincodeId: &peerpb.ChaincodeID{Name: d.Name, Version: d.Version, Path: d.Path},
		Input:       &peerpb.ChaincodeInput{Args: d.Init},
	}})
	if err != nil {
		return Request{}, err
	}
	args := [][]byte{[]byte(function), []byte(d.ChannelID), spec, d.Policy, []byte(d.ESCC), []byte(d.VSCC)}
	if len(d.Collections) > 0 {
		args = append(args, d.Collections)
	}
	return system(d.ChannelID, "lscc", args...), nil
}

// Installed lists the packages in the peer's install store.
func (c *Client) Installed(ctx context.Context, peer *Peer) ([]*peerpb.ChaincodeInfo, error) {
	r := &peerpb.ChaincodeQueryResponse{}
	err := c.querySystem(ctx, peer, r, "", "lscc", "getinstalledchaincodes")
	return r.Chaincodes, err
}

// Instantiated lists the chaincodes of a channel.
func (c *Client) Instantiated(ctx context.Context, peer *Peer, channelID string) ([]*peerpb.ChaincodeInfo, error) {
	r := &peerpb.ChaincodeQueryResponse{}
	err := c.querySystem(ctx, peer, r, channelID, "lscc", "getchaincodes")
	return r.Chaincodes, err
}

// Definition is what a channel says of an instantiated chaincode.
func (c *Client) Definition(ctx context.Context, peer *Peer, channelID, name string) (*peerpb.ChaincodeData, error) {
	d := &peerpb.ChaincodeData{}
	return d, c.querySystem(ctx, peer, d, channelID, "lscc", "getccdata", channelID, name)
}

// InstalledPackage is the file of a package in the peer's install store. Peers of Fabric do not have this function.
func (c *Client) InstalledPackage(ctx context.Context, peer *Peer, name, version string) ([]byte, error) {
	return c.systemBytes(ctx, peer, "", "getinstalledpackage", name, version)
}

// DeploymentSpec is the encoded deployment spec of the package that the peer has installed of a chaincode, if that is the one the channel
// was instantiated from.
func (c *Client) DeploymentSpec(ctx context.Context, peer *Peer, channelID, name string) ([]byte, error) {
	return c.systemBytes(ctx, peer, channelID, "getdepspec", channelID, name)
}

func (c *Client) systemBytes(ctx context.Context, peer *Peer, channelID string, args ...string) ([]byte, error) {
	r, err := c.Query(ctx, peer, system(channelID, "lscc", Args(args...)...))
	if err != nil {
		return nil, err
	}
	return r.Payload, nil
}
