package bench

// Setting is what a peer has to do with while its rates are measured.
type Setting struct {
	Keys       int `json:"keys"`       // in the states of all channels together
	Block      int `json:"block"`      // transactions in a block
	Chaincodes int `json:"chaincodes"` // on each channel, called as often as each other
	Channels   int `json:"channels"`   // used as much as each other
	Signers    int `json:"signers"`    // clients, each with a key of its own, who send as much as each other
}

// Axis is one of the numbers of a Setting, which grows while the others stay.
type Axis struct {
	Name    string // as the field's in JSON
	Title   string // what there is more and more of
	Values  []int  // from the least to the most
	Endorse bool   // whether it concerns endorsing
	set     func(s *Setting, value int)
}

// Axes are what Growth can measure along. Those that are quick do no more than show that everything works.
func Axes(quick bool) []Axis {
	axes := []Axis{
		{"keys", "keys in the state", []int{10_000, 100_000, 1_000_000, 10_000_000}, true, func(s *Setting, v int) { s.Keys = v }},
		{"block", "transactions in a block", []int{1, 10, 100, 1000}, false, func(s *Setting, v int) { s.Block = v }},
		{"chaincodes", "chaincodes", []int{1, 5, 20, 50}, true, func(s *Setting, v int) { s.Chaincodes = v }},
		{"channels", "channels", []int{1, 2, 4, 8}, true, func(s *Setting, v int) { s.Channels = v }},
		{"signers", "distinct signers", []int{10, 100, 1000, 10_000}, true, func(s *Setting, v int) { s.Signers = v }},
	}
	if quick {
		for i, values := range [][]int{{100, 3000}, {1, 20}, {1, 3}, {1, 2}, {2, 20}} {
			axes[i].Values = values
		}
	}
	return axes
}

// base is where all axes meet.
func base(quick bool) Setting {
	if quick {
		return Setting{Keys: 200, Block: 10, Chaincodes: 1, Channels: 1, Signers: 3}
	}
	return Setting{Keys: 100_000, Block: 100, Chaincodes: 1, Channels: 1, Signers: 10}
}
