package peer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/heddleledger/heddle/client"
	"github.com/heddleledger/heddle/client/explain"
	"github.com/heddleledger/heddle/wire/peerpb"
)

func newChaincodeInvoke(c *chaincodeCmd) *cobra.Command {
	var wait bool
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   "invoke",
		Short: "Have a chaincode's transaction endorsed and ordered",
		Long: `Call a chaincode on every peer given, and send what they endorse to the orderer. The transaction is then ordered, and not yet known to be
valid: --waitForEvent waits for the peers to commit it, and tells its validation code.`,
		Example: "  peer chaincode invoke -o localhost:7050 -C mychannel -n mycc -c '{\"Args\":[\"put\",\"k\",\"v\"]}' --waitForEvent",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := c.onChannel(); err != nil {
				return err
			}
			request, err := c.request()
			if err != nil {
				return err
			}
			return c.withRoute(cmd.Context(), cmd.Name(), func(s *session, route client.Route) error {
				if wait {
					route.Wait, route.WaitTimeout = route.Endorsers, timeout
				}
				return s.invoke(cmd.Context(), route, request)
			})
		},
	}
	c.addName(cmd.Flags())
	c.addArgs(cmd.Flags())
	c.addChannel(cmd.Flags())
	c.peers.add(cmd.Flags())
	const event = "for the event from each peer's deliver filtered service signifying that the 'invoke' transaction has been committed successfully"
	cmd.Flags().BoolVar(&wait, "waitForEvent", false, "Whether to wait "+event)
	cmd.Flags().DurationVar(&timeout, "waitForEventTimeout", 30*time.Second, "Time to wait "+event)
	return cmd
}

// request is the chaincode call that the flags describe.
func (c *chaincodeCmd) request() (client.Request, error) {
	r := client.Request{ChannelID: c.channel, Chaincode: c.name, Type: peerpb.ChaincodeSpec_GOLANG}
	if err := c.named(); err != nil {
		return r, err
	}
	var err error
	if r.Args, err = c.args(); err != nil {
		return r, err
	}
	if c.transient != "" {
		if err := json.Unmarshal([]byte(c.transient), &r.Transient); err != nil {
			return r, fmt.Errorf("error parsing transient string: %w - proposal response: <nil>", err)
		}
	}
	return r, nil
}

// invoke runs one transaction. As Fabric 1.4's command it calls a transaction successful once it is ordered, and reports the code it
// was committed with, if it waits for one; behind a code that is not VALID it says why.
func (s *session) invoke(ctx context.Context, route client.Route, request client.Request) error {
	result, err := s.client.Invoke(ctx, route, request)
	if err := invokeError(err, route.Endorsers[0].Address); err != nil {
		return err
	}
	for i, c := range result.Commits {
		why := ""
		if c.Code != peerpb.TxValidationCode_VALID {
			why = s.whyInvalid(ctx, route.Wait[i], request.ChannelID, result.TxID)
		}
		s.log.InfoContext(ctx, fmt.Sprintf("txid [%s] committed with status (%s) at %s%s", result.TxID, c.Code, c.Address, why))
	}
	s.log.InfoContext(ctx, "Chaincode invoke successful. result: "+responseText(result.Response))
	return nil
}

// whyInvalid is what the blocks just before a transaction tell about its failure, to stand behind its code; nothing if it cannot be found out.
func (s *session) whyInvalid(ctx context.Context, p *client.Peer, channel, txID string) string {
	const (
		patience = 5 * time.Second
		blocks   = 100
	)
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	t, err := explain.Find(ctx, explain.FromPeer(s.client, p, channel), explain.Query{Channel: channel, TxID: txID, Most: blocks})
	if err != nil || t.Computed != "" {
		return ""
	}
	why := ": " + t.Reason
	if t.Policy != nil {
		why += ": " + t.Policy.String()
	}
	return client.Printable(why)
}

// invokeError puts the error of a stage into Fabric's words; first is the peer that was asked first, whose refusal reads otherwise than
// another's. That a transaction was committed as invalid is no error.
func invokeError(err error, first string) error {
	var refused *client.EndorseError
	var differ *client.MismatchError
	var notOrdered *client.BroadcastError
	var notSeen *client.CommitError
	switch {
	case errors.As(err, &refused) && refused.Err == nil && refused.Address != first:
		r := refused.Response.GetResponse()
		return fmt.Errorf("could not assemble transaction: proposal response was not successful, error code %d, msg %s; this was the answer of %s",
			r.GetStatus(), client.Printable(r.GetMessage()), refused.Address)
	case errors.As(err, &refused):
		return endorseError("invoke", refused)
	case errors.As(err, &differ):
		return prefixed("could not assemble transaction", err)
	case errors.As(err, &notOrdered):
		return prefixed("error sending transaction for invoke", broadcastError(err))
	case errors.As(err, &notSeen):
		return commitError(notSeen)
	}
	return err
}

// commitError is what kept a transaction from being seen committed.
func commitError(e *client.CommitError) error {
	timeout := errors.Is(e.Err, context.DeadlineExceeded) || status.Code(e.Err) == codes.DeadlineExceeded
	switch {
	case e.Err == nil:
		return nil
	case e.NotSent && timeout:
		return fmt.Errorf("timed out waiting for connection to deliver on all peers: %w", e)
	case e.NotSent:
		return fmt.Errorf("failed to connect to deliver on all peers: %w", e)
	case timeout:
		return fmt.Errorf("timed out waiting for txid on all peers: %w", e)
	}
	return fmt.Errorf("failed to receive txid on all peers: %w", e)
}

// endorseError puts a peer's refusal into Fabric's words; call is invoke or query.
func endorseError(call string, e *client.EndorseError) error {
	if e.Err != nil {
		return fmt.Errorf("error endorsing %s: %w - proposal response: <nil>", call, e.Err)
	}
	return fmt.Errorf("endorsement failure during %s. response: %s", call, responseText(e.Response.GetResponse()))
}
