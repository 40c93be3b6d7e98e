package logging

import (
	"io"
	"strings"
)

// FromEnv is New with the format and specification that FABRIC_LOGGING_FORMAT and FABRIC_LOGGING_SPEC have in env ("KEY=value").
func FromEnv(w io.Writer, env []string) (*Logs, error) {
	var format, spec string
	for _, v := range env {
		switch name, value, _ := strings.Cut(v, "="); name {
		case "FABRIC_LOGGING_FORMAT":
			format = value
		case "FABRIC_LOGGING_SPEC":
			spec = value
		}
	}
	return New(w, format, spec)
}
