package peer

import (
	"context"
	"errors"
	"fmt"

	"github.com/heddleledger/heddle/client"
)

// refusal puts a peer's answer other than success into the words of a command: call, with one %w, is for a call that failed, answer for a
// status and a message. Other errors stay.
func refusal(err error, call, answer string) error {
	var refused *client.EndorseError
	switch {
	case !errors.As(err, &refused):
		return err
	case refused.Err != nil:
		return fmt.Errorf(call, refused.Err)
	}
	r := refused.Response.GetResponse()
	return fmt.Errorf(answer, r.GetStatus(), r.GetMessage())
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
func (s *session) deliverError(ctx context.Context, err error) error {
	var ended *client.DeliverError
	if errors.As(err, &ended) && ended.Err == nil {
		s.common.InfoContext(ctx, fmt.Sprintf("Got status: &{%s}", ended.Status))
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
