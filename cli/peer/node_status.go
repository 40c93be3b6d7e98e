package peer

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/heddleledger/heddle/wire/peerpb"
)

func newNodeStatus(n *base) *cobra.Command {
	return &cobra.Command{
		Use:     "status",
		Short:   "Tell whether a peer runs",
		Long:    "Tell whether a peer runs: STARTED, or UNKNOWN when it does not answer. Its administrators may ask.",
		Example: "  peer node status",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 0 {
				return usageError{fmt.Errorf("trailing args detected: %s", args)}
			}
			return n.with(func(s *session) error {
				status := peerpb.ServerStatus_UNKNOWN
				p, err := s.peer(cmd.Context(), "admin")
				if err != nil {
					s.log.WarnContext(cmd.Context(), err.Error())
				} else if status, err = s.client.Status(cmd.Context(), p); err != nil {
					s.log.InfoContext(cmd.Context(), fmt.Sprintf("Error trying to get status from local peer: %v", err))
					err = fmt.Errorf("Error trying to connect to local peer: %w", err)
				}
				cmd.Printf("status:%s \n", status)
				return err
			})
		},
	}
}
