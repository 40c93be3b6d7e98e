package cryptogen

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/heddleledger/heddle/template"
)

// Config is crypto-config.yaml.
type Config struct {
	OrdererOrgs []Org `yaml:"OrdererOrgs"`
	PeerOrgs    []Org `yaml:"PeerOrgs"`

	// Warnings are the keys that mean nothing, each with its line. Fabric passes over them in silence.
	Warnings []string `yaml:"-"`
	// Now is the clock that certificates are dated by; nil is time.Now.
	Now func() time.Time `yaml:"-"`
}

// Org is one organization.
type Org struct {
	Name          string       `yaml:"Name"`
	Domain        string       `yaml:"Domain"`
	EnableNodeOUs bool         `yaml:"EnableNodeOUs"`
	CA            Node         `yaml:"CA"`
	Template      NodeTemplate `yaml:"Template"`
	Specs         []Node       `yaml:"Specs"`
	Users         Users        `yaml:"Users"`
}

// NodeTemplate makes Count nodes, numbered from Start, whose host names Hostname gives (by default peer0, orderer0, …).
type NodeTemplate struct {
	Count    int      `yaml:"Count"`
	Start    int      `yaml:"Start"`
	Hostname string   `yaml:"Hostname"`
	SANS     []string `yaml:"SANS"`
}

// Node is one host, or an organization's CA. The subject fields count for CAs, whose certificates pass them on to those
// they sign.
type Node struct {
	Hostname           string   `yaml:"Hostname"`
	CommonName         string   `yaml:"CommonName"`
	Country            string   `yaml:"Country"`
	Province           string   `yaml:"Province"`
	Locality           string   `yaml:"Locality"`
	OrganizationalUnit string   `yaml:"OrganizationalUnit"`
	StreetAddress      string   `yaml:"StreetAddress"`
	PostalCode         string   `yaml:"PostalCode"`
	SANS               []string `yaml:"SANS"`
}

// Users says how many users (User1, User2, …) there are besides Admin. Orderer organizations have none.
type Users struct {
	Count int `yaml:"Count"`
}

// maxNodes is the most nodes or users of one organization; more is a slip of the hand.
const maxNodes = 10000

// Parse reads crypto-config.yaml. Keys that mean nothing end up in Warnings.
func Parse(text []byte) (*Config, error) {
	var c Config
	decoder := yaml.NewDecoder(strings.NewReader(string(text)))
	decoder.KnownFields(true)
	err := decoder.Decode(&c)
	var unknown *yaml.TypeError
	if errors.As(err, &unknown) {
		c = Config{Warnings: unknown.Errors}
		err = yaml.Unmarshal(text, &c)
	}
	if err != nil {
		return nil, fmt.Errorf("Error Unmarshaling YAML: %w", err)
	}
	return &c, nil
}

// rendered returns the organization with its templates filled in: Template turned into Specs, names and SANs complete.
func (o Org) rendered(prefix string) (Org, error) {
	if o.Domain == "" {
		return o, fmt.Errorf("organization %q has no Domain", o.Name)
	}
	if o.Template.Count > maxNodes || o.Users.Count > maxNodes {
		return o, fmt.Errorf("organization %s: a Count is more than %d", o.Domain, maxNodes)
	}
	specs := append([]Node(nil), o.Specs...)
	for i := range o.Template.Count {
		host, err := fill(o.Template.Hostname, "{{.Prefix}}{{.Index}}", struct {
			Prefix string
			Index  int
			Domain string
		}{prefix, i + o.Template.Start, o.Domain})
		if err != nil {
			return o, err
		}
		specs = append(specs, Node{Hostname: host, SANS: o.Template.SANS})
	}
	o.Specs = specs
	for i := range o.Specs {
		if err := o.Specs[i].render(o.Domain); err != nil {
			return o, err
		}
	}
	if o.CA.Hostname == "" {
		o.CA.Hostname = "ca"
	}
	if err := o.CA.render(o.Domain); err != nil {
		return o, err
	}
	return o, checkName(o.Domain)
}

func (n *Node) render(domain string) error {
	names := struct{ Hostname, Domain, CommonName string }{Hostname: n.Hostname, Domain: domain}
	var err error
	if n.CommonName, err = fill(n.CommonName, "{{.Hostname}}.{{.Domain}}", names); err != nil {
		return err
	}
	names.CommonName = n.CommonName
	sans := []string{n.CommonName, n.Hostname}
	for _, text := range n.SANS {
		san, err := fill(text, "", names)
		if err != nil {
			return err
		}
		sans = append(sans, san)
	}
	n.SANS = sans
	return checkName(n.CommonName)
}

// checkName refuses a name that is not one element of a path.
func checkName(name string) error {
	if name == "" || name != filepath.Base(name) || !filepath.IsLocal(name) || strings.ContainsAny(name, `/\`) {
		return fmt.Errorf("%q cannot be the name of a directory", name)
	}
	return nil
}

func fill(text, byDefault string, data any) (string, error) {
	if text == "" {
		text = byDefault
	}
	t, err := template.Parse("name", text, nil)
	if err != nil {
		return "", fmt.Errorf("Error parsing template: %w", err)
	}
	filled, err := t.Execute(data)
	if err != nil {
		return "", fmt.Errorf("Error executing template: %w", err)
	}
	return filled, nil
}
