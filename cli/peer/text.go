package peer

import (
	"fmt"
	"strings"

	"github.com/heddleledger/heddle/wire/peerpb"
)

// responseText is a chaincode's response in the one-line form that Fabric's commands print and that scripts match on, such as
// `status:200 payload:"ok" `.
func responseText(r *peerpb.Response) string {
	if r == nil {
		return "<nil>"
	}
	var b strings.Builder
	if r.Status != 0 {
		fmt.Fprintf(&b, "status:%d ", r.Status)
	}
	if r.Message != "" {
		fmt.Fprintf(&b, "message:%s ", quote(r.Message))
	}
	if len(r.Payload) > 0 {
		fmt.Fprintf(&b, "payload:%s ", quote(string(r.Payload)))
	}
	return b.String()
}

// quote escapes bytes as the protobuf text format does: octal for what is not printable ASCII.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\r':
			b.WriteString(`\r`)
		case c == '\t':
			b.WriteString(`\t`)
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < 0x20 || c >= 0x7f:
			fmt.Fprintf(&b, `\%03o`, c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}
