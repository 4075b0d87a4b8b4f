package store

import (
	"bytes"
	"io"
	"io/fs"
	"path"
	"regexp"
)

// bytewise is a file system of migrations that compares texts by their bytes, as SQLite does, whatever the locale of
// the database is. Clients see the order, and an upgrade of the C library can damage an index that depends on a
// locale. A text is converted for the operator ->>, as SQLite does; its result would have the database's locale.
// Migrations without a transaction build indexes while others write, except in a new database: PostgreSQL waits for all
// transactions of all schemas then. They add a column only if it is not there, because an interrupted one is repeated.
func bytewise(files fs.FS, fresh bool) fs.FS { return bytewiseFS{files, fresh} }

type bytewiseFS struct {
	fs.FS
	fresh bool
}

var (
	textColumn = regexp.MustCompile(`\bTEXT\b`)
	jsonMember = regexp.MustCompile(`\b(\w+) ->> ('\w+')`)
	index      = regexp.MustCompile(`\b(CREATE|DROP) INDEX\b`)
	addColumn  = regexp.MustCompile(`\bADD COLUMN\b`)
)

// Open implements fs.FS.
func (f bytewiseFS) Open(name string) (fs.File, error) {
	file, err := f.FS.Open(name)
	if err != nil || path.Ext(name) != ".sql" {
		return file, err
	}
	text, err := io.ReadAll(file)
	text = textColumn.ReplaceAll(text, []byte(`TEXT`+byBytes))
	text = jsonMember.ReplaceAll(text, []byte(`($1`+asJSON+` ->> $2)`+byBytes))
	if bytes.Contains(text, []byte("+goose NO TRANSACTION")) {
		text = addColumn.ReplaceAll(text, []byte(`ADD COLUMN IF NOT EXISTS`))
		if !f.fresh {
			text = index.ReplaceAll(text, []byte(`$1 INDEX CONCURRENTLY`))
		}
	}
	return rewrittenFile{file, bytes.NewReader(text)}, err
}
