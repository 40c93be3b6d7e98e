package channelconfig

import "github.com/heddleledger/heddle/wire/commonpb"

// Changes lists what an update sets, adds or removes, such as "[Value]  /Channel/Orderer/BatchSize": the elements whose version differs between
// its read set and its write set. An element that is removed shows as a change of its group.
func Changes(u *commonpb.ConfigUpdate) []string {
	var all []string
	changes(&all, &place{key: "Channel"}, u.GetReadSet(), u.GetWriteSet())
	return all
}

func changes(all *[]string, at *place, read, write *commonpb.ConfigGroup) {
	note := func(kind string, at *place, read, write element) {
		if changed(read, write) {
			*all = append(*all, kind+at.String())
		}
	}
	note(groupKind, at, read, write)
	for _, key := range sortedKeys(write.GetValues()) {
		note(valueKind, at.in(key), read.GetValues()[key], write.Values[key])
	}
	for _, key := range sortedKeys(write.GetPolicies()) {
		note(policyKind, at.in(key), read.GetPolicies()[key], write.Policies[key])
	}
	for _, key := range sortedKeys(write.GetGroups()) {
		changes(all, at.in(key), read.GetGroups()[key], write.Groups[key])
	}
}
