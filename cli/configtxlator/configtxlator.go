// Package configtxlator is the configtxlator command: configuration as JSON and back, and the update between two configurations; on the
// command line or over HTTP.
package configtxlator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/channelconfig"
	"github.com/heddleledger/heddle/channelconfig/deepjson"
	"github.com/heddleledger/heddle/version"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/commonpb"
)

// runError is what went wrong in a command line that was fine.
type runError struct{ error }

// Run executes the configtxlator command with args and returns the exit status.
func Run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := New()
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	switch {
	case err == nil:
		return 0
	case errors.As(err, new(runError)):
		fmt.Fprintln(stderr, "configtxlator: error:", err)
	default:
		fmt.Fprintf(stderr, "configtxlator: error: %s, try --help\n", err)
	}
	return 1
}

// New is the command tree.
func New() *cobra.Command {
	root := &cobra.Command{
		Use:   "configtxlator",
		Short: "Configuration as JSON, and updates of it: proto_encode|proto_decode|compute_update|start|version",
		Long: `Turn configurations, and all other messages of Fabric, into JSON and back, and compute the update that leads from one configuration to
another. A channel is changed with it so: fetch its configuration block, decode it, edit the JSON, encode it, compute the update, have it
signed, and send it with peer channel update.`,
		Example:           "  configtxlator proto_decode --type common.Block --input mychannel.block",
		SilenceUsage:      true,
		SilenceErrors:     true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	root.AddCommand(newEncode(), newDecode(), newCompute(), newStart(), version.Command("configtxlator"))
	return root
}

// files are the flags that say where a command reads and writes; empty means standard input and output.
type files struct{ kind, input, output string }

func (f *files) add(cmd *cobra.Command, kind, input string) {
	cmd.Flags().StringVar(&f.kind, "type", "", kind)
	_ = cmd.RegisterFlagCompletionFunc("type", cobra.FixedCompletions(deepjson.Names(), cobra.ShellCompDirectiveNoFileComp))
	cmd.Flags().StringVar(&f.input, "input", "", input+" (default standard input)")
	addOutput(cmd, &f.output)
	_ = cmd.MarkFlagRequired("type")
}

func addOutput(cmd *cobra.Command, output *string) {
	cmd.Flags().StringVar(output, "output", "", "A file to write the result to (default standard output)")
}

func newEncode() *cobra.Command {
	var f files
	cmd := &cobra.Command{
		Use: "proto_encode", Short: "Convert JSON to protobuf", Args: cobra.NoArgs,
		Long:    "Convert a JSON document, in the form that proto_decode prints, to protobuf.",
		Example: "  configtxlator proto_encode --type common.Config --input config.json --output config.pb",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return f.convert(cmd, encode, "Error encoding")
		},
	}
	f.add(cmd, "The type of protobuf structure to encode to. For example, 'common.Config'.", "A file containing the JSON document.")
	return cmd
}

func newDecode() *cobra.Command {
	var f files
	cmd := &cobra.Command{
		Use: "proto_decode", Short: "Convert protobuf to JSON", Args: cobra.NoArgs,
		Long:    "Convert a message to JSON, and with it the messages inside its bytes fields.",
		Example: "  configtxlator proto_decode --type common.Block --input mychannel.block",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return f.convert(cmd, decode, "Error decoding")
		},
	}
	f.add(cmd, "The type of protobuf structure to decode from. For example, 'common.Config'.", "A file containing the proto message.")
	return cmd
}

func (f *files) convert(cmd *cobra.Command, convert func(string, []byte) ([]byte, error), failure string) error {
	in, err := read(cmd, f.input)
	if err != nil {
		return err
	}
	out, err := convert(f.kind, in)
	if err != nil {
		return runError{fmt.Errorf("%s: %w", failure, err)}
	}
	return write(cmd, f.output, out)
}

// encode turns deep JSON into the message of the named type.
func encode(kind string, json []byte) ([]byte, error) {
	m, err := deepjson.New(kind)
	if err != nil {
		return nil, err
	}
	if err := deepjson.Unmarshal(json, m); err != nil {
		return nil, err
	}
	return wire.Marshal(m)
}

// decode turns a message of the named type into deep JSON.
func decode(kind string, raw []byte) ([]byte, error) {
	m, err := deepjson.New(kind)
	if err != nil {
		return nil, err
	}
	if err := proto.Unmarshal(raw, m); err != nil {
		return nil, fmt.Errorf("error unmarshaling: %w", err)
	}
	return deepjson.Marshal(m)
}

func newCompute() *cobra.Command {
	var channel, original, updated, output string
	cmd := &cobra.Command{
		Use: "compute_update", Args: cobra.NoArgs,
		Short:   "Compute the update between two configurations",
		Long:    "Compute the common.ConfigUpdate that leads from one common.Config to another: what to wrap in an envelope, have signed, and send to the channel.",
		Example: "  configtxlator compute_update --channel_id mychannel --original config.pb --updated modified.pb --output update.pb",
		RunE: func(cmd *cobra.Command, _ []string) error {
			from, err := os.ReadFile(original)
			if err != nil {
				return err
			}
			to, err := os.ReadFile(updated)
			if err != nil {
				return err
			}
			update, err := compute(channel, from, to)
			if err != nil {
				return runError{fmt.Errorf("Error computing update: error computing config update: %w", err)}
			}
			return write(cmd, output, update)
		},
	}
	cmd.Flags().StringVar(&original, "original", "", "The original config message.")
	cmd.Flags().StringVar(&updated, "updated", "", "The updated config message.")
	cmd.Flags().StringVar(&channel, "channel_id", "", "The name of the channel for this update.")
	addOutput(cmd, &output)
	for _, required := range []string{"original", "updated", "channel_id"} {
		_ = cmd.MarkFlagRequired(required)
	}
	return cmd
}

// compute makes the update that leads from one encoded common.Config to another.
func compute(channel string, original, updated []byte) ([]byte, error) {
	from, to := &commonpb.Config{}, &commonpb.Config{}
	if err := proto.Unmarshal(original, from); err != nil {
		return nil, fmt.Errorf("error unmarshaling original config: %w", err)
	}
	if err := proto.Unmarshal(updated, to); err != nil {
		return nil, fmt.Errorf("error unmarshaling updated config: %w", err)
	}
	update, err := channelconfig.ComputeUpdate(channel, from, to)
	if err != nil {
		return nil, err
	}
	return wire.Marshal(update)
}

func read(cmd *cobra.Command, file string) ([]byte, error) {
	if file == "" {
		return io.ReadAll(cmd.InOrStdin())
	}
	return os.ReadFile(file)
}

func write(cmd *cobra.Command, file string, b []byte) error {
	if file == "" {
		_, err := cmd.OutOrStdout().Write(b)
		return err
	}
	return os.WriteFile(file, b, 0o644)
}
