package images

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// machine lays out files as a machine has them: names that end in a slash are folders, "a -> b" is a link, others are executable scripts.
func machine(t *testing.T, names ...string) string {
	t.Helper()
	root := t.TempDir()
	for _, name := range names {
		name, target, link := strings.Cut(name, " -> ")
		file := filepath.Join(root, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		switch {
		case link:
			require.NoError(t, os.Symlink(target, file))
		case strings.HasSuffix(name, "/"):
			require.NoError(t, os.MkdirAll(file, 0o755))
		default:
			require.NoError(t, os.WriteFile(file, []byte("#!/bin/sh\n"), 0o755))
		}
	}
	return root
}

// content is a file of a tree as it will be in the image.
func content(t *testing.T, tr *tree, name string) string {
	t.Helper()
	e, ok := tr.entries[name]
	require.True(t, ok, name)
	if e.source == "" {
		return string(e.content)
	}
	b, err := os.ReadFile(e.source)
	require.NoError(t, err)
	return string(b)
}

func TestJavaImage(t *testing.T) {
	root := machine(t,
		"jdk/bin/java", "jdk/bin/javac", "jdk/bin/jar", "jdk/lib/modules", "jdk/lib/src.zip", "jdk/jmods/java.base.jmod", "jdk/lib/security/cacerts -> ../../../cacerts", "cacerts",
		"maven/bin/mvn", "maven/lib/core.jar -> ../../repo/core.jar", "repo/core.jar", "bin/mvn -> ../maven/bin/mvn", "bin/javac -> ../jdk/bin/javac",
		"home/.m2/repository/org/a/1/a.jar", "home/.m2/repository/org/a/1/_remote.repositories", "home/.m2/repository/org/a/1/b.jar.lastUpdated",
	)
	env := []string{"PATH=" + filepath.Join(root, "bin") + ":" + os.Getenv("PATH"), "HOME=" + filepath.Join(root, "home")}
	h := host{ctx: t.Context(), env: env}
	tr, err := h.java()
	require.NoError(t, err)
	jdk := filepath.Join(root, "jdk")
	for _, name := range []string{
		"usr/bin/sh", "chaincode/input", "chaincode/output", "root/chaincode-java/chaincode",
		jdk + "/bin/java", jdk + "/lib/modules", jdk + "/lib/security/cacerts", "usr/share/mvn/lib/core.jar", "root/.m2/repository/org/a/1/a.jar",
	} {
		require.True(t, tr.has(name), name)
	}
	for _, name := range []string{
		jdk + "/lib/src.zip", jdk + "/jmods/java.base.jmod", "root/.m2/repository/org/a/1/_remote.repositories", "root/.m2/repository/org/a/1/b.jar.lastUpdated",
		"root/.m2/settings.xml",
	} {
		require.False(t, tr.has(name), name)
	}
	require.Equal(t, "/usr/share/mvn/bin/mvn", tr.entries["usr/bin/mvn"].link)
	require.Equal(t, jdk+"/bin/java", tr.entries["usr/bin/java"].link)
	require.EqualValues(t, 0o755, tr.entries["root/chaincode-java/build.sh"].mode)
	require.Equal(t, []string{"ENV JAVA_HOME=" + jdk, "ENV LANG=C.UTF-8", "WORKDIR /root/chaincode-java"}, tr.changes)

	require.NoError(t, os.Remove(filepath.Join(jdk, "lib", "modules")))
	_, err = h.java()
	require.ErrorContains(t, err, "this machine's JDK is laid out in a way that cannot be copied")
}

func TestMavenSettings(t *testing.T) {
	root := machine(t, "elsewhere/org/a.jar", "home/.m2/repository/org/b.jar")
	env := []string{"HOME=" + filepath.Join(root, "home")}
	settings := filepath.Join(root, "home/.m2/settings.xml")
	require.NoError(t, os.WriteFile(settings, []byte(`<?xml version="1.0"?>
<settings xmlns="http://maven.apache.org/SETTINGS/1.0.0">
  <localRepository>${user.home}/../elsewhere</localRepository>
  <servers><server><id>m</id><password>hush</password></server></servers>
  <mirrors><mirror><id>m</id><mirrorOf>*</mirrorOf><url>http://anna:hush@mirror.example.com/maven</url></mirror></mirrors>
  <proxies><proxy><id>p</id><active>true</active><host>proxy</host><port>3128</port><username>anna</username><password>hush</password></proxy></proxies>
  <profiles><profile><id>q</id><activation><activeByDefault>true</activeByDefault></activation><properties><token>hush</token></properties>
    <repositories><!-- token: hush --><repository><id>r</id><url>https://anna:hush@r.example.com</url></repository></repositories></profile></profiles>
  <activeProfiles><activeProfile>q</activeProfile></activeProfiles>
</settings>`), 0o600))
	tr := newTree()
	require.NoError(t, (&host{ctx: t.Context(), env: env}).mavenHome(tr))
	require.True(t, tr.has("root/.m2/repository/org/a.jar"))
	require.False(t, tr.has("root/.m2/repository/org/b.jar"))
	require.Equal(t, `<settings>
  <proxies>
    <proxy>
      <id>p</id>
      <active>true</active>
      <host>proxy</host>
      <port>3128</port>
    </proxy>
  </proxies>
  <mirrors><mirror><id>m</id><mirrorOf>*</mirrorOf><url>http://mirror.example.com/maven</url></mirror></mirrors>
  <profiles>
    <profile>
      <id>q</id>
      <activation><activeByDefault>true</activeByDefault></activation>
      <repositories><repository><id>r</id><url>https://r.example.com</url></repository></repositories>
    </profile>
  </profiles>
  <activeProfiles><activeProfile>q</activeProfile></activeProfiles>
</settings>
`, content(t, tr, "root/.m2/settings.xml"))

	require.NoError(t, os.WriteFile(settings, []byte("<project/>"), 0o600))
	require.ErrorContains(t, (&host{ctx: t.Context(), env: env}).mavenHome(newTree()), "it is no settings.xml of Maven")
	require.NoError(t, (&host{ctx: t.Context()}).mavenHome(newTree()), "a user without a home has no repository")
}

// TestJavaBuildScript runs the image's script in a folder that stands for its root, with stand-ins for Maven and for jar, which takes a jar for a manifest.
func TestJavaBuildScript(t *testing.T) {
	const runnable = "Manifest-Version: 1.0\nMain-Class: A\n"
	for name, c := range map[string]struct {
		files   map[string]string
		built   string // content of the chaincode.jar that comes of it
		message string // of a failure
	}{
		"maven":        {files: map[string]string{"pom.xml": "project"}, built: "project compile package"},
		"maven fails":  {files: map[string]string{"pom.xml": "fail"}, message: "KV.java:3: cannot find symbol"},
		"no gradle":    {files: map[string]string{"build.gradle": ""}, message: "This image cannot build a project of Gradle"},
		"ready":        {files: map[string]string{"chaincode.jar": "ready", "other.jar": runnable}, built: "ready"},
		"by its class": {files: map[string]string{"my.jar": runnable, "lib.jar": "Manifest-Version: 1.0\n"}, built: runnable},
		"two":          {files: map[string]string{"a.jar": runnable, "b.jar": runnable}, message: "2 of these do:"},
		"nothing":      {files: map[string]string{"src/A.java": ""}, message: "0 of these do:"},
	} {
		t.Run(name, func(t *testing.T) {
			root := machine(t, "chaincode/output/", "bin/")
			for name, content := range map[string]string{
				"bin/mvn": "#!/bin/sh\ngrep -q fail pom.xml && { echo KV.java:3: cannot find symbol; exit 1; }\nmkdir target\nprintf '%s %s %s' \"$(cat pom.xml)\" $4 $5 >target/chaincode.jar\n",
				"bin/jar": "#!/bin/sh\nmkdir META-INF && cp $2 META-INF/MANIFEST.MF\n",
			} {
				require.NoError(t, os.WriteFile(filepath.Join(root, name), []byte(content), 0o755))
			}
			for name, content := range c.files {
				file := filepath.Join(root, "chaincode/input/src", name)
				require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
				require.NoError(t, os.WriteFile(file, []byte(content), 0o644))
			}
			cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", strings.ReplaceAll(javaBuild, "/chaincode/", root+"/chaincode/"))
			cmd.Env = []string{"PATH=" + filepath.Join(root, "bin") + ":/usr/bin:/bin", "TMPDIR=" + root}
			out, err := cmd.CombinedOutput()
			if c.message != "" {
				require.Error(t, err)
				require.Contains(t, string(out), c.message)
				return
			}
			require.NoError(t, err, "%s", out)
			b, err := os.ReadFile(filepath.Join(root, "chaincode/output/chaincode.jar"))
			require.NoError(t, err)
			require.Equal(t, c.built, string(b))
		})
	}
}
