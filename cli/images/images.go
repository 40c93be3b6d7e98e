// Package images is the command that makes the container images which chaincode is built and run with.
package images

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/spf13/cobra"

	"github.com/heddleledger/heddle/chaincode/images"
	"github.com/heddleledger/heddle/chaincode/runtime/docker"
	"github.com/heddleledger/heddle/config"
)

// Run executes "heddle images" and returns the exit status.
func Run(ctx context.Context, args []string, stdout, stderr io.Writer, env []string) int {
	root := New(env)
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	if err := root.ExecuteContext(ctx); err != nil {
		fmt.Fprintln(stderr, "Error:", err)
		return 1
	}
	return 0
}

// New is the command tree.
func New(env []string) *cobra.Command {
	root := &cobra.Command{
		Use: "images", Short: "Container images for chaincode: build|ping", SilenceErrors: true,
		Long: "Make the container images that chaincode is built and run with, on a machine whose Docker engine cannot pull them.",
	}
	root.AddCommand(build(env), ping(env))
	return root
}

func build(env []string) *cobra.Command {
	var wanted []string
	var endpoint string
	cmd := &cobra.Command{
		Use:   "build",
		Short: "Make the images that chaincode is built and run with",
		Long: `Make the images that chaincode is built and run with, for a Docker engine that cannot pull them: the builder, and what chaincode of each
language runs on. They are made from what this machine has, such as its Go toolchain or its JDK with Maven and what is in Maven's repository, and
without a network. Those that build know the registries, mirrors and proxies that npm and Maven are set to use here, but no passwords,
and of the profiles of Maven's settings no properties, which may be passwords.

The images get the names that core.yaml gives them, if there is one where the peer would find it, and else the names Fabric gives them.`,
		Example: "  heddle images build --language go,node,java",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cmd.SilenceUsage = true
			conf, err := configuration(env, endpoint)
			if err != nil {
				return err
			}
			return run(cmd.Context(), conf, wanted, cmd.OutOrStdout(), env)
		},
	}
	cmd.Flags().StringSliceVar(&wanted, "language", []string{"go"}, "Languages, separated by commas: "+strings.Join(images.Languages(), ", "))
	cmd.Flags().StringVar(&endpoint, "endpoint", "", endpointHelp)
	return cmd
}

func ping(env []string) *cobra.Command {
	var endpoint string
	cmd := &cobra.Command{
		Use:     "ping",
		Short:   "Tell whether the Docker engine answers",
		Long:    "Tell whether the Docker engine that a peer of this configuration would use answers, and where it is.",
		Example: "  heddle images ping --endpoint unix:///var/run/docker.sock",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cmd.SilenceUsage = true
			conf, err := configuration(env, endpoint)
			if err != nil {
				return err
			}
			engine, err := docker.Connect(conf.VM)
			if err != nil {
				return err
			}
			defer engine.Close()
			if err := docker.Ping(cmd.Context(), engine); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "The engine at %s answers\n", engine.DaemonHost())
			return nil
		},
	}
	cmd.Flags().StringVar(&endpoint, "endpoint", "", endpointHelp)
	return cmd
}

const endpointHelp = "The Docker engine; without it vm.endpoint of core.yaml, and where that says nothing DOCKER_HOST"

// configuration reads core.yaml as the peer does; where there is none, the environment alone.
func configuration(env []string, endpoint string) (*config.Core, error) {
	var conf *config.Core
	var err error
	if _, missing := config.FindFile("core", env); missing != nil {
		conf, _, err = config.ParseCore("core.yaml", nil, env)
	} else {
		conf, _, err = config.LoadCore(env)
	}
	if err != nil {
		return nil, err
	}
	if endpoint != "" {
		conf.VM.Endpoint = endpoint
	}
	for _, v := range env {
		if host, ok := strings.CutPrefix(v, "DOCKER_HOST="); ok && conf.VM.Endpoint == "" {
			conf.VM.Endpoint = host
		}
	}
	return conf, nil
}

func run(ctx context.Context, conf *config.Core, wanted []string, out io.Writer, env []string) error {
	engine, err := docker.Connect(conf.VM)
	if err != nil {
		return err
	}
	defer engine.Close()
	if err := docker.Ping(ctx, engine); err != nil {
		return fmt.Errorf("%w; start an engine, or name it with --endpoint", err)
	}
	maker := images.Maker{
		Engine: engine,
		Names: images.Names{
			Builder: config.ExpandImage(conf.Chaincode.Builder),
			Golang:  config.ExpandImage(conf.Chaincode.Golang.Runtime),
			Car:     config.ExpandImage(conf.Chaincode.Car.Runtime),
			Node:    config.ExpandImage(conf.Chaincode.Node.Runtime),
			Java:    config.ExpandImage(conf.Chaincode.Java.Runtime),
		},
		Env: env,
		Log: slog.New(slog.NewTextHandler(out, nil)),
	}
	return maker.Make(ctx, wanted...)
}
