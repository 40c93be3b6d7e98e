// Package images makes the container images that chaincode is built and run with from what this machine has, for engines that cannot pull them.
//
// An image is a root file system of its own, without any image below it: a shell and its tools, and per language the tools that the machine
// itself uses (the Go toolchain; node and npm; a JDK and Maven), each with the shared libraries it is linked with. Files are copied as they are,
// links are followed. The images stand in for Fabric's of the same names: the same folders, the same commands, the same PATH.
//
// The builder has the tools of Go and of Node.js, as far as the machine has them, since Fabric has one builder for both. The packages that our shim
// needs are compiled in it once, when it is made, so that the first chaincode need not wait for them. The image of Java builds as well as it runs,
// and brings the Maven repository of this machine: what was built here once is built there without a network.
//
// Builds that need a registry reach it as the machine does: npm's and Maven's settings go into the images that build, without the passwords
// and without the properties of Maven's profiles, which may be some. Nothing in the making uses a network.
package images

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path"
	"slices"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/jsonstream"
	"github.com/moby/moby/client"

	"github.com/heddleledger/heddle/chaincode/platform/golang"
	"github.com/heddleledger/heddle/chaincode/runtime/docker"
)

// Languages are those that Make knows.
var languages = []string{"go", "node", "java"}

// Languages are those that images can be made for.
func Languages() []string { return slices.Clone(languages) }

// Names are the names of the images to make, tags included.
type Names struct {
	Builder, Golang, Car, Node, Java string
}

// Maker makes images.
type Maker struct {
	Engine *client.Client
	Names  Names
	Env    []string // where the tools are: PATH
	Log    *slog.Logger
}

// searchPath is PATH in the images.
const searchPath = "/usr/local/sbin:/usr/local/bin:/usr/local/go/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// Make makes the images of the given languages, with the builder of those that have one. Images of the same names are replaced.
func (m *Maker) Make(ctx context.Context, wanted ...string) error {
	for _, l := range wanted {
		if !slices.Contains(languages, l) {
			return fmt.Errorf("images for %q cannot be made; the languages are %v", l, languages)
		}
	}
	h := host{ctx: ctx, env: m.Env}
	for _, l := range wanted {
		var err error
		switch l {
		case "go":
			err = m.runtimeImage(ctx, m.Names.Golang, h.base)
			if err == nil && m.Names.Car != m.Names.Golang {
				err = m.runtimeImage(ctx, m.Names.Car, h.base)
			}
		case "node":
			err = m.runtimeImage(ctx, m.Names.Node, h.node)
		case "java":
			err = m.runtimeImage(ctx, m.Names.Java, h.java)
		}
		if err != nil {
			return err
		}
	}
	if !slices.Contains(wanted, "go") && !slices.Contains(wanted, "node") {
		return nil
	}
	return m.builderImage(ctx, &h, wanted)
}

func (m *Maker) runtimeImage(ctx context.Context, name string, collect func() (*tree, error)) error {
	return m.image(ctx, name, func() (*tree, string, error) {
		t, err := collect()
		if err != nil {
			return nil, "", err
		}
		id, err := m.importTree(ctx, t, name)
		return t, id, err
	})
}

// image makes an image in place of any of that name, which is removed unless something else uses it.
func (m *Maker) image(ctx context.Context, name string, compose func() (t *tree, id string, err error)) error {
	began := time.Now()
	before, err := m.Engine.ImageInspect(ctx, name)
	if err != nil && !errdefs.IsNotFound(err) {
		return fmt.Errorf("looking for image %s: %w", name, err)
	}
	t, id, err := compose()
	if err != nil {
		return fmt.Errorf("making image %s: %w", name, err)
	}
	m.Log.Info("Made image", "name", name, "id", id, "bytes", t.size(), "took", time.Since(began).Round(time.Millisecond))
	if err := docker.RemoveNameless(ctx, m.Engine, before.ID); err != nil {
		m.Log.Debug("The image that was replaced stays", "id", before.ID, "reason", err)
	}
	return nil
}

// builderImage makes the builder of Go and Node.js; of a language that is not wanted, the machine may lack the tools. With Go in it, the packages that
// every chaincode needs are compiled.
func (m *Maker) builderImage(ctx context.Context, h *host, wanted []string) error {
	return m.image(ctx, m.Names.Builder, func() (*tree, string, error) {
		t, err := m.builder(h, wanted)
		if err != nil {
			return nil, "", err
		}
		if !t.has("usr/local/go/bin/go") {
			id, err := m.importTree(ctx, t, m.Names.Builder)
			return t, id, err
		}
		cold, err := m.importTree(ctx, t, "")
		if err != nil {
			return nil, "", err
		}
		id, err := m.warm(ctx, cold, m.Names.Builder)
		return t, id, err
	})
}

