package node

import (
	"fmt"
	"time"

	"github.com/heddleledger/heddle/config"
	"github.com/heddleledger/heddle/endorser"
	"github.com/heddleledger/heddle/plugin"
)

// handlers are what peer.handlers names.
type handlers struct {
	filters      []plugin.AuthFilter
	decorators   []plugin.Decorator
	endorsements map[string]plugin.Endorsement
	validations  map[string]plugin.Validation
}

// fabricHandlers are those that Fabric names.
func fabricHandlers(conf *config.Peer) plugin.Registry {
	return plugin.Registry{
		AuthFilters: map[string]plugin.AuthFilter{
			"DefaultAuth":     plugin.DefaultAuth{},
			"ExpirationCheck": endorser.ExpirationCheck{Now: time.Now},
			"TimeWindowCheck": endorser.TimeWindowCheck{Now: time.Now, Window: conf.Authentication.TimeWindow},
		},
		Decorators:   map[string]plugin.Decorator{"DefaultDecorator": plugin.DefaultDecorator{}},
		Endorsements: map[string]plugin.Endorsement{"DefaultEndorsement": plugin.DefaultEndorsement{}},
		Validations:  map[string]plugin.Validation{"DefaultValidation": plugin.DefaultValidation{}},
	}
}

// findHandlers looks the configured names up: among what the build has, then among Fabric's.
func findHandlers(conf *config.Peer, own plugin.Registry) (h handlers, err error) {
	fabric, named := fabricHandlers(conf), &conf.Handlers
	if h.filters, err = findAll("authFilters", named.AuthFilters, own.AuthFilters, fabric.AuthFilters); err != nil {
		return h, err
	}
	if h.decorators, err = findAll("decorators", named.Decorators, own.Decorators, fabric.Decorators); err != nil {
		return h, err
	}
	if h.endorsements, err = findEach("endorsers", named.Endorsers, own.Endorsements, fabric.Endorsements); err != nil {
		return h, err
	}
	h.validations, err = findEach("validators", named.Validators, own.Validations, fabric.Validations)
	return h, err
}

func findAll[H any](kind string, named []config.Handler, own, fabric map[string]H) ([]H, error) {
	found := make([]H, len(named))
	for i, n := range named {
		var err error
		if found[i], err = find(kind, n.Name, own, fabric); err != nil {
			return nil, err
		}
	}
	return found, nil
}

func findEach[H any](kind string, named map[string]config.Handler, own, fabric map[string]H) (map[string]H, error) {
	found := make(map[string]H, len(named))
	for key, n := range named {
		var err error
		if found[key], err = find(kind, n.Name, own, fabric); err != nil {
			return nil, err
		}
	}
	return found, nil
}

func find[H any](kind, name string, own, fabric map[string]H) (H, error) {
	if h, ok := own[name]; ok {
		return h, nil
	}
	h, ok := fabric[name]
	if !ok {
		return h, fmt.Errorf("peer.handlers.%s names %s, which is not compiled into this peer; see package plugin", kind, name)
	}
	return h, nil
}
