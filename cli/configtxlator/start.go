package configtxlator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/heddleledger/heddle/comm"
)

// maxBody bounds a request, in bytes.
const maxBody = comm.MaxMessageSize

func newStart() *cobra.Command {
	var host string
	var port int
	cmd := &cobra.Command{
		Use: "start", Short: "Start the configtxlator REST server", Args: cobra.NoArgs,
		Long: `Start a server that does over HTTP what the other commands do on files:

  POST /protolator/encode/<type>                   JSON in, protobuf out
  POST /protolator/decode/<type>                   protobuf in, JSON out
  POST /configtxlator/compute/update-from-configs  form fields channel, original, updated; the update out`,
		Example: "  configtxlator start --hostname 127.0.0.1 --port 7059\n  curl --data-binary @config.pb http://127.0.0.1:7059/protolator/decode/common.Config",
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
			if err != nil {
				return runError{err}
			}
			cmd.PrintErrf("Serving HTTP requests on %s\n", l.Addr())
			if err := serve(cmd.Context(), l); err != nil {
				return runError{err}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&host, "hostname", "0.0.0.0", "The hostname or IP on which the REST server will listen")
	cmd.Flags().IntVar(&port, "port", 7059, "The port on which the REST server will listen")
	return cmd
}

// serve answers until ctx ends.
func serve(ctx context.Context, l net.Listener) error {
	s := &http.Server{Handler: handler(), ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() { _ = s.Close() })
	defer stop()
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /protolator/encode/{type}", func(w http.ResponseWriter, r *http.Request) {
		translate(w, r, encode, "application/octet-stream")
	})
	mux.HandleFunc("POST /protolator/decode/{type}", func(w http.ResponseWriter, r *http.Request) {
		translate(w, r, decode, "application/json")
	})
	mux.HandleFunc("POST /configtxlator/compute/update-from-configs", computeFromForm)
	return mux
}

func translate(w http.ResponseWriter, r *http.Request, convert func(string, []byte) ([]byte, error), contentType string) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err == nil {
		body, err = convert(r.PathValue("type"), body)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", contentType)
	_, _ = w.Write(body)
}

func computeFromForm(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	var configs [2][]byte
	for i, field := range []string{"original", "updated"} {
		var err error
		if configs[i], err = formFile(r, field); err != nil {
			http.Error(w, fmt.Sprintf("Error with field '%s': %s", field, err), http.StatusBadRequest)
			return
		}
	}
	update, err := compute(r.FormValue("channel"), configs[0], configs[1])
	if err != nil {
		http.Error(w, "Error computing update: "+err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	_, _ = w.Write(update)
}

func formFile(r *http.Request, field string) ([]byte, error) {
	f, _, err := r.FormFile(field)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}
