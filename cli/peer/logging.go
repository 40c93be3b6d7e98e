package peer

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/heddleledger/heddle/client"
	"github.com/heddleledger/heddle/logging"
)

// newLogging is the logging commands. What they learn is a log line, as with Fabric's.
func newLogging(io IO) *cobra.Command {
	l := &loggingCmd{base{io: io}}
	cmd := &cobra.Command{
		Use:               "logging",
		Short:             "Logging configuration: getlevel|setlevel|getlogspec|setlogspec|revertlevels",
		Long:              "See and change what a running peer logs. Its administrators may. What the commands learn is told as a log line.",
		PersistentPreRunE: l.opener("cli.logging"),
	}
	cmd.AddCommand(l.newGetLevel(), l.newSetLevel(), l.newGetSpec(), l.newSetSpec(), l.newRevert())
	return cmd
}

type loggingCmd struct{ base }

func (l *loggingCmd) newGetLevel() *cobra.Command {
	return &cobra.Command{
		Use:     "getlevel <logger>",
		Short:   "Tell the level of a logger",
		Long:    "Tell the level of a logger. The name is the one that the log shows in brackets.",
		Example: "  peer logging getlevel endorser",
		RunE: l.ask(someArgs, func(cmd *cobra.Command, args []string, s *session, p *client.Peer) (string, error) {
			r, err := s.client.LogLevel(cmd.Context(), p, args[0])
			return fmt.Sprintf("Current log level for logger '%s': %s", r.GetLogModule(), r.GetLogLevel()), err
		}),
	}
}

func (l *loggingCmd) newSetLevel() *cobra.Command {
	return &cobra.Command{
		Use:     "setlevel <logger> <log level>",
		Short:   "Change the level of a logger",
		Long:    "Change the level of a logger. Loggers below it, as comm.grpc is below comm, follow it unless they have levels of their own.",
		Example: "  peer logging setlevel endorser debug",
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) == 1 {
				return []string{"debug", "info", "warning", "error", "panic", "fatal"}, cobra.ShellCompDirectiveNoFileComp
			}
			return nil, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: l.ask(levelArgs, func(cmd *cobra.Command, args []string, s *session, p *client.Peer) (string, error) {
			r, err := s.client.SetLogLevel(cmd.Context(), p, args[0], args[1])
			return fmt.Sprintf("Log level set for logger name/prefix '%s': %s", r.GetLogModule(), r.GetLogLevel()), err
		}),
	}
}

func (l *loggingCmd) newGetSpec() *cobra.Command {
	return &cobra.Command{
		Use:     "getlogspec",
		Short:   "Tell the levels of all loggers",
		Long:    "Tell the levels of all loggers, in the form of FABRIC_LOGGING_SPEC.",
		Example: "  peer logging getlogspec",
		RunE: l.ask(noMoreArgs, func(cmd *cobra.Command, _ []string, s *session, p *client.Peer) (string, error) {
			spec, err := s.client.LogSpec(cmd.Context(), p)
			return "Current logging spec: " + spec, err
		}),
	}
}

func (l *loggingCmd) newSetSpec() *cobra.Command {
	return &cobra.Command{
		Use:     "setlogspec <spec>",
		Short:   "Change the levels of all loggers",
		Long:    "Change the levels of all loggers, given in the form of FABRIC_LOGGING_SPEC.",
		Example: "  peer logging setlogspec endorser,ledger=debug:warning",
		RunE: l.ask(someArgs, func(cmd *cobra.Command, args []string, s *session, p *client.Peer) (string, error) {
			r, err := s.client.SetLogSpec(cmd.Context(), p, args[0])
			if err == nil && r.Error != "" {
				err = errors.New(r.Error)
			}
			return "Current logging spec set to: " + r.GetLogSpec(), err
		}),
	}
}

func (l *loggingCmd) newRevert() *cobra.Command {
	return &cobra.Command{
		Use:     "revertlevels",
		Short:   "Bring back the levels that the peer started with",
		Long:    "Bring back the levels of all loggers that the peer had when it started.",
		Example: "  peer logging revertlevels",
		RunE: l.ask(noMoreArgs, func(cmd *cobra.Command, _ []string, s *session, p *client.Peer) (string, error) {
			return "Logging spec reverted to the peer's spec at startup.", s.client.RevertLogLevels(cmd.Context(), p)
		}),
	}
}

// ask runs a command whose arguments pass a check against the peer of core.yaml, and logs what it says unless it failed.
func (l *loggingCmd) ask(check func([]string) error, question func(*cobra.Command, []string, *session, *client.Peer) (string, error)) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(args); err != nil {
			return usageError{err}
		}
		return l.with(func(s *session) error {
			p, err := s.peer(cmd.Context(), "admin")
			if err != nil {
				return err
			}
			text, err := question(cmd, args, s, p)
			if err == nil {
				s.log.InfoContext(cmd.Context(), text)
			}
			return err
		})
	}
}

// someArgs refuses a command that needs arguments and was given none; more than needed are passed over, as by Fabric's commands.
func someArgs(args []string) error {
	if len(args) == 0 {
		return errors.New("no parameters provided")
	}
	return nil
}

func levelArgs(args []string) error {
	switch {
	case len(args) == 1:
		return errors.New("no log level provided")
	case len(args) > 1 && !logging.IsLevel(args[1]):
		return fmt.Errorf("invalid log level provided - %s", args[1])
	}
	return someArgs(args)
}

func noMoreArgs(args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("more parameters than necessary were provided. Expected 0, received %d", len(args))
	}
	return nil
}
