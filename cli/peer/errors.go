package peer

import (
	"context"
	"errors"
	"fmt"

	"github.com/heddleledger/heddle/client"
)

// badResponse puts a peer's refusal into the words of the command: format takes the status and the message. Other errors stay.
func badResponse(format string, err error) error {
	var refused *client.EndorseError
	if errors.As(err, &refused) && refused.Response != nil {
		r := refused.Response.GetResponse()
		return fmt.Errorf(format, r.GetStatus(), r.GetMessage())
	}
	return err
}

// broadcastError puts an orderer's refusal into Fabric's words.
func broadcastError(err error) error {
	var refused *client.BroadcastError
	if errors.As(err, &refused) && refused.Err == nil {
		return fmt.Errorf("got unexpected status: %s -- %s", refused.Status, refused.Info)
	}
	return err
}

// deliverError puts the status that ended a block stream into Fabric's words.
func deliverError(ctx context.Context, s *session, err error) error {
	var ended *client.DeliverError
	if errors.As(err, &ended) && ended.Err == nil {
		s.log.InfoContext(ctx, fmt.Sprintf("Got status: &{%s}", ended.Status))
		return fmt.Errorf("can't read the block: &{%s}", ended.Status)
	}
	return err
}

func prefixed(text string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", text, err)
}
