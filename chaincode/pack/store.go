package pack

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/heddleledger/heddle/ledger/durable"
	"github.com/heddleledger/heddle/wire/peerpb"
)

const (
	temporaryPrefix = ".install-"           // of a file being written; no chaincode name begins with a dot
	maxCachedBytes  = 256 * 1024 * 1024     // of package bytes kept parsed; over it the cache starts anew
	glance          = 10 * time.Millisecond // for which CheckPolicy relies on a look at a file
)

// Store is the directory of installed packages, <fileSystemPath>/chaincodes. It looks at the directory on every call, so files that come
// and go by other hands are seen at once (by CheckPolicy, which is part of every endorsement, after a glance's time at the latest); parsed packages are
// kept while their file's size and modification time stay the same.
type Store struct {
	Log *slog.Logger // told of files that are no packages; discards by default

	dir string

	mu     sync.Mutex
	cache  map[string]cached // by file name
	cached int64             // bytes
}

type cached struct {
	size     int64
	modified time.Time
	pkg      *Package
	looked   time.Time // when the file was last found to be as it was
}

// OpenStore opens the directory of installed packages, creating it if needed, and removes what an interrupted install left there.
func OpenStore(dir string) (*Store, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("creating the directory of installed chaincodes: %w", err)
	}
	leftovers, err := filepath.Glob(filepath.Join(dir, temporaryPrefix+"*"))
	if err != nil {
		return nil, fmt.Errorf("looking for interrupted installs: %w", err)
	}
	for _, f := range leftovers {
		if err := os.Remove(f); err != nil {
			return nil, fmt.Errorf("removing an interrupted install: %w", err)
		}
	}
	return &Store{Log: slog.New(slog.DiscardHandler), dir: dir, cache: map[string]cached{}}, nil
}

// Install checks a package and writes it, byte for byte, under <name>.<version>. The file appears whole and durable or not at all.
// A name and version that is there already is refused with Fabric's text, whatever the bytes.
func (s *Store) Install(raw []byte) (*Package, error) {
	p, err := Parse(raw)
	if err != nil {
		return nil, err
	}
	if err := ValidateName(p.Name); err != nil {
		return nil, err
	}
	if err := ValidateVersion(p.Version); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	path := s.path(p.Name, p.Version)
	if _, err := os.Stat(path); err == nil {
		return nil, fmt.Errorf("error installing chaincode code %s:%s(chaincode %s exists)", p.Name, p.Version, path)
	}
	if err := s.write(path, raw); err != nil {
		return nil, fmt.Errorf("error installing chaincode code %s:%s(%w)", p.Name, p.Version, err)
	}
	p.File = path
	return p, nil
}

// write puts content under path by way of a temporary file.
func (s *Store) write(path string, content []byte) (err error) {
	f, err := os.CreateTemp(s.dir, temporaryPrefix+"*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	_, err = f.Write(content)
	err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close())
	if err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return durable.SyncDir(s.dir)
}

// Get returns the installed package of that name and version. Like Fabric's its error is that of opening the file if it is not there.
func (s *Store) Get(name, version string) (*Package, error) {
	if err := ValidateName(name); err != nil {
		return nil, err
	}
	if err := ValidateVersion(version); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.load(s.path(name, version))
}

// load reads and parses a file, or returns it from the cache if it is unchanged.
func (s *Store) load(path string) (*Package, error) {
	key := filepath.Base(path)
	info, statErr := os.Stat(path)
	if c, ok := s.cache[key]; ok {
		if statErr == nil && info.Size() == c.size && info.ModTime().Equal(c.modified) {
			c.looked = time.Now()
			s.cache[key] = c
			return c.pkg, nil
		}
		s.cached -= c.size
		delete(s.cache, key)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	p, err := Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	p.File = path
	if statErr != nil || info.Size() != int64(len(raw)) || info.Size() > maxCachedBytes {
		return p, nil
	}
	if s.cached += info.Size(); s.cached > maxCachedBytes {
		clear(s.cache)
		s.cached = info.Size()
	}
	s.cache[key] = cached{info.Size(), info.ModTime(), p, time.Now()}
	return p, nil
}

// List returns the installed packages in the order of their file names. A file that is no package, or whose content has another name or
// version than the file, is left out and logged.
func (s *Store) List() ([]*Package, error) {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, fmt.Errorf("listing installed chaincodes: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var packages []*Package
	for _, e := range entries {
		name, version, ok := strings.Cut(e.Name(), ".")
		if !ok || e.IsDir() || strings.HasPrefix(e.Name(), temporaryPrefix) {
			continue
		}
		p, err := s.load(filepath.Join(s.dir, e.Name()))
		switch {
		case errors.Is(err, fs.ErrNotExist): // removed meanwhile
		case err != nil:
			s.Log.Warn("Unreadable chaincode file found on filesystem", "file", e.Name(), "error", err)
		case p.Name != name || p.Version != version:
			s.Log.Warn("Chaincode file's name does not match its content; rename it", "file", p.File, "holds", p.Name+"."+p.Version)
		default:
			packages = append(packages, p)
		}
	}
	return packages, nil
}

// CheckPolicy holds the instantiation policy of the installed package, if it is a signed one, against that of the channel's definition d.
// A chaincode instantiated past its owners' policy is refused at every invoke, even while it runs. The texts are Fabric's.
func (s *Store) CheckPolicy(d *peerpb.ChaincodeData) error {
	p := s.glimpsed(d.GetName(), d.GetVersion())
	if p == nil {
		var err error
		if p, err = s.Get(d.GetName(), d.GetVersion()); err != nil {
			return fmt.Errorf("cannot retrieve package for chaincode %s/%s, error %w", d.GetName(), d.GetVersion(), err)
		}
	}
	if p.signed && !bytes.Equal(p.InstantiationPolicy, d.InstantiationPolicy) {
		return fmt.Errorf("Instantiation policy mismatch for cc %s/%s", p.Name, p.Version)
	}
	return nil
}

// glimpsed is the package if its file was there, unchanged, within the last glance; else nil.
func (s *Store) glimpsed(name, version string) *Package {
	s.mu.Lock()
	c, ok := s.cache[name+"."+version]
	s.mu.Unlock()
	if !ok || time.Since(c.looked) >= glance || c.pkg.Name != name || c.pkg.Version != version {
		return nil
	}
	return c.pkg
}

func (s *Store) path(name, version string) string { return filepath.Join(s.dir, name+"."+version) }
