package peer

import (
	"fmt"
	"io"
	"text/tabwriter"

	"google.golang.org/protobuf/proto"

	"github.com/heddleledger/heddle/chaincode/pack"
	"github.com/heddleledger/heddle/policy"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// maxChanges is how many differing files are listed, so that what was found out stays on a screen.
const maxChanges = 25

// print writes the explanation for people.
func (e *explanation) print(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	defer t.Flush()
	fmt.Fprintf(t, "Chaincode %s on channel %s, as peer %s knows it\n", e.name, e.channel, e.peer)
	e.printDefinition(t)
	e.printInstalled(t)
	if e.checks != nil {
		fmt.Fprintf(t, "\nChecks of the installed %s:%s against the channel\n", e.name, e.version)
		printChecks(t, e.checks, "installed")
	}
	if e.other != nil {
		e.printOther(t)
	}
}

func (e *explanation) printDefinition(w io.Writer) {
	fmt.Fprintln(w, "\nInstantiated")
	d := e.definition
	if d == nil {
		fmt.Fprintf(w, "  no\t%s\n", e.undefined)
		return
	}
	fingerprint := &peerpb.CDSData{}
	_ = proto.Unmarshal(d.Data, fingerprint) // an unreadable one prints as none, and the checks say so
	for _, field := range [][2]string{
		{"version", d.Version},
		{"endorsement policy", policyText(d.Policy)},
		{"escc, vscc", d.Escc + ", " + d.Vscc},
		{"instantiation policy", policyText(d.InstantiationPolicy)},
		{"code hash", hexText(fingerprint.Hash)},
		{"metadata hash", hexText(fingerprint.Metadatahash)},
		{"signature hash", hexText(fingerprint.Signaturehash)},
		{"id", hexText(d.Id)},
	} {
		fmt.Fprintf(w, "  %s\t%s\n", field[0], field[1])
	}
}

func (e *explanation) printInstalled(w io.Writer) {
	fmt.Fprintln(w, "\nInstalled on the peer")
	switch {
	case e.unlisted != "":
		fmt.Fprintf(w, "  not told\t%s\n", e.unlisted)
	case len(e.installed) == 0:
		fmt.Fprintf(w, "  nothing of that name\tinstall the package that the channel was instantiated from: peer chaincode install FILE\n")
	}
	for _, i := range e.installed {
		mark := ""
		if i.Version == e.version {
			mark = "  <- this one is checked"
		}
		fmt.Fprintf(w, "  %s:%s\t%s  source path %s%s\n", i.Name, i.Version, hexText(i.Id), i.Path, mark)
	}
}

// printChecks has both values of a check where they differ, and the one value where they are equal. whose is the second value's owner.
func printChecks(w io.Writer, checks []pack.Comparison, whose string) {
	for _, c := range checks {
		switch c.Verdict {
		case pack.Same:
			fmt.Fprintf(w, "  %s\t%s\t%s\n", c.What, c.Verdict, c.Channel)
		case pack.Unchecked:
			fmt.Fprintf(w, "  %s\t%s\tchannel %s, %s %s\n", c.What, c.Verdict, c.Channel, whose, c.Installed)
		default:
			fmt.Fprintf(w, "  %s\t%s\tchannel %s\n\t\t%s %s\n", c.What, c.Verdict, c.Channel, whose, c.Installed)
		}
	}
}

// printOther compares with the package that --against names.
func (e *explanation) printOther(w io.Writer) {
	o := e.other
	fmt.Fprintf(w, "\nChecks of the %s:%s of %s against the channel (source path %s)\n", o.print.Name, o.print.Version, o.label, o.path)
	printChecks(w, o.checks, "there")
	fmt.Fprintf(w, "\nFiles: from the peer's package to that of %s\n", o.label)
	switch {
	case e.found == nil:
		fmt.Fprintln(w, "  cannot be compared: the peer has no such package")
		return
	case e.found.code == nil:
		fmt.Fprintln(w, "  cannot be compared: the peer does not hand out a package that is not the channel's; give the files to compare with --against, one after the other, at a peer that has the right one")
		return
	case o.same:
		fmt.Fprintln(w, "  the code packages are the same, byte for byte")
		return
	case o.opaque != nil:
		fmt.Fprintf(w, "  cannot be compared: %s\n", o.opaque)
		return
	case len(o.changes) == 0:
		fmt.Fprintln(w, "  all files are the same; the archives differ in the order of the files or in compression: they were made by different tools")
		return
	}
	if e.found.path != o.path {
		fmt.Fprintf(w, "  source path\t%s, there %s (it is part of the files' names, and so of the code hash)\n", e.found.path, o.path)
	}
	for i, c := range o.changes {
		if i == maxChanges {
			fmt.Fprintf(w, "  and %d more\n", len(o.changes)-maxChanges)
			break
		}
		fmt.Fprintf(w, "  %s\t%s\t%s\n", c.Kind, c.Name, c.Note)
	}
}

// policyText is an encoded policy in the policy language.
func policyText(raw []byte) string {
	if len(raw) == 0 {
		return "none"
	}
	p := &commonpb.SignaturePolicyEnvelope{}
	if err := proto.Unmarshal(raw, p); err != nil {
		return fmt.Sprintf("unreadable: %s", err)
	}
	return policy.Format(p)
}

func hexText(b []byte) string {
	if len(b) == 0 {
		return "none"
	}
	return fmt.Sprintf("%x", b)
}
