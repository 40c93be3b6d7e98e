package differential

// kind is one way to be odd, or none.
type kind struct {
	name   string
	weight int
	level  int // from which level of application capabilities on it makes sense
	below  int // from which level on the real peer could not bear it; 0 for none
	make   func(*Generator) *draft
}

func (k *kind) draft(g *Generator) *draft {
	if g.level < k.level || k.below > 0 && g.level >= k.below {
		return nil
	}
	d := k.make(g)
	if d != nil {
		d.below = k.below
		if k.name != "" {
			d.kind = k.name
		}
	}
	return d
}

// kinds are all there are.
var kinds = join(
	[]kind{
		{name: "work", weight: 400, make: (*Generator).work},
		{name: "", weight: 120, make: (*Generator).mangled},
	},
	headerKinds, actionKinds, setKinds, endorserKinds, parameterKinds, privateKinds, deploymentKinds, systemKinds, innerKinds,
)

func join(lists ...[]kind) []kind {
	var all []kind
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}

// changed is a kind whose drafts are good ones but for one change.
func changed(name string, change func(*Generator, *draft)) kind {
	return kind{name: name, weight: 4, make: func(g *Generator) *draft {
		d := g.fresh(name)
		change(g, d)
		return d
	}}
}
