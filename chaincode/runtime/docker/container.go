package docker

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/client"

	"github.com/heddleledger/heddle/chaincode/platform"
	"github.com/heddleledger/heddle/chaincode/runtime"
)

// filesDir is where chaincode has its TLS files.
const filesDir = "/etc/hyperledger/fabric"

// Labels of containers and images.
const (
	peerLabel = "io.heddle.peer"           // whose container it is
	codeLabel = "io.heddle.chaincode.code" // hash of the code an image was made of
)

// owner is the value of peerLabel: two peers that share their names still differ by their directories.
func (o *Options) owner() string { return strings.Join([]string{o.NetworkID, o.PeerID, o.Dir}, "/") }

// create creates the chaincode's container, from an image that it makes if need be, in place of any container of that name.
func (r *Runtime) create(ctx context.Context, l *runtime.Launch, c *platform.Container) (id string, err error) {
	name := r.o.containerName(l.Name, l.Version)
	if err := r.clear(ctx, name); err != nil {
		return "", err
	}
	// An image may be removed between its making and its use; twice is no accident.
	for range 2 {
		var image string
		if image, err = r.image(ctx, l, c); err != nil {
			return "", err
		}
		var made client.ContainerCreateResult
		made, err = r.engine.ContainerCreate(ctx, client.ContainerCreateOptions{
			Name: name,
			Config: &container.Config{
				Image:        image,
				Cmd:          c.Run(l.PeerAddress),
				Env:          l.Environment(filesDir),
				AttachStdout: true,
				AttachStderr: true,
				Labels:       map[string]string{peerLabel: r.o.owner()},
			},
			HostConfig: r.chaincodeHost(l),
		})
		if err == nil {
			return made.ID, nil
		}
		if !errdefs.IsNotFound(err) {
			break
		}
	}
	return "", fmt.Errorf("creating the container of chaincode %s: %w", l.ID(), err)
}

// clear removes a container of that name, if there is one, and waits until it is gone: it may be that of an instance whose stream has just ended.
func (r *Runtime) clear(ctx context.Context, name string) error {
	for {
		_, err := r.engine.ContainerRemove(ctx, name, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
		switch {
		case err == nil || errdefs.IsNotFound(err):
			return nil
		case !errdefs.IsConflict(err): // else it is being removed
			return fmt.Errorf("removing container %s: %w", name, err)
		}
		select {
		case <-time.After(removalPoll):
		case <-ctx.Done():
			return fmt.Errorf("removing container %s: %w", name, context.Cause(ctx))
		}
	}
}

// removalPoll is how often the engine is asked whether it has removed a container.
const removalPoll = 50 * time.Millisecond

// run gives the container its files, attaches to its output and starts it.
func (r *Runtime) run(ctx context.Context, l *runtime.Launch, id string) (*instance, error) {
	if files := l.Files(); len(files) > 0 {
		root := "/" // the image need not have the folder
		if r.host.ReadonlyRootfs {
			root = filesDir
		}
		content, err := tarOf(files, root)
		if err != nil {
			return nil, err
		}
		if _, err := r.engine.CopyToContainer(ctx, id, client.CopyToContainerOptions{DestinationPath: root, Content: content}); err != nil {
			return nil, fmt.Errorf("uploading its files: %w", err)
		}
	}
	output, err := r.engine.ContainerAttach(ctx, id, client.ContainerAttachOptions{Stream: true, Stdout: true, Stderr: true})
	if err != nil {
		return nil, fmt.Errorf("attaching to its output: %w", err)
	}
	if _, err := r.engine.ContainerStart(ctx, id, client.ContainerStartOptions{}); err != nil {
		output.Close()
		return nil, err
	}
	return r.follow(ctx, l, id, output.HijackedResponse), nil
}

// chaincodeHost is what the engine is asked for with a chaincode's container. If that may not write, the engine refuses files for it except where a
// volume is; it is removed with the container.
func (r *Runtime) chaincodeHost(l *runtime.Launch) *container.HostConfig {
	if !r.host.ReadonlyRootfs || l.TLS == nil {
		return r.host
	}
	h := *r.host
	h.Mounts = []mount.Mount{{Type: mount.TypeVolume, Target: filesDir}}
	return &h
}

// tarOf packs the files of a launch, to be unpacked in root.
func tarOf(files map[string][]byte, root string) (*bytes.Buffer, error) {
	dir := strings.Trim(strings.TrimPrefix(filesDir, root), "/")
	var b bytes.Buffer
	t := tar.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		// Whoever the image's user is must be able to read them; nobody else is in the container.
		h := &tar.Header{Typeflag: tar.TypeReg, Name: path.Join(dir, name), Size: int64(len(files[name])), Mode: 0o644}
		if err := t.WriteHeader(h); err != nil {
			return nil, err
		}
		if _, err := t.Write(files[name]); err != nil {
			return nil, err
		}
	}
	return &b, t.Close()
}

// Sweep removes the containers that an earlier process of this peer left. After it has succeeded once it does nothing.
func (r *Runtime) Sweep(ctx context.Context) error {
	r.sweepMu.Lock()
	defer r.sweepMu.Unlock()
	if r.swept {
		return nil
	}
	left, err := r.engine.ContainerList(ctx, client.ContainerListOptions{
		All: true, Filters: client.Filters{}.Add("label", peerLabel+"="+r.o.owner()),
	})
	if err != nil {
		return fmt.Errorf("looking for containers that an earlier peer left: %w", err)
	}
	for _, c := range left.Items {
		err = errors.Join(err, r.remove(ctx, c.ID))
		r.o.BuildLog.Info("Removed a container that an earlier peer left", "names", c.Names)
	}
	r.swept = err == nil
	return err
}
