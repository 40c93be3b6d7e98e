package docker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/jsonstream"
	"github.com/moby/moby/client"

	"github.com/heddleledger/heddle/chaincode/pack"
	"github.com/heddleledger/heddle/chaincode/platform"
	"github.com/heddleledger/heddle/chaincode/runtime"
)

// What an error repeats of a failed build's output: it travels to the client that asked for the chaincode.
const (
	tailLines = 40
	tailBytes = 4096
)

// maxOutput bounds what a build leaves in /chaincode/output, in bytes.
const maxOutput = 2 << 30

// compile runs the builder image over the package and copies the tar of its /chaincode/output to w.
func (r *Runtime) compile(ctx context.Context, c *platform.Container, p *pack.Package, w io.Writer) (err error) {
	host := *r.host
	host.ReadonlyRootfs = false // it is there to write
	made, err := r.engine.ContainerCreate(ctx, client.ContainerCreateOptions{
		Config: &container.Config{
			Image:        c.Builder,
			Env:          r.buildEnv(c),
			Cmd:          []string{"/bin/sh", "-c", c.Command},
			AttachStdout: true,
			AttachStderr: true,
			Labels:       map[string]string{peerLabel: r.o.owner()},
		},
		HostConfig: &host,
	})
	if err != nil {
		return fmt.Errorf("Error creating container: %w", err)
	}
	defer func() { err = errors.Join(err, r.remove(ctx, made.ID)) }()

	input := piped(c.Input)
	defer input.Close()
	if _, err := r.engine.CopyToContainer(ctx, made.ID, client.CopyToContainerOptions{DestinationPath: "/chaincode/input", Content: input}); err != nil {
		return fmt.Errorf("Error uploading input to container: %w; image %s must have a folder /chaincode/input", err, c.Builder)
	}
	status, lines, err := r.runBuilder(ctx, made.ID, r.o.BuildLog.With("chaincode", p.Name+":"+p.Version).Info)
	if err != nil {
		return err
	}
	if status != 0 {
		said := strings.Join(lines, "\n")
		if len(said) > tailBytes {
			said = "..." + strings.ToValidUTF8(said[len(said)-tailBytes:], "")
		}
		if hint := c.Hint(said); hint != "" {
			hint = "\n" + hint
			return fmt.Errorf("Error returned from build: %d %q%s", status, said, hint)
		}
		return fmt.Errorf("Error returned from build: %d %q", status, said)
	}
	output, err := r.engine.CopyFromContainer(ctx, made.ID, client.CopyFromContainerOptions{SourcePath: "/chaincode/output/."})
	if err != nil {
		return fmt.Errorf("Error downloading output: %w", err)
	}
	defer output.Content.Close()
	n, err := io.Copy(w, io.LimitReader(output.Content, maxOutput+1))
	if err != nil {
		return fmt.Errorf("Error downloading output: %w", err)
	}
	if n > maxOutput {
		return fmt.Errorf("Error downloading output: it has more than %d bytes", int64(maxOutput))
	}
	return nil
}

// buildEnv is what a builder sees of the peer's environment.
func (r *Runtime) buildEnv(c *platform.Container) []string {
	named := proxies(r.o.Env)
	return slices.Concat(named, c.Env(named))
}

// runBuilder starts a created builder and returns its exit status and its last lines, all of which go to log as they come.
func (r *Runtime) runBuilder(ctx context.Context, id string, log func(msg string, args ...any)) (status int, last []string, err error) {
	attached, err := r.engine.ContainerAttach(ctx, id, client.ContainerAttachOptions{Stream: true, Stdout: true, Stderr: true})
	if err != nil {
		return 0, nil, fmt.Errorf("Error attaching to container: %w", err)
	}
	defer context.AfterFunc(ctx, attached.Close)()
	defer attached.Close()
	output := runtime.NewOutput(tailLines, func(line string) { log(line) })
	var copying sync.WaitGroup
	copying.Go(func() {
		_, _ = stdcopy.StdCopy(output, output, attached.Reader) // ends with the container, or when attached is closed
		output.Flush()
	})
	if _, err := r.engine.ContainerStart(ctx, id, client.ContainerStartOptions{}); err != nil {
		attached.Close()
		copying.Wait()
		return 0, nil, fmt.Errorf("Error executing build: %w", err)
	}
	e := r.wait(ctx, id)
	if ctx.Err() != nil {
		e.Err = context.Cause(ctx)
	}
	if e.Err != nil {
		attached.Close()
	}
	copying.Wait()
	return e.Code, output.Last(), e.Err
}

// piped reads what write writes. Closing the reader ends write.
func piped(write func(w io.Writer) error) io.ReadCloser {
	reader, writer := io.Pipe()
	go func() { writer.CloseWithError(write(writer)) }()
	return reader
}

func writeAll(w io.Writer, content io.Reader) error {
	_, err := io.Copy(w, content)
	return err
}

// eachMessage takes apart what the engine says while it works.
func eachMessage(r io.Reader, visit func(jsonstream.Message) error) error {
	for d := json.NewDecoder(r); ; {
		var m jsonstream.Message
		err := d.Decode(&m)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("the engine's answer: %w", err)
		}
		if err := visit(m); err != nil {
			return err
		}
	}
}
