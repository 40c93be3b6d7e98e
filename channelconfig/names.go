package channelconfig

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/heddleledger/heddle/wire/commonpb"
)

// maxID is how long the name of a channel or of a configuration element may be, in bytes.
const maxID = 249

var (
	channelName = regexp.MustCompile(`^[a-z][a-z0-9.-]*$`)
	elementName = regexp.MustCompile(`^[a-zA-Z0-9.-]+$`)
	brokerHost  = regexp.MustCompile(`^([a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9.-]*[a-zA-Z0-9])$`)
	brokerPort  = regexp.MustCompile(`^0*([0-9]{1,4}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])$`)
)

// CheckChannelID refuses names that a channel cannot have: they start with a lower-case letter and go on with lower-case letters, digits,
// dots and dashes, 249 bytes at most.
func CheckChannelID(id string) error {
	switch {
	case id == "":
		return errors.New("channel ID illegal, cannot be empty")
	case len(id) > maxID:
		return fmt.Errorf("channel ID illegal, cannot be longer than %d", maxID)
	case !channelName.MatchString(id):
		return fmt.Errorf("channel ID '%s' contains illegal characters", id)
	}
	return nil
}

// checkID refuses names that an element of the tree cannot have.
func checkID(id string) error {
	switch {
	case id == "":
		return errors.New("config ID illegal, cannot be empty")
	case len(id) > maxID:
		return fmt.Errorf("config ID illegal, cannot be longer than %d", maxID)
	case id == "." || id == "..":
		return fmt.Errorf("name '%s' for config ID is not allowed", id)
	case !elementName.MatchString(id):
		return fmt.Errorf("config ID '%s' contains illegal characters", id)
	}
	return nil
}

// checkModPolicy refuses names that cannot be a policy's.
func checkModPolicy(name string) error {
	if name == "" {
		return errors.New("mod_policy not set")
	}
	for i, part := range strings.Split(strings.TrimPrefix(name, "/"), "/") {
		if err := checkID(part); err != nil {
			return fmt.Errorf("path element at %d is invalid: %w", i, err)
		}
	}
	return nil
}

// checkKeys checks the name of every element below a group.
func checkKeys(group *commonpb.ConfigGroup) error {
	for _, key := range sortedKeys(group.GetGroups()) {
		if err := checkID(key); err != nil {
			return fmt.Errorf("Illegal characters in key: [Group]  %w", err)
		}
		if err := checkKeys(group.Groups[key]); err != nil {
			return err
		}
	}
	for _, key := range sortedKeys(group.GetValues()) {
		if err := checkID(key); err != nil {
			return fmt.Errorf("Illegal characters in key: [Value]  %w", err)
		}
	}
	for _, key := range sortedKeys(group.GetPolicies()) {
		if err := checkID(key); err != nil {
			return fmt.Errorf("Illegal characters in key: [Policy] %w", err)
		}
	}
	return nil
}