// builder collects what the builder has.
func (m *Maker) builder(h *host, wanted []string) (*tree, error) {
	t, err := h.base()
	if err != nil {
		return nil, err
	}
	t.folder("chaincode/input", 0o755)
	t.folder("chaincode/output", 0o755)
	for _, add := range []struct {
		language string
		tools    func(*tree) error
	}{{"go", h.goTools}, {"node", h.nodeBuildTools}} {
		if err := add.tools(t); err != nil {
			if slices.Contains(wanted, add.language) || !errors.Is(err, errMissing) {
				return nil, err
			}
			m.Log.Info("The builder image will not build chaincode of this language", "language", add.language, "reason", err)
		}
	}
	return t, nil
}

// importTree makes an image of a root file system, with a name unless that is empty.
func (m *Maker) importTree(ctx context.Context, t *tree, name string) (id string, err error) {
	reader, writer := io.Pipe()
	defer reader.Close()
	go func() { writer.CloseWithError(t.write(writer)) }()
	answer, err := m.Engine.ImageImport(ctx, client.ImageImportSource{Source: reader, SourceName: "-"}, name, client.ImageImportOptions{
		Message: "made by heddle images build",
		Changes: append([]string{"ENV PATH=" + searchPath, "ENV GOPATH=/opt/gopath", "ENV GOCACHE=" + goCache, "ENV HOME=/root", "WORKDIR /"}, t.changes...),
	})
	if err != nil {
		return "", err
	}
	defer answer.Close()
	for d := json.NewDecoder(answer); ; {
		var said jsonstream.Message
		err := d.Decode(&said)
		switch {
		case errors.Is(err, io.EOF) && id != "":
			return id, nil
		case err != nil:
			return "", fmt.Errorf("the engine's answer: %w", err)
		case said.Error != nil:
			return "", said.Error
		}
		id = said.Status
	}
}

// goCache is where a builder keeps what it has compiled.
const goCache = "/opt/gocache"

// warm runs the builder without any chaincode and makes what it leaves the image of that name.
func (m *Maker) warm(ctx context.Context, image, name string) (id string, err error) {
	w := golang.WarmUp()
	made, err := m.Engine.ContainerCreate(ctx, client.ContainerCreateOptions{
		Config: &container.Config{Image: image, Cmd: []string{"/bin/sh", "-c", w.Command +
			"rm -rf /chaincode/input/* /chaincode/output/* /tmp/*\n"}},
		HostConfig: &container.HostConfig{NetworkMode: "none"},
	})
	if err != nil {
		return "", err
	}
	defer func() {
		tidying, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		_, removing := m.Engine.ContainerRemove(tidying, made.ID, client.ContainerRemoveOptions{Force: true})
		if _, untagging := m.Engine.ImageRemove(tidying, image, client.ImageRemoveOptions{}); untagging != nil {
			m.Log.Debug("The image without compiled packages stays", "id", image, "reason", untagging) // the finished one is made on it
		}
		err = errors.Join(err, removing)
	}()
	reader, writer := io.Pipe()
	defer reader.Close()
	go func() { writer.CloseWithError(w.WriteInput(writer)) }()
	if _, err := m.Engine.CopyToContainer(ctx, made.ID, client.CopyToContainerOptions{DestinationPath: "/chaincode/input", Content: reader}); err != nil {
		return "", err
	}
	if _, err := m.Engine.ContainerStart(ctx, made.ID, client.ContainerStartOptions{}); err != nil {
		return "", err
	}
	if err := m.finished(ctx, made.ID); err != nil {
		return "", fmt.Errorf("compiling the shim: %w", err)
	}
	// Without a configuration of its own the image would run the warm-up again.
	done, err := m.Engine.ContainerCommit(ctx, made.ID, client.ContainerCommitOptions{Reference: name, Changes: []string{`CMD ["/bin/sh"]`}})
	return done.ID, err
}

// finished waits for the end of a container, which must be a good one.
func (m *Maker) finished(ctx context.Context, id string) error {
	w := m.Engine.ContainerWait(ctx, id, client.ContainerWaitOptions{})
	select {
	case err := <-w.Error:
		return err
	case end := <-w.Result:
		if end.StatusCode == 0 {
			return nil
		}
		logs, err := m.Engine.ContainerLogs(ctx, id, client.ContainerLogsOptions{ShowStderr: true, ShowStdout: true, Tail: "20"})
		if err != nil {
			return fmt.Errorf("status %d, and its output cannot be read: %w", end.StatusCode, err)
		}
		defer logs.Close()
		said, err := plain(logs)
		return errors.Join(fmt.Errorf("status %d: %s", end.StatusCode, said), err)
	}
}

// local is path in a tree: no leading slash, clean.
func local(p string) string { return path.Clean("/" + p)[1:] }
