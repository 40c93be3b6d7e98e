package images

import (
	"encoding/xml"
	"fmt"
	"regexp"
)

// mavenSettings are what of Maven's settings.xml says how repositories are reached.
type mavenSettings struct {
	XMLName         xml.Name       `xml:"settings"`
	LocalRepository string         `xml:"localRepository,omitempty"`
	Proxies         []mavenProxy   `xml:"proxies>proxy"`
	Mirrors         *verbatim      `xml:"mirrors"`
	Profiles        []mavenProfile `xml:"profiles>profile"`
	ActiveProfiles  *verbatim      `xml:"activeProfiles"`
	PluginGroups    *verbatim      `xml:"pluginGroups"`
}

// mavenProxy is a proxy, without the name and the password it may ask for.
type mavenProxy struct {
	ID            string `xml:"id,omitempty"`
	Active        string `xml:"active,omitempty"`
	Protocol      string `xml:"protocol,omitempty"`
	Host          string `xml:"host"`
	Port          string `xml:"port,omitempty"`
	NonProxyHosts string `xml:"nonProxyHosts,omitempty"`
}

// mavenProfile is a profile without its properties, which are for a build to use in any way, as passwords too. Addresses of repositories that are
// made of such properties have to be written out for the image.
type mavenProfile struct {
	ID                 string    `xml:"id,omitempty"`
	Activation         *verbatim `xml:"activation"`
	Repositories       *verbatim `xml:"repositories"`
	PluginRepositories *verbatim `xml:"pluginRepositories"`
}

type verbatim struct {
	Content string `xml:",innerxml"`
}

func parseMavenSettings(raw []byte) (*mavenSettings, error) {
	s := &mavenSettings{}
	if err := xml.Unmarshal(raw, s); err != nil {
		return nil, fmt.Errorf("it is no settings.xml of Maven: %w", err)
	}
	return s, nil
}

var (
	inURL   = regexp.MustCompile(`//[^/\s"'<>@]*@`) // a name, perhaps with a password
	comment = regexp.MustCompile(`(?s)<!--.*?-->`)
)

// withoutSecrets are settings for an image: the servers, which are names and passwords, are gone, as are the properties of profiles, names and
// passwords in URLs, and comments. The repository is where Maven looks for it.
func (s *mavenSettings) withoutSecrets() (string, error) {
	image := *s
	image.XMLName, image.LocalRepository = xml.Name{Local: "settings"}, ""
	b, err := xml.MarshalIndent(&image, "", "  ")
	return inURL.ReplaceAllString(comment.ReplaceAllString(string(b), ""), "//") + "\n", err
}
