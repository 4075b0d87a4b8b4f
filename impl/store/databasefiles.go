package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync/atomic"
	"time"
)

// filesInterval is how often reads check that the files are still in place. Each write checks.
const filesInterval = 250 * time.Millisecond

// databaseFiles are the files of an open SQLite database. SQLite keeps using its descriptors when a file is deleted
// or replaced, so its writes are lost when the program ends, and other programs do not see them. The files are looked
// up by their names only: opening and closing one would release SQLite's locks on it.
type databaseFiles struct {
	known []knownFile
	// intact is when the files were last found in place, in nanoseconds of the Unix epoch.
	intact atomic.Int64
}

// knownFile is a name, and the file that SQLite has open under it.
type knownFile struct {
	path string
	info fs.FileInfo
}

// newDatabaseFiles records the file that SQLite is about to open.
func newDatabaseFiles(path string) (*databaseFiles, error) {
	f := &databaseFiles{}
	return f, f.add(path)
}

// add records the file that has a name now.
func (f *databaseFiles) add(path string) error {
	info, err := os.Stat(path)
	if err == nil {
		f.known = append(f.known, knownFile{path, info})
	}
	return err
}

// addLog records the write-ahead log and its index, which SQLite keeps until the last connection is closed. A file
// system that cannot share memory between processes has no index.
func (f *databaseFiles) addLog() error {
	path := f.known[0].path
	for _, name := range []string{path + "-wal", path + "-shm"} {
		if err := f.add(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return f.check()
}

// check returns an error unless each name still stands for the file that SQLite has open.
func (f *databaseFiles) check() error {
	if f == nil {
		return nil
	}
	for i, known := range f.known {
		info, err := os.Stat(known.path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return fmt.Errorf("the file %s was deleted while in use: restore it, and restart the program", known.path)
		case err != nil:
			return err
		case !os.SameFile(info, known.info):
			return fmt.Errorf("the file %s was replaced while in use: restart the program, if this is the file to use",
				known.path)
		case i == 0 && info.Size() == 0: // the log may be empty
			return fmt.Errorf("the file %s was emptied while in use: restore it, and restart the program", known.path)
		}
	}
	f.intact.Store(time.Now().UnixNano())
	return nil
}

// checkLately is check, unless the files were found in place within the last filesInterval.
func (f *databaseFiles) checkLately() error {
	if f == nil {
		return nil
	}
	if age := time.Now().UnixNano() - f.intact.Load(); age >= 0 && age < int64(filesInterval) {
		return nil
	}
	return f.check()
}
