package configtxgen

import (
	"context"
	"errors"

	"github.com/heddleledger/heddle/channelconfig/profile"
	"github.com/heddleledger/heddle/logging"
)

// load reads configtx.yaml: the profiles that the flags name, and the whole.
func (c *command) load(ctx context.Context) error {
	file, err := profile.Open(c.configPath, c.env)
	if err != nil {
		return err
	}
	if c.outputs() {
		if c.made, err = c.loadProfile(ctx, file, c.profile); err != nil {
			return err
		}
	}
	top, notices, err := file.TopLevel()
	if err != nil {
		return err
	}
	for _, n := range notices {
		c.loader.Info(n.String())
	}
	c.top = top
	c.loaded(file, top.Orderer)
	if c.baseProfile == "" {
		return nil
	}
	if c.outputChannelTx == "" {
		c.log.Warn("Specified 'channelCreateTxBaseProfile', but did not specify 'outputChannelCreateTx', 'channelCreateTxBaseProfile' will not affect output.")
	}
	c.systemChannel, err = c.loadProfile(ctx, file, c.baseProfile)
	return err
}

func (c *command) loadProfile(ctx context.Context, file *profile.File, name string) (*profile.Profile, error) {
	p, _, err := file.Profile(name) // its notices are among those of the whole file
	if err != nil {
		if unknown := (*profile.UnknownProfileError)(nil); errors.As(err, &unknown) {
			c.loader.Log(ctx, logging.PanicLevel, unknown.Short())
		}
		return nil, err
	}
	c.loaded(file, p.Orderer)
	return p, nil
}

func (c *command) loaded(file *profile.File, orderer *profile.Orderer) {
	if orderer != nil {
		c.loader.Info("orderer type: " + orderer.OrdererType)
	}
	c.loader.Info("Loaded configuration: " + file.Path())
}
