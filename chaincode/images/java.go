package images

import (
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// The scripts of the Java image, in the place and under the names that Fabric's image has them.
var (
	//go:embed javaenv/build.sh
	javaBuild string
	//go:embed javaenv/start
	javaStart string
)

// javaDir is where the Java image has its scripts, and the folder that they are started in.
const javaDir = "root/chaincode-java"

// java is the image that Java chaincode is built and run with.
func (h *host) java() (*tree, error) {
	t, err := h.base()
	if err != nil {
		return nil, err
	}
	if err := h.javaTools(t); err != nil {
		return nil, err
	}
	if err := h.mavenHome(t); err != nil {
		return nil, err
	}
	t.folder("chaincode/input", 0o755)
	t.folder("chaincode/output", 0o755)
	t.folder(javaDir+"/chaincode", 0o755)
	t.script(javaDir+"/build.sh", javaBuild)
	t.script(javaDir+"/start", javaStart)
	if err := t.copyFolder("usr/lib/locale/C.utf8", "/usr/lib/locale/C.utf8", nil); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	t.changes = append(t.changes, "ENV LANG=C.UTF-8", "WORKDIR /"+javaDir)
	return t, nil
}

// javaTools adds a JDK, and Maven and Gradle as far as the machine has them.
func (h *host) javaTools(t *tree) error {
	javac := filepath.Join(h.getenv("JAVA_HOME"), "bin", "javac")
	if _, err := os.Stat(javac); err != nil {
		if javac, err = h.find("javac"); err != nil {
			return err
		}
	}
	javac, err := filepath.EvalSymlinks(javac)
	if err != nil {
		return err
	}
	home := filepath.Dir(filepath.Dir(javac))
	if err := h.jdk(t, home); err != nil {
		return err
	}
	t.changes = append(t.changes, "ENV JAVA_HOME="+home)
	for _, tool := range []string{"java", "javac", "jar", "keytool"} {
		t.symlink("usr/bin/"+tool, filepath.Join(home, "bin", tool))
	}
	for _, tool := range []string{"mvn", "gradle"} {
		if err := h.installation(t, tool); err != nil && !errors.Is(err, errMissing) {
			return err
		}
	}
	return nil
}

// jdk adds the JDK in home, in the same place, but for what only people and linkers of other JDKs read.
func (h *host) jdk(t *tree, home string) error {
	if _, err := os.Stat(filepath.Join(home, "lib", "modules")); err != nil {
		return fmt.Errorf("javac is in %s/bin, and there is no lib/modules beside it: this machine's JDK is laid out in a way that cannot be copied", home)
	}
	err := t.copyFolder(home, home, func(rel string, _ fs.DirEntry) bool {
		switch rel {
		case "jmods", "man", "docs", "demo", "legal", "lib/src.zip":
			return true
		}
		return false
	})
	if err != nil {
		return err
	}
	for _, pattern := range []string{"bin/*", "lib/*.so", "lib/server/*.so"} {
		files, err := filepath.Glob(filepath.Join(home, pattern))
		if err != nil {
			return err
		}
		for _, file := range files {
			// Its libraries find each other when they are loaded, and those of a desktop need not be there.
			if err := h.libraries(t, file); err != nil && !errors.Is(err, errUnlinked) {
				return err
			}
		}
	}
	return nil
}

// installation adds a tool that is a folder with its command in bin.
func (h *host) installation(t *tree, name string) error {
	command, err := h.find(name)
	if err != nil {
		return err
	}
	if command, err = filepath.EvalSymlinks(command); err != nil {
		return err
	}
	home := filepath.Dir(filepath.Dir(command))
	if _, err := os.Stat(filepath.Join(home, "lib")); err != nil || home == "/usr" || home == "/" {
		return fmt.Errorf("%s is at %s, and its folder is not its own: this machine's %s is laid out in a way that cannot be copied", name, command, name)
	}
	target := "usr/share/" + name
	if err := t.copyFolder(target, home, nil); err != nil {
		return err
	}
	t.symlink("usr/bin/"+name, "/"+target+"/bin/"+filepath.Base(command))
	return nil
}

// mavenHome adds the settings of the machine's user, and the repository, so that what was built here once can be built there without a network.
// Maven's notes about where each file came from stay here: with them it would look there again.
func (h *host) mavenHome(t *tree) error {
	user := h.getenv("HOME")
	if user == "" {
		return nil
	}
	folder := filepath.Join(user, ".m2")
	raw, err := os.ReadFile(filepath.Join(folder, "settings.xml"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	repository := filepath.Join(folder, "repository")
	if err == nil {
		s, err := parseMavenSettings(raw)
		if err != nil {
			return fmt.Errorf("%s/settings.xml: %w", folder, err)
		}
		if s.LocalRepository != "" {
			repository = strings.ReplaceAll(s.LocalRepository, "${user.home}", user)
		}
		content, err := s.withoutSecrets()
		if err != nil {
			return err
		}
		t.text("root/.m2/settings.xml", content)
	}
	if _, err := os.Stat(repository); err != nil {
		return nil
	}
	return t.copyFolder("root/.m2/repository", repository, func(rel string, d fs.DirEntry) bool {
		name := d.Name()
		return name == "_remote.repositories" || name == "resolver-status.properties" || strings.HasSuffix(name, ".lastUpdated")
	})
}
