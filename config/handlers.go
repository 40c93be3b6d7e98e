package config

// Handlers names what a proposal, and a transaction, passes through: Fabric's own handlers, and those that a build of one's own registers.
type Handlers struct {
	AuthFilters []Handler          `key:"authFilters"`
	Decorators  []Handler          `key:"decorators"`
	Endorsers   map[string]Handler `key:"endorsers"`  // by the name that a chaincode's definition has for it
	Validators  map[string]Handler `key:"validators"` // likewise
}

// Handler is one entry of Handlers.
type Handler struct {
	Name    string `key:"name"`
	Library string `key:"library"` // a shared object, in Fabric
}

// HandlerNames are the handlers, by kind, that a build has beyond Fabric's own.
type HandlerNames struct {
	AuthFilters, Decorators, Endorsers, Validators []string
}
