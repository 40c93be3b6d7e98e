package peer

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/heddleledger/heddle/client"
	"github.com/heddleledger/heddle/client/explain"
	"github.com/heddleledger/heddle/policy"
)

// maxLines is how many keys of one kind are listed; --json has all of them.
const maxLines = 50

// printTransaction writes an explanation for people.
func printTransaction(w io.Writer, t *explain.Transaction) {
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	defer out.Flush()
	fmt.Fprintf(out, "Transaction %s on channel %s\n", client.Printable(t.TxID), client.Printable(t.Channel))
	row(out, "type", t.Type)
	row(out, "block", fmt.Sprintf("%d, transaction %d of %d", t.Block, t.Index, t.Transactions))
	if !t.Time.IsZero() {
		row(out, "time", t.Time.Format(time.RFC3339Nano)+" by its creator's clock")
	}
	row(out, "code", t.Code)
	row(out, "reason", t.Reason)
	if t.Doubt != "" {
		row(out, "not certain", t.Doubt)
	}
	if t.Unreadable != "" {
		row(out, "unreadable", t.Unreadable)
	}
	if t.Policy != nil {
		heading(out, "Endorsement policy")
		printRule(out, t.Policy.Policy, "  ")
		for _, s := range t.Policy.Signers {
			if s.Problem != "" {
				row(out, "does not count", s.String()+": "+s.Problem)
			}
		}
	}
	if t.Creator != nil {
		heading(out, "Proposed by")
		printIdentity(out, "", *t.Creator)
	}
	printCall(out, t)
	if len(t.Endorsements) > 0 {
		heading(out, "Endorsed by")
	}
	for _, e := range t.Endorsements {
		verdict := "good"
		if !e.Good {
			verdict = "bad signature"
		}
		printIdentity(out, verdict, e.Identity)
	}
	for _, n := range t.Namespaces {
		printNamespace(out, n)
	}
	if t.Config != nil {
		printConfig(out, t.Config)
	}
}

func heading(w io.Writer, text string) { fmt.Fprintf(w, "\n%s\n", client.Printable(text)) }

// row prints a line of cells. Whatever comes from a transaction is printed by it, by heading or by printRule: they mask what a terminal would act on.
func row(w io.Writer, name string, values ...any) {
	line := "  " + client.Printable(name)
	for _, v := range values {
		line += "\t" + client.Printable(fmt.Sprint(v))
	}
	fmt.Fprintln(w, line)
}

func printRule(w io.Writer, o *policy.Outcome, indent string) {
	mark := "✗"
	if o.Satisfied {
		mark = "✓"
	}
	line := indent + mark + " " + client.Printable(o.Text())
	if v := o.Verdict(); v != "" {
		line += "\t" + client.Printable(v)
	}
	fmt.Fprintln(w, line)
	for _, r := range o.Rules {
		printRule(w, r, indent+"  ")
	}
}

func printIdentity(w io.Writer, verdict string, i explain.Identity) {
	if verdict == "" {
		verdict = strings.TrimSpace(i.MSPID + " " + i.Role)
	} else {
		verdict += ": " + strings.TrimSpace(i.MSPID+" "+i.Role)
	}
	row(w, verdict, i.Subject)
	if i.Serial != "" {
		row(w, "", fmt.Sprintf("certificate %s of %s, valid until %s", i.Serial, i.Issuer, i.Until.Format(time.RFC3339)))
	}
	if i.Problem != "" {
		row(w, "", "not accepted: "+i.Problem)
	}
}

// printCall prints what was asked of the chaincode, and what it answered.
func printCall(w io.Writer, t *explain.Transaction) {
	if t.Chaincode == nil && len(t.Args) == 0 {
		return
	}
	heading(w, "Chaincode")
	if t.Chaincode != nil {
		row(w, "called", t.Chaincode.Name+":"+t.Chaincode.Version)
	}
	if d := t.Deployment; d != nil {
		row(w, "function", t.Args[0])
		row(w, "defines", d.Name+":"+d.Version)
		if d.Policy != "" {
			row(w, "policy", d.Policy)
		}
		row(w, "init", d.Init)
	} else {
		row(w, "arguments", t.Args)
	}
	if r := t.Response; r != nil {
		row(w, "status", r.Status)
		if r.Message != "" {
			row(w, "message", r.Message)
		}
		row(w, "payload", r.Payload)
	}
	if t.Event != nil {
		row(w, "event", fmt.Sprintf("%s %s", t.Event.Name, t.Event.Payload))
	}
}

func printNamespace(w io.Writer, n explain.Namespace) {
	heading(w, "State of chaincode "+n.Chaincode)
	printReads(w, "read", n.Reads)
	for _, q := range n.Queries {
		results := fmt.Sprintf("%d results", len(q.Results))
		if q.Hashed {
			results = "many results, of which only hashes are recorded"
		}
		row(w, "range query", fmt.Sprintf("%q to %q: %s", q.Start, q.End, results))
		printReads(w, "", q.Results)
	}
	printWrites(w, n.Writes)
	printMetadata(w, n.Metadata)
	for _, c := range n.Collections {
		heading(w, fmt.Sprintf("Collection %s of chaincode %s, in hashes", c.Name, n.Chaincode))
		printReads(w, "read", c.Reads)
		printWrites(w, c.Writes)
		printMetadata(w, c.Metadata)
	}
}

func printReads(w io.Writer, what string, all []explain.Read) {
	each(w, all, func(r explain.Read) {
		version := "version " + r.Version
		if r.Version == "" {
			version = "no such key"
		}
		row(w, what, strconv.Quote(r.Key), version)
	})
}

func printWrites(w io.Writer, all []explain.Write) {
	each(w, all, func(x explain.Write) {
		if x.Deleted {
			row(w, "deleted", strconv.Quote(x.Key))
		} else {
			row(w, "written", strconv.Quote(x.Key), x.Value)
		}
	})
}

func printMetadata(w io.Writer, all []explain.Metadata) {
	each(w, all, func(m explain.Metadata) {
		if m.Policy != "" {
			row(w, "key policy", strconv.Quote(m.Key), m.Policy)
		}
		if m.Policy == "" || len(m.Entries) > 0 {
			row(w, "metadata", strconv.Quote(m.Key), m.Entries)
		}
	})
}

func each[T any](w io.Writer, all []T, print func(T)) {
	for i, x := range all {
		if i == maxLines {
			row(w, "…", fmt.Sprintf("and %d more; --json has all", len(all)-i))
			return
		}
		print(x)
	}
}

func printConfig(w io.Writer, c *explain.Config) {
	heading(w, "Configuration")
	row(w, "sequence", c.Sequence)
	each(w, c.Changes, func(change string) { row(w, "changed", change) })
	for _, s := range c.Signers {
		printIdentity(w, "signed", s)
	}
}
