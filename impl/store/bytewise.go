package store

import (
	"bytes"
	"io"
	"io/fs"
	"path"
	"regexp"
)

// bytewise is a file system of migrations whose texts are ordered by their bytes, as SQLite does, whatever the database's
// locale is: orders are seen from outside, and an index by a locale is damaged by an upgrade of the C library.
func bytewise(files fs.FS) fs.FS { return bytewiseFS{files} }

type bytewiseFS struct{ fs.FS }

var textColumn = regexp.MustCompile(`\bTEXT\b`)

// Open implements fs.FS.
func (f bytewiseFS) Open(name string) (fs.File, error) {
	file, err := f.FS.Open(name)
	if err != nil || path.Ext(name) != ".sql" {
		return file, err
	}
	text, err := io.ReadAll(file)
	return bytewiseFile{file, bytes.NewReader(textColumn.ReplaceAll(text, []byte(`TEXT COLLATE "C"`)))}, err
}

// bytewiseFile is a file with another text.
type bytewiseFile struct {
	fs.File
	text io.Reader
}

// Read implements fs.File.
func (f bytewiseFile) Read(p []byte) (int, error) { return f.text.Read(p) }
