package peer

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/heddleledger/heddle/client"
	"github.com/heddleledger/heddle/config"
	"github.com/heddleledger/heddle/logging"
	"github.com/heddleledger/heddle/msp"
)

// session is what one command needs of its surroundings: the configuration, an identity, connections. Close ends the connections.
type session struct {
	logs    *logging.Logs
	log     *slog.Logger // the command's
	common  *slog.Logger // what commands share
	core    *config.Core
	notices []config.Notice
	signer  *msp.Signer
	client  *client.Client
	conns   []*client.Conn
}

// base is what every command that needs a session has. The session is open when the command's RunE is called.
type base struct {
	io      IO
	session *session
}

// oldLevelFlag is a flag that Fabric 1.4 still accepts, and does not heed.
const oldLevelFlag = "logging-level"

// opener makes the function that opens the session of a command before the command looks at its flags; module is the name under which the
// command logs. A failure is a log line in Fabric's words, and nothing else is written of it.
func (b *base) opener(module string) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, _ []string) error {
		logs, err := logging.FromEnv(b.io.Stderr, b.io.Env)
		if err != nil {
			return err
		}
		main := logs.Named("main")
		s := &session{logs: logs, log: logs.Named(module), common: logs.Named("cli.common")}
		if s.core, s.notices, err = config.LoadCore(b.io.Env); err != nil {
			err = fmt.Errorf("Fatal error when initializing core config : %w", err)
		} else {
			if old, _ := cmd.Flags().GetString(oldLevelFlag); old != "" || b.hasEnv("CORE_LOGGING_LEVEL") {
				main.WarnContext(cmd.Context(), "CORE_LOGGING_LEVEL is no longer supported, please use the FABRIC_LOGGING_SPEC environment variable")
			}
			if s.signer, err = loadSigner(s.core); err != nil {
				err = fmt.Errorf("Cannot run peer because %w", err)
			}
		}
		if err != nil {
			main.ErrorContext(cmd.Context(), err.Error())
			cmd.Root().SilenceErrors = true
			return err
		}
		s.client = client.New(s.signer)
		b.session = s
		return nil
	}
}

func (b *base) hasEnv(name string) bool {
	for _, v := range b.io.Env {
		if value, ok := strings.CutPrefix(v, name+"="); ok && value != "" {
			return true
		}
	}
	return false
}

// with runs a command's work in its session.
func (b *base) with(use func(*session) error) error {
	defer b.session.Close()
	return use(b.session)
}

func loadSigner(core *config.Core) (*msp.Signer, error) {
	dir := core.Peer.MSPConfigPath
	if info, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) || err == nil && !info.IsDir() {
		return nil, fmt.Errorf("cannot init crypto, folder %q does not exist; set CORE_PEER_MSPCONFIGPATH to the msp folder of an identity", dir)
	}
	if core.Peer.LocalMSPID == "" {
		return nil, errors.New("the local MSP must have an ID; set CORE_PEER_LOCALMSPID")
	}
	signer, err := msp.LoadSigner(dir, core.Peer.LocalMSPID, msp.WithKeyStore(core.Peer.BCCSP.SW.FileKeyStore.KeyStore))
	if err != nil {
		return nil, fmt.Errorf("error when setting up MSP of type %s from directory %s: %w", core.Peer.LocalMSPType, dir, err)
	}
	return signer, nil
}

// Close ends the session's connections.
func (s *session) Close() {
	for _, c := range s.conns {
		_ = c.Close()
	}
}
