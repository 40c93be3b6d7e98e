package java

import (
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/heddleledger/heddle/chaincode/platform/tool"
)

// ProxyEnv tells Maven and Gradle of the proxies that the environment env names, for Java itself does not look there: MAVEN_OPTS and GRADLE_OPTS
// with the properties that do tell it, in front of what these variables hold in env. Nothing if env names no proxy.
func ProxyEnv(env []string) []string {
	properties := proxyProperties(env)
	if len(properties) == 0 {
		return nil
	}
	var extended []string
	for _, name := range []string{"MAVEN_OPTS", "GRADLE_OPTS"} {
		options := properties
		if own := tool.Getenv(env, name); own != "" {
			options = append(slices.Clone(properties), own)
		}
		extended = append(extended, name+"="+strings.Join(options, " "))
	}
	return extended
}

func proxyProperties(env []string) []string {
	var properties []string
	for _, scheme := range []string{"http", "https"} {
		proxy := either(env, scheme+"_proxy")
		if proxy != "" && !strings.Contains(proxy, "://") {
			proxy = "http://" + proxy
		}
		u, err := url.Parse(proxy)
		if err != nil || u.Hostname() == "" {
			continue
		}
		port := u.Port()
		if port == "" {
			port = "80"
		}
		properties = append(properties, "-D"+scheme+".proxyHost="+u.Hostname(), "-D"+scheme+".proxyPort="+port)
		if password, ok := u.User.Password(); ok && !strings.ContainsAny(u.User.Username()+password, " \t\n") {
			properties = append(properties, "-D"+scheme+".proxyUser="+u.User.Username(), "-D"+scheme+".proxyPassword="+password)
		}
	}
	if direct := directHosts(either(env, "no_proxy")); len(properties) > 0 && direct != "" {
		properties = append(properties, "-Dhttp.nonProxyHosts="+direct) // https keeps to it as well
	}
	return properties
}

// either is the value of a variable that programs read in either spelling.
func either(env []string, name string) string {
	if v := tool.Getenv(env, name); v != "" {
		return v
	}
	return tool.Getenv(env, strings.ToUpper(name))
}

// directHosts translates no_proxy, whose domains include what is below them. Java knows no networks; they are left out.
func directHosts(list string) string {
	var hosts []string
	for host := range strings.FieldsFuncSeq(list, func(r rune) bool { return r == ',' || r == ' ' }) {
		if h, _, err := net.SplitHostPort(host); err == nil {
			host = h
		}
		host = strings.TrimPrefix(strings.TrimPrefix(host, "*"), ".")
		switch {
		case host == "":
			hosts = append(hosts, "*")
		case strings.Contains(host, "/"):
		case net.ParseIP(host) != nil || host == "localhost":
			hosts = append(hosts, host)
		default:
			hosts = append(hosts, host, "*."+host)
		}
	}
	return strings.Join(hosts, "|")
}
