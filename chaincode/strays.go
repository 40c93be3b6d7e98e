package chaincode

import (
	"fmt"
	"time"

	"github.com/heddleledger/heddle/wire/peerpb"
)

// maxStrays is how many messages that serve no transaction a chaincode may send in a second. Some are normal: keepalives, and what it says
// about transactions that have timed out.
const maxStrays = 5000

// strays counts messages that serve no transaction.
type strays struct {
	count int
	since time.Time
}

// tolerates counts a stray message and tells whether the stream goes on: one that is flooded ends.
func (h *handler) tolerates(m *peerpb.ChaincodeMessage) bool {
	if now := time.Now(); now.Sub(h.strays.since) > time.Second {
		h.strays = strays{since: now}
	}
	if h.strays.count++; h.strays.count <= maxStrays {
		return true
	}
	h.end(&misbehaviour{"flooded", fmt.Errorf("chaincode %s floods its stream: more than %d messages in a second that serve no transaction, lastly %s",
		h.id, maxStrays, m.Type)})
	return false
}
