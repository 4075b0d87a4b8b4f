package store_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/store"
)

// Ensures that with its file deleted, replaced or emptied, a database is not ready, answers no request, and
// acknowledges no write.
func TestSQLite_FilesMoved(t *testing.T) {
	t.Parallel()
	remove := func(t *testing.T, path string) { must(t, os.Remove(path)) }
	replace := func(t *testing.T, path string) {
		must(t, os.WriteFile(path+".other", []byte("another file"), 0o600))
		must(t, os.Rename(path+".other", path))
	}
	for name, test := range map[string]struct {
		suffix string
		do     func(*testing.T, string)
		want   string
	}{
		"database deleted":  {"", remove, "was deleted"},
		"database replaced": {"", replace, "was replaced"},
		"database emptied":  {"", func(t *testing.T, path string) { must(t, os.Truncate(path, 0)) }, "was emptied"},
		"log deleted":       {"-wal", remove, "was deleted"},
		"log replaced":      {"-wal", replace, "was replaced"},
		"index deleted":     {"-shm", remove, "was deleted"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "test.db")
			st := open(t, "sqlite:"+path, time.Now)
			must(t, st.Ready(t.Context()))

			test.do(t, path+test.suffix)
			write := func(tx *store.Tx) error { return tx.Accounts.Insert(store.Account{ID: "a"}) }
			if err := st.Update(t.Context(), write); !fault.Has(err, fault.StoreUnavailable) {
				t.Errorf("a write is answered with %v", err)
			}
			if err := st.Ready(t.Context()); err == nil || !strings.Contains(errors.Unwrap(err).Error(), test.want) {
				t.Errorf("Ready: %v; want the cause %q", err, test.want)
			}
			read := func() error { return st.View(t.Context(), func(*store.Tx) error { return nil }) }
			for done, deadline := false, time.Now().Add(time.Second); !done; time.Sleep(time.Millisecond) {
				began := time.Now()
				if done = fault.Has(read(), fault.StoreUnavailable); !done && began.After(deadline) {
					t.Fatal("reads are served after a second")
				}
			}
			if _, err := os.Stat(path + test.suffix); test.want == "was deleted" && !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the file is there again: %v", err)
			}
		})
	}
}

// Ensures that a write during which the file is deleted is not acknowledged.
func TestSQLite_FileDeletedWhileWriting(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	st := open(t, "sqlite:"+path, time.Now)
	err := st.Update(t.Context(), func(tx *store.Tx) error {
		must(t, os.Remove(path))
		return tx.Accounts.Insert(store.Account{ID: "a"})
	})
	if !fault.Has(err, fault.StoreUnavailable) {
		t.Errorf("the write is answered with %v", err)
	}
}

// Ensures that a file that is moved and comes back is served again.
func TestSQLite_FileComesBack(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	st := open(t, "sqlite:"+path, time.Now)
	must(t, os.Rename(path, path+".away"))
	if st.Ready(t.Context()) == nil {
		t.Error("the store is ready without its file")
	}
	must(t, os.Rename(path+".away", path))
	must(t, st.Ready(t.Context()))
	must(t, st.Update(t.Context(), func(tx *store.Tx) error { return tx.Accounts.Insert(store.Account{ID: "a"}) }))
}

// openerVariable has this test's process open the store that it names, and end.
const openerVariable = "SALLYPORT_TEST_OPEN"

// Ensures that of processes that start at the same moment on one new file none fails, however often it is tried.
func TestSQLite_ProcessesOpenAtOnce(t *testing.T) {
	if dsn := os.Getenv(openerVariable); dsn != "" {
		must(t, open(t, dsn, time.Now).Ready(t.Context()))
		return
	}
	t.Parallel()
	const rounds, processes = 6, 8
	for range rounds {
		dsn := "sqlite:" + filepath.Join(t.TempDir(), "test.db")
		failures := make(chan error)
		for range processes {
			go func() {
				cmd := exec.CommandContext(context.WithoutCancel(t.Context()), os.Args[0],
					"-test.run=^TestSQLite_ProcessesOpenAtOnce$")
				cmd.Env = append(os.Environ(), openerVariable+"="+dsn)
				out, err := cmd.CombinedOutput()
				if err != nil {
					err = errors.Join(err, errors.New(string(out)))
				}
				failures <- err
			}()
		}
		for range processes {
			if err := <-failures; err != nil {
				t.Error(err)
			}
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
