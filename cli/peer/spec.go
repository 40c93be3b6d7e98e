package peer

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/heddleledger/heddle/policy"
	"github.com/heddleledger/heddle/wire"
	"github.com/heddleledger/heddle/wire/commonpb"
	"github.com/heddleledger/heddle/wire/peerpb"
)

// chaincodeFlags are the flags by which chaincode commands name a chaincode and what to do with it.
type chaincodeFlags struct {
	name, version, path, lang, ctor string
	channel                         string
	policy, escc, vscc, collections string
}

// noArgs is the -c of a command that was given none.
const noArgs = "{}"

// named refuses a command that does not say which chaincode it means.
func (f *chaincodeFlags) named() error {
	if f.name == "" {
		return usageError{errors.New("must supply value for chaincode name parameter")}
	}
	return nil
}

// versioned refuses a command that does not say which chaincode and which version of it it means.
func (f *chaincodeFlags) versioned(command string) error {
	if err := f.named(); err != nil {
		return err
	}
	if f.version == "" {
		return usageError{fmt.Errorf("chaincode version is not provided for %s", command)}
	}
	return nil
}

// onChannel refuses a command that does not say which channel it means.
func (f *chaincodeFlags) onChannel() error {
	if f.channel == "" {
		return usageError{errors.New("The required parameter 'channelID' is empty. Rerun the command with -C flag")}
	}
	return nil
}

// args reads -c: {"Args":["f","x"]} or {"Function":"f","Args":["x"]}, keys in any case.
func (f *chaincodeFlags) args() ([][]byte, error) {
	const keys = "JSON chaincode parameters must contain the following keys: 'Args' or 'Function' and 'Args'"
	if f.ctor == noArgs {
		return nil, usageError{errors.New("empty " + keys)}
	}
	fields := map[string]json.RawMessage{}
	if err := json.Unmarshal([]byte(f.ctor), &fields); err != nil {
		return nil, usageError{fmt.Errorf("chaincode argument error: %w", err)}
	}
	folded := map[string]json.RawMessage{}
	for k, v := range fields {
		folded[strings.ToLower(k)] = v
	}
	rawArgs, hasArgs := folded["args"]
	rawFunction, hasFunction := folded["function"]
	if !hasArgs || len(fields) > 2 || len(fields) == 2 && !hasFunction {
		return nil, usageError{errors.New("non-empty " + keys)}
	}
	var args []string
	if err := json.Unmarshal(rawArgs, &args); err != nil {
		return nil, fmt.Errorf("chaincode argument error: %w", err)
	}
	if hasFunction {
		var function string
		if err := json.Unmarshal(rawFunction, &function); err != nil {
			return nil, fmt.Errorf("chaincode argument error: %w", err)
		}
		args = append([]string{function}, args...)
	}
	input := make([][]byte, len(args))
	for i, a := range args {
		input[i] = []byte(a)
	}
	return input, nil
}

// optionalArgs is args for commands that need none.
func (f *chaincodeFlags) optionalArgs() ([][]byte, error) {
	if f.ctor == noArgs {
		return nil, nil
	}
	return f.args()
}

// language reads -l. As in Fabric an unknown one is the undefined type, which the peer refuses by name.
func (f *chaincodeFlags) language() peerpb.ChaincodeSpec_Type {
	return peerpb.ChaincodeSpec_Type(peerpb.ChaincodeSpec_Type_value[strings.ToUpper(f.lang)])
}

// endorsementPolicy reads -P; nil where it was not given.
func (f *chaincodeFlags) endorsementPolicy() ([]byte, error) {
	if f.policy == "" {
		return nil, nil
	}
	p, err := policy.Parse(f.policy)
	if err != nil {
		return nil, usageError{fmt.Errorf("invalid policy %s: %w", f.policy, err)}
	}
	return wire.Marshal(p)
}

// collection is one entry of the file that --collections-config names.
type collection struct {
	Name              string `json:"name"`
	Policy            string `json:"policy"`
	RequiredPeerCount int32  `json:"requiredPeerCount"`
	MaxPeerCount      int32  `json:"maxPeerCount"`
	BlockToLive       uint64 `json:"blockToLive"`
	MemberOnlyRead    bool   `json:"memberOnlyRead"`
}

// collectionPackage reads the file that --collections-config names; nil where the flag was not given.
func (f *chaincodeFlags) collectionPackage() ([]byte, error) {
	if f.collections == "" {
		return nil, nil
	}
	pkg, err := readCollections(f.collections)
	if err != nil {
		return nil, usageError{fmt.Errorf("invalid collection configuration in file %s: %w", f.collections, err)}
	}
	return wire.Marshal(pkg)
}

func readCollections(file string) (*commonpb.CollectionConfigPackage, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("could not read file '%s': %w", file, err)
	}
	var collections []collection
	if err := json.Unmarshal(raw, &collections); err != nil {
		return nil, fmt.Errorf("could not parse the collection configuration: %w", err)
	}
	pkg := &commonpb.CollectionConfigPackage{}
	for _, c := range collections {
		members, err := policy.Parse(c.Policy)
		if err != nil {
			return nil, fmt.Errorf("invalid policy %s: %w", c.Policy, err)
		}
		pkg.Config = append(pkg.Config, &commonpb.CollectionConfig{Payload: &commonpb.CollectionConfig_StaticCollectionConfig{
			StaticCollectionConfig: &commonpb.StaticCollectionConfig{
				Name: c.Name,
				MemberOrgsPolicy: &commonpb.CollectionPolicyConfig{
					Payload: &commonpb.CollectionPolicyConfig_SignaturePolicy{SignaturePolicy: members},
				},
				RequiredPeerCount: c.RequiredPeerCount,
				MaximumPeerCount:  c.MaxPeerCount,
				BlockToLive:       c.BlockToLive,
				MemberOnlyRead:    c.MemberOnlyRead,
			},
		}})
	}
	return pkg, nil
}
