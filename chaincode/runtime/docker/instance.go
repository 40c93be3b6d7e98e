package docker

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/heddleledger/heddle/chaincode/runtime"
)

// lastLines is how much of a chaincode's last output an Exit tells.
const lastLines = 10

// drain is how long the rest of the output may take after the container has ended.
const drain = 2 * time.Second

// instance is a running container.
type instance struct {
	r      *Runtime
	id     string
	cancel context.CancelFunc // gives up waiting for the engine
	ended  chan struct{}      // closed when the container is gone
	exits  chan runtime.Exit
}

// follow stays with a started container until it has ended and is removed.
func (r *Runtime) follow(ctx context.Context, l *runtime.Launch, id string, attached client.HijackedResponse) *instance {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	i := &instance{r: r, id: id, cancel: cancel, ended: make(chan struct{}), exits: make(chan runtime.Exit, 1)}
	log := r.o.Log.With("chaincode", l.ID())
	emit := func(stream string) func(string) {
		return func(line string) {
			if r.o.VM.Docker.AttachStdout {
				log.Info(line, "stream", stream)
			}
		}
	}
	stdout, stderr := runtime.NewOutput(lastLines, emit("stdout")), runtime.NewOutput(lastLines, emit("stderr"))
	var copying sync.WaitGroup
	copying.Go(func() {
		_, _ = stdcopy.StdCopy(stdout, stderr, attached.Reader) // ends with the container, or when attached is closed
		stdout.Flush()
		stderr.Flush()
	})
	go func() {
		defer cancel()
		e := r.wait(ctx, id)
		late := time.AfterFunc(drain, attached.Close)
		copying.Wait()
		late.Stop()
		attached.Close()
		e.Stderr = stderr.Last()
		if err := r.remove(ctx, id); err != nil {
			log.Warn("A container stays", "error", err)
		}
		i.exits <- e
		close(i.exits)
		close(i.ended)
	}()
	return i
}

// wait returns when the container has ended.
func (r *Runtime) wait(ctx context.Context, id string) runtime.Exit {
	w := r.engine.ContainerWait(ctx, id, client.ContainerWaitOptions{Condition: container.WaitConditionNotRunning})
	select {
	case err := <-w.Error:
		return runtime.Exit{Code: -1, Err: fmt.Errorf("waiting for the container: %w", err)}
	case end := <-w.Result:
		e := runtime.Exit{Code: int(end.StatusCode)}
		if end.Error != nil {
			e.Err = fmt.Errorf("waiting for the container: %s", end.Error.Message)
		}
		if c, err := r.engine.ContainerInspect(ctx, id, client.ContainerInspectOptions{}); err == nil && c.Container.State != nil && c.Container.State.OOMKilled {
			e.Err = fmt.Errorf("it was killed for using more memory than vm.docker.hostConfig.Memory allows, %d bytes", r.host.Memory)
		}
		return e
	}
}

func (i *instance) Wait() <-chan runtime.Exit { return i.exits }

func (i *instance) Stop(ctx context.Context) error {
	kindly := make(chan error, 1)
	asking, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	go func() {
		grace := int(i.r.o.Grace / time.Second)
		_, err := i.r.engine.ContainerStop(asking, i.id, client.ContainerStopOptions{Timeout: &grace})
		kindly <- err
	}()
	select {
	case <-i.ended:
		return nil
	case err := <-kindly:
		if err == nil || isGone(err) {
			break
		}
		return i.force(ctx)
	case <-ctx.Done():
		return i.force(ctx)
	}
	select {
	case <-i.ended:
		return nil
	case <-ctx.Done():
		return i.force(ctx)
	}
}

// force removes the container whatever state it is in. If the engine does not do it, the container is left to the sweep of the next peer.
func (i *instance) force(ctx context.Context) error {
	err := i.r.remove(ctx, i.id)
	if err != nil {
		i.cancel()
	}
	<-i.ended
	return err
}
