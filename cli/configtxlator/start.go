package configtxlator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/rs/cors"
	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/channelconfig"
	"github.com/heddleledger/heddle/channelconfig/deepjson"
	"github.com/heddleledger/heddle/comm"
	"github.com/heddleledger/heddle/wire/commonpb"
)

// maxBody bounds a request, in bytes.
const maxBody = comm.MaxMessageSize

func newStart() *cobra.Command {
	var host string
	var port int
	var origins []string
	cmd := &cobra.Command{
		Use: "start", Short: "Serve the other commands over HTTP", Args: cobra.NoArgs,
		Long: `Start a server that does over HTTP what the other commands do on files:

  POST /protolator/encode/<type>                   JSON in, protobuf out
  POST /protolator/decode/<type>                   protobuf in, JSON out
  POST /configtxlator/compute/update-from-configs  form fields channel, original, updated; the update out
  POST /configtxlator/config/verify                a common.Config in; what is wrong or odd with it out, as JSON`,
		Example: "  configtxlator start --hostname 127.0.0.1 --port 7059\n  curl --data-binary @config.pb http://127.0.0.1:7059/protolator/decode/common.Config",
		RunE: func(cmd *cobra.Command, _ []string) error {
			address := net.JoinHostPort(host, strconv.Itoa(port))
			l, err := net.Listen("tcp", address)
			if err != nil {
				return runError{fmt.Errorf("Could not bind to address '%s': %w", address, err)}
			}
			with := ""
			if len(origins) > 0 {
				with = fmt.Sprintf(" with CORS %v", origins)
			}
			cmd.PrintErrf("Serving HTTP requests on %s%s\n", l.Addr(), with)
			if err := serve(cmd.Context(), l, origins); err != nil {
				return runError{err}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&host, "hostname", "0.0.0.0", "The hostname or IP on which the REST server will listen")
	cmd.Flags().StringArrayVar(&origins, "CORS", nil, "Allowable CORS domains, e.g. '*' or 'www.example.com' (may be repeated).")
	cmd.Flags().IntVar(&port, "port", 7059, "The port on which the REST server will listen")
	return cmd
}

// serve answers until ctx ends. Pages of the given origins may ask too.
func serve(ctx context.Context, l net.Listener, origins []string) error {
	h := handler()
	if len(origins) > 0 {
		h = cors.New(cors.Options{AllowedOrigins: origins, AllowedMethods: []string{http.MethodPost}, AllowedHeaders: []string{"Content-Type"}}).Handler(h)
	}
	s := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
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
	mux.HandleFunc("POST /configtxlator/config/verify", verify)
	return mux
}

func translate(w http.ResponseWriter, r *http.Request, convert func(string, []byte) ([]byte, error), contentType string) {
	if _, err := deepjson.New(r.PathValue("type")); err != nil {
		http.Error(w, "message name not found", http.StatusNotFound)
		return
	}
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
			http.Error(w, fmt.Sprintf("Error with field '%s': error reading field bytes: %s", field, err), http.StatusBadRequest)
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

func verify(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	config := &commonpb.Config{}
	if err := proto.Unmarshal(body, config); err != nil {
		http.Error(w, "Error unmarshaling data to common.Config': "+err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(channelconfig.CheckSanity(config))
}

func formFile(r *http.Request, field string) ([]byte, error) {
	f, _, err := r.FormFile(field)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}
