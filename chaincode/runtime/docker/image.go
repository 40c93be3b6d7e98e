package docker

import (
	"archive/tar"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/build"
	"github.com/moby/moby/api/types/jsonstream"
	"github.com/moby/moby/client"

	"github.com/heddleledger/heddle/chaincode/pack"
	"github.com/heddleledger/heddle/chaincode/platform"
	"github.com/heddleledger/heddle/chaincode/runtime"
	"github.com/heddleledger/heddle/version"
)

// image returns the name of the chaincode's image, which it makes unless there is one made of the same code. One making serves all who wait.
func (r *Runtime) image(ctx context.Context, l *runtime.Launch, c *platform.Container) (string, error) {
	name, err := r.o.imageName(l.Name, l.Version)
	if err != nil {
		return "", err
	}
	return r.builds.Do(ctx, name+" "+string(l.Package.CodeHash), func(ctx context.Context) (string, error) {
		found, err := r.engine.ImageInspect(ctx, name)
		switch {
		case errdefs.IsNotFound(err):
		case err != nil:
			return "", fmt.Errorf("looking for image %s: %w", name, err)
		case found.Config != nil && found.Config.Labels[codeLabel] == hex.EncodeToString(l.Package.CodeHash):
			return name, nil
		default:
			r.o.BuildLog.Info("The chaincode's image was made of other code; it is made again", "chaincode", l.ID(), "image", name)
		}
		began := time.Now()
		err = r.build(ctx, name, l.Package, c)
		r.o.Metrics.built(l.ID(), began, err)
		if err != nil {
			return "", fmt.Errorf("error building chaincode %s: %w", l.ID(), err)
		}
		r.o.BuildLog.Info("Built chaincode", "chaincode", l.ID(), "image", name, "took", time.Since(began).Round(time.Millisecond))
		if err := RemoveNameless(ctx, r.engine, found.ID); err != nil {
			r.o.BuildLog.Debug("The image that was replaced stays", "id", found.ID, "reason", err)
		}
		return name, nil
	})
}

// build compiles the chaincode in the builder image and puts the outcome into the runtime image.
func (r *Runtime) build(ctx context.Context, name string, p *pack.Package, c *platform.Container) error {
	for _, image := range []string{c.Builder, c.Runtime} {
		if err := r.need(ctx, image, c.Language); err != nil {
			return err
		}
	}
	binaries, err := os.CreateTemp("", "heddle-binpackage-*.tar")
	if err != nil {
		return err
	}
	defer binaries.Close()
	if err := os.Remove(binaries.Name()); err != nil { // the open file stays, and goes with this process however that ends
		return err
	}
	if err := r.compile(ctx, c, p, binaries); err != nil {
		return fmt.Errorf("Failed to generate platform-specific docker build: %w", err)
	}
	return r.assemble(ctx, name, dockerfile(p, c), binaries)
}

// need sees to it that the engine has an image, by pulling it if it must.
func (r *Runtime) need(ctx context.Context, image, language string) error {
	_, err := r.engine.ImageInspect(ctx, image)
	if err == nil {
		return nil
	}
	if !errdefs.IsNotFound(err) {
		return fmt.Errorf("looking for image %s: %w", image, err)
	}
	r.o.BuildLog.Info("Pulling an image that the engine does not have", "image", image)
	pulling, err := r.engine.ImagePull(ctx, image, client.ImagePullOptions{})
	if err == nil {
		err = pulling.Wait(ctx)
	}
	if err != nil {
		return fmt.Errorf("Failed to pull %s: %w; where there is no registry, `heddle images build --language %s` makes it from what this machine has",
			image, err, language)
	}
	return nil
}

// dockerfile is what the chaincode's image is assembled by. Labels and variable are Fabric's, and one label is ours.
func dockerfile(p *pack.Package, c *platform.Container) string {
	labels := [][2]string{
		{"org.hyperledger.fabric.chaincode.id.name", p.Name},
		{"org.hyperledger.fabric.chaincode.id.version", p.Version},
		{"org.hyperledger.fabric.chaincode.type", p.Type.String()},
		{"org.hyperledger.fabric.version", version.Fabric},
		{"org.hyperledger.fabric.base.version", version.FabricBase},
		{codeLabel, hex.EncodeToString(p.CodeHash)},
	}
	var b strings.Builder
	fmt.Fprintf(&b, "FROM %s\nADD %s %s\nLABEL", c.Runtime, binPackage, c.Dir) // an instruction is a step, and takes its time
	for _, l := range labels {
		fmt.Fprintf(&b, " \\\n  %s=%s", l[0], strconv.Quote(l[1]))
	}
	fmt.Fprintf(&b, "\nENV CORE_CHAINCODE_BUILDLEVEL=%s\n", version.Fabric)
	return b.String()
}

// binPackage is the name, in the context of the image's build, of the archive that the builder made.
const binPackage = "binpackage.tar"

// assemble has the engine build the chaincode's image.
func (r *Runtime) assemble(ctx context.Context, name, dockerfile string, binaries *os.File) error {
	size, err := binaries.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	if _, err := binaries.Seek(0, io.SeekStart); err != nil {
		return err
	}
	reader := piped(func(w io.Writer) error {
		t := tar.NewWriter(w)
		if err := errors.Join(
			t.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "Dockerfile", Size: int64(len(dockerfile)), Mode: 0o644}),
			writeAll(t, strings.NewReader(dockerfile)),
			t.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: binPackage, Size: size, Mode: 0o644}),
			writeAll(t, binaries),
		); err != nil {
			return err
		}
		return t.Close()
	})
	defer reader.Close()
	args := map[string]*string{}
	for _, v := range proxies(r.o.Env) {
		key, value, _ := strings.Cut(v, "=")
		args[key] = &value
	}
	answer, err := r.engine.ImageBuild(ctx, reader, client.ImageBuildOptions{
		Tags: []string{name}, PullParent: r.o.Pull, NetworkMode: string(r.host.NetworkMode), BuildArgs: args,
		Remove: true, ForceRemove: true, Version: build.BuilderV1,
	})
	if err != nil {
		return fmt.Errorf("assembling image %s: %w", name, err)
	}
	defer answer.Body.Close()
	if err := r.relay(answer.Body); err != nil {
		return fmt.Errorf("assembling image %s: %w", name, err)
	}
	return nil
}

// relay logs what the engine says while it builds an image, and returns the error that it ends with.
func (r *Runtime) relay(messages io.Reader) error {
	output := runtime.NewOutput(0, func(line string) { r.o.BuildLog.Info(line) })
	defer output.Flush()
	return eachMessage(messages, func(m jsonstream.Message) error {
		if m.Error != nil {
			return m.Error
		}
		_, err := io.WriteString(output, m.Stream)
		return err
	})
}
