package store

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"unsafe"

	"modernc.org/libc"
	"modernc.org/libc/sys/types"
	sqlite3 "modernc.org/sqlite/lib"
)

// walHeader is the first copy of the header of a WAL index (https://sqlite.org/walformat.html, section 2.1). Each
// commit changes it, in whichever process: it has a counter of transactions, and a checksum of the log.
type walHeader [12]uint32

const (
	// walIndexVersion is the first word of the header.
	walIndexVersion = 3_007_000
	// walIndexRegion is the size of the regions in which SQLite maps a WAL index.
	walIndexRegion = 32 << 10
)

// walIndex reads the header of the WAL index of an open SQLite database, in the memory that SQLite shares between
// processes. So a commit is detected without a system call. It uses the mapping of a connection of its own, and no
// descriptor: closing one of the index would release all locks that this process has on it.
type walIndex struct {
	tls        *libc.TLS
	connection uintptr

	// mu keeps the memory mapped while it is read.
	mu sync.RWMutex
	// header is in the shared memory; nil once the connection is closed.
	header *walHeader
}

// openWALIndex opens the WAL index of a database that is open in this process.
func openWALIndex(path string) (*walIndex, error) {
	w := &walIndex{tls: libc.NewTLS()}
	if err := w.open(path); err != nil {
		w.close()
		return nil, fmt.Errorf("the WAL index cannot be read: %w", err)
	}
	return w, nil
}

func (w *walIndex) open(path string) error {
	// SQLite writes its results outside of Go's memory, which may move.
	result := libc.Xcalloc(w.tls, 1, types.Size_t(unsafe.Sizeof(uintptr(0))))
	defer libc.Xfree(w.tls, result)
	if result == 0 {
		return sqliteCode(sqlite3.SQLITE_NOMEM)
	}
	if err := w.connect(path, result); err != nil {
		return err
	}
	return w.locate(result)
}

// connect opens the connection, and has it map the index.
func (w *walIndex) connect(path string, result uintptr) error {
	name, read := cString(uri(path)+"?mode=ro"), cString("SELECT 1 FROM sqlite_master LIMIT 1")
	defer libc.Xfree(w.tls, name)
	defer libc.Xfree(w.tls, read)

	const flags = sqlite3.SQLITE_OPEN_READONLY | sqlite3.SQLITE_OPEN_URI | sqlite3.SQLITE_OPEN_FULLMUTEX
	opened := sqlite3.Xsqlite3_open_v2(w.tls, name, result, flags, 0)
	w.connection = *pointed[uintptr](result) // also after a failure
	if opened != sqlite3.SQLITE_OK {
		return sqliteCode(opened)
	}
	sqlite3.Xsqlite3_busy_timeout(w.tls, w.connection, 2000)
	return sqliteCode(sqlite3.Xsqlite3_exec(w.tls, w.connection, read, 0, 0, 0))
}

// locate finds the header. It asks SQLite's own file for its mapping, as SQLite does.
func (w *walIndex) locate(result uintptr) error {
	schema := cString("main")
	defer libc.Xfree(w.tls, schema)

	err := sqliteCode(sqlite3.Xsqlite3_file_control(
		w.tls, w.connection, schema, sqlite3.SQLITE_FCNTL_FILE_POINTER, result))
	if err != nil {
		return err
	}
	file := *pointed[uintptr](result)
	methods := pointed[sqlite3.Tsqlite3_io_methods](pointed[sqlite3.Tsqlite3_file](file).FpMethods)
	if methods.FiVersion < 2 || methods.FxShmMap == 0 {
		return errors.New("the file system shares no memory")
	}

	// This is how code that was translated from C calls a pointer to a function.
	shmMap := *(*func(tls *libc.TLS, file uintptr, region, size, extend int32, result uintptr) int32)(
		unsafe.Pointer(&struct{ uintptr }{methods.FxShmMap})) //nolint:gosec // a func is a pointer to such a struct
	if err := sqliteCode(shmMap(w.tls, file, 0, walIndexRegion, 0, result)); err != nil {
		return err
	}
	region := *pointed[uintptr](result)
	if region == 0 || pointed[walHeader](region)[0] != walIndexVersion {
		return errors.New("it has another format")
	}
	w.header = pointed[walHeader](region)
	return nil
}

// read returns the header, and false once the index is closed. A header that is read during a commit can have words
// of both: it differs from the headers before and after the commit.
func (w *walIndex) read() (header walHeader, ok bool) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if w.header == nil {
		return header, false
	}
	for i := range header {
		header[i] = atomic.LoadUint32(&w.header[i])
	}
	return header, true
}

func (w *walIndex) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.header = nil
	sqlite3.Xsqlite3_close_v2(w.tls, w.connection)
	w.tls.Close()
}

// cString returns a copy of a text outside of Go's memory, which must be freed; 0 if there is no memory.
func cString(text string) uintptr {
	copied, err := libc.CString(text)
	if err != nil {
		return 0
	}
	return copied
}

// pointed returns what is at an address outside of Go's memory.
func pointed[T any](address uintptr) *T {
	return *(**T)(unsafe.Pointer(&address)) //nolint:gosec // SQLite returned the address of a T
}

func sqliteCode(code int32) error {
	if code == sqlite3.SQLITE_OK {
		return nil
	}
	return fmt.Errorf("SQLite's error %d", code)
}
