package store

import (
	"bytes"
	"io"
	"io/fs"
	"path"
)

// transactional is a file system of migrations that all run in transactions, for SQLite: several programs may start on
// one file at once, and a migration must not run between two statements of another.
type transactional struct{ fs.FS }

// Open implements fs.FS.
func (f transactional) Open(name string) (fs.File, error) {
	file, err := f.FS.Open(name)
	if err != nil || path.Ext(name) != ".sql" {
		return file, err
	}
	text, err := io.ReadAll(file)
	text = bytes.Replace(text, []byte("-- +goose NO TRANSACTION\n"), nil, 1)
	return rewrittenFile{file, bytes.NewReader(text)}, err
}

// rewrittenFile is a file with a replaced text.
type rewrittenFile struct {
	fs.File
	text io.Reader
}

// Read implements fs.File.
func (f rewrittenFile) Read(p []byte) (int, error) { return f.text.Read(p) }
