package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pressly/goose/v3"
)

// ChecksumSuffix is appended to the name of a backup to name the file with its checksum: one line, as sha256sum
// writes and checks it.
const ChecksumSuffix = ".sha256"

// ErrNoChecksum means that a backup has no checksum beside it, so damage that leaves the database readable would go
// unnoticed.
var ErrNoChecksum = errors.New("there is no checksum beside it")

// writeChecksum writes the checksum of a backup into its file, which exists, and syncs it to the disk.
func writeChecksum(path string) error {
	sum, err := fileChecksum(path)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(path+ChecksumSuffix, os.O_WRONLY, 0) //nolint:gosec // the operator names the backup
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(file, "%s  %s\n", sum, filepath.Base(path))
	return errors.Join(err, file.Sync(), file.Close())
}

// fileChecksum returns the SHA-256 of a file in hexadecimal.
func fileChecksum(path string) (string, error) {
	file, err := os.Open(path) //nolint:gosec // the operator names the backup
	if err != nil {
		return "", err
	}
	defer file.Close() //nolint:errcheck // it is read only
	hash := sha256.New()
	if _, err := io.Copy(hash, file); err != nil {
		return "", err
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

// checkChecksum returns an error unless a backup has the checksum in the file beside it, and ErrNoChecksum if there
// is no such file and the checksum is not optional. The name in that file is ignored, because a backup may have been
// renamed.
func checkChecksum(path string, optional bool) error {
	data, err := os.ReadFile(path + ChecksumSuffix) //nolint:gosec // the operator names the backup
	if errors.Is(err, fs.ErrNotExist) {
		if optional {
			return nil
		}
		return ErrNoChecksum
	}
	if err != nil {
		return err
	}

	want, _, _ := strings.Cut(string(data), " ")
	got, err := fileChecksum(path)
	if err != nil {
		return err
	}
	if !strings.EqualFold(strings.TrimSpace(want), got) {
		return fmt.Errorf("it is damaged or was changed: its SHA-256 is not the one in %s", path+ChecksumSuffix)
	}
	return nil
}

// checkBackup returns an error if a database is damaged, or if this program cannot use it.
func checkBackup(ctx context.Context, db *sql.DB) error {
	var found string
	if err := db.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&found); err != nil {
		return plain(err)
	}
	if found != "ok" {
		return fmt.Errorf("it is damaged: %s", strings.Join(strings.Fields(found), " ")) // one line
	}
	version, err := schemaVersion(ctx, db, sqliteDialect)
	if err != nil {
		return err
	}
	if version == 0 {
		return errors.New("it is not a database of this program")
	}
	if err := notNewer(version); err != nil {
		return err
	}
	return checkSchema(ctx, db, version)
}

// checkSchema returns an error unless a database has exactly the schema that this program's migrations create up to a
// version: an added trigger could change records without this program.
func checkSchema(ctx context.Context, db *sql.DB, version int64) error {
	got, err := schemaObjects(ctx, db)
	if err != nil {
		return err
	}
	want, own, err := expectedSchema(ctx, version)
	if err != nil {
		return err
	}

	for _, name := range slices.Sorted(maps.Keys(want)) {
		text, found := got[name]
		switch {
		case !found && !own[name]: // each start creates the database's own
			return fmt.Errorf("its schema has version %d and lacks the %s", version, name)
		case found && text != want[name]:
			return fmt.Errorf("its schema has version %d, and this program makes another %s", version, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(got)) {
		if _, found := want[name]; !found {
			return fmt.Errorf("its schema has version %d, and this program makes no %s", version, name)
		}
	}
	return nil
}

// expectedSchema returns the schemaObjects of a database that this program's migrations brought to a version, and
// reports in own those that each start creates.
func expectedSchema(ctx context.Context, version int64) (objects map[string]string, own map[string]bool, err error) {
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		return nil, nil, err
	}
	defer db.Close()      //nolint:errcheck // it is discarded
	db.SetMaxOpenConns(1) // each connection would have a database of its own

	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, nil, err
	}
	provider, err := goose.NewProvider(sqliteDialect.goose, db, sqliteDialect.migrations(files, true))
	if err != nil {
		return nil, nil, err
	}
	if _, err := provider.UpTo(ctx, version); err != nil {
		return nil, nil, err
	}
	migrated, err := schemaObjects(ctx, db)
	if err != nil {
		return nil, nil, err
	}

	if _, err := db.ExecContext(ctx, sqliteDialect.own); err != nil {
		return nil, nil, err
	}
	objects, err = schemaObjects(ctx, db)
	own = map[string]bool{}
	for name := range objects {
		_, found := migrated[name]
		own[name] = !found
	}
	return objects, own, err
}

// schemaObjects returns the SQL of a database's tables, indexes, triggers and views by kind and name, such as "table
// users", with white space normalized. The tables of SQLite and of goose are left out: their text is not ours. Only
// tables are, because a trigger can have the name of one of these tables.
func schemaObjects(ctx context.Context, db *sql.DB) (map[string]string, error) {
	rows, err := db.QueryContext(ctx, `SELECT type || ' ' || name, sql FROM sqlite_master
		WHERE sql IS NOT NULL AND NOT (type = 'table' AND name IN ('goose_db_version', 'sqlite_sequence',
		'sqlite_stat1', 'sqlite_stat4'))`)
	if err != nil {
		return nil, plain(err)
	}
	objects := map[string]string{}
	err = scan(rows, func(o *[2]string) []any { return []any{&o[0], &o[1]} },
		func(o [2]string) { objects[o[0]] = strings.Join(strings.Fields(o[1]), " ") })
	if err != nil {
		return nil, plain(err)
	}
	return objects, nil
}
