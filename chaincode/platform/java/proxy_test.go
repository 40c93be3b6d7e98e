package java

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestProxyEnv(t *testing.T) {
	require.Empty(t, ProxyEnv([]string{"PATH=/bin", "no_proxy=localhost", "https_proxy=", "HTTP_PROXY=http://%zz"}))
	require.Equal(t, []string{
		"MAVEN_OPTS=-Dhttps.proxyHost=proxy -Dhttps.proxyPort=3128 -Xmx1g",
		"GRADLE_OPTS=-Dhttps.proxyHost=proxy -Dhttps.proxyPort=3128",
	}, ProxyEnv([]string{"HTTPS_PROXY=http://proxy:3128", "MAVEN_OPTS=-Xmx1g"}))
	require.Equal(t, []string{
		"-Dhttp.proxyHost=proxy", "-Dhttp.proxyPort=80", "-Dhttps.proxyHost=10.0.0.1", "-Dhttps.proxyPort=8080",
		"-Dhttps.proxyUser=anna", "-Dhttps.proxyPassword=p@ss",
		"-Dhttp.nonProxyHosts=localhost|127.0.0.1|example.com|*.example.com|repo|*.repo",
	}, proxyProperties([]string{"http_proxy=proxy", "HTTP_PROXY=other", "https_proxy=http://anna:p%40ss@10.0.0.1:8080", "NO_PROXY=localhost,127.0.0.1, .example.com,10.0.0.0/8,repo:8081"}))
	require.Equal(t, "*", directHosts("*"))
}
