package endorser

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/heddleledger/heddle/msp"
	"github.com/heddleledger/heddle/plugin"
)

// ExpirationCheck is the auth filter that refuses creators whose certificate has expired, also those that no MSP knows.
type ExpirationCheck struct{ Now func() time.Time }

func (f ExpirationCheck) Check(_ context.Context, r *plugin.AuthRequest) error {
	var expires time.Time // stays zero where there is no certificate to read
	if r.Identity != nil {
		expires = r.Identity.ExpiresAt()
	} else {
		expires = msp.ExpiresAt(r.Creator())
	}
	if !expires.IsZero() && f.Now().After(expires) {
		return errors.New("identity expired")
	}
	return nil
}

// TimeWindowCheck is the auth filter that refuses proposals whose timestamp is further from now than Window. Fabric has it since 3.0.
type TimeWindowCheck struct {
	Now    func() time.Time
	Window time.Duration
}

func (f TimeWindowCheck) Check(_ context.Context, r *plugin.AuthRequest) error {
	at, now := r.Channel.GetTimestamp().AsTime(), f.Now()
	if off := now.Sub(at).Abs(); off > f.Window {
		return fmt.Errorf("request unauthorized due to incorrect timestamp %s, peer time %s, peer.authentication.timewindow %s",
			at.Format(time.RFC3339), now.UTC().Format(time.RFC3339), f.Window)
	}
	return nil
}
