package main

import (
	"cmp"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/sallyport/sallyport/impl/authn/sealing"
	"github.com/sallyport/sallyport/impl/config"
	"github.com/sallyport/sallyport/impl/platform/secret"
)

// databaseFile returns the file that a DSN names, or "" if it names none.
func databaseFile(dsn string) string {
	path, _ := strings.CutPrefix(dsn, "sqlite:")
	if path == dsn {
		return ""
	}
	return path
}

// besideDatabase returns the path of a file next to the database file, or in the working directory if there is none.
func besideDatabase(dsn, suffix string) string {
	return cmp.Or(databaseFile(dsn), "sallyport") + suffix
}

func credentialsFile(dsn string) string { return besideDatabase(dsn, ".credentials") }

// writePasswords writes a file that only its owner can read, complete or not at all, and replaces an existing one. It
// replaces a link, too: following one would write passwords to where someone else chose.
func writePasswords(path string, passwords map[string]string) error {
	if err := notFolder(path); err != nil {
		return err
	}
	var lines strings.Builder
	for _, name := range slices.Sorted(maps.Keys(passwords)) {
		fmt.Fprintf(&lines, "%s %s\n", name, passwords[name])
	}

	draft, err := writeDraft(path, lines.String())
	if err != nil {
		return err
	}
	if err := os.Rename(draft, path); err != nil {
		return errors.Join(err, os.Remove(draft))
	}
	return syncFolder(path)
}

// writeDraft writes a new file that only its owner can read, beside the path that it is to get. It returns its name.
func writeDraft(path, text string) (string, error) {
	draft, err := os.CreateTemp(filepath.Dir(path), ".sallyport-draft-")
	if err != nil {
		return "", err
	}
	_, err = draft.WriteString(text)
	if err := errors.Join(err, draft.Sync(), draft.Close()); err != nil {
		return "", errors.Join(err, os.Remove(draft.Name()))
	}
	return draft.Name(), nil
}

// notFolder refuses the path of a folder, which no file can replace.
func notFolder(path string) error {
	if info, err := os.Lstat(path); err == nil && info.IsDir() {
		return &fs.PathError{Op: "open", Path: path, Err: syscall.EISDIR}
	}
	return nil
}

// keyEncryptionKey returns the configured key, or the one in the file beside the SQLite database, which it creates if
// there is none. Without a database nothing is encrypted, and it returns a new key. config.Servable requires a
// configured key for PostgreSQL, which has no place for a file.
func keyEncryptionKey(c config.Config) ([]byte, error) {
	if c.KeyEncryptionKey != nil {
		return c.KeyEncryptionKey, nil
	}
	if databaseFile(c.Store) == "" {
		return secret.NewKey(), nil
	}

	path := besideDatabase(c.Store, ".key")
	if err := createKeyFile(path); err != nil {
		return nil, createKeyError(path, err)
	}
	return readKeyFile(path)
}

func createKeyError(path string, cause error) error {
	return usageErrorf("write the key-encryption key to %s: %w", path, cause)
}

func missingKeyError(path string) error {
	return usageErrorf("the key file %s is missing; restore it from the backup of this database", path)
}

func readKeyFile(path string) ([]byte, error) {
	text, err := readSecretFile(path)
	if err != nil {
		return nil, usageErrorf("the key-encryption key: %w", err)
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if err != nil || len(key) != secret.KeySize {
		return nil, usageErrorf("%s does not hold %d bytes in base64; restore it from a backup", path, secret.KeySize)
	}
	return key, nil
}

// wrongKeyError explains that the database is encrypted with another key. A key file that the failed start created is
// removed: it would hide that the right one is missing.
func wrongKeyError(c config.Config, keyFileIsNew bool, cause error) error {
	path := besideDatabase(c.Store, ".key")
	var unknown *sealing.UnknownKeyError
	switch {
	case c.KeyEncryptionKey != nil && errors.As(cause, &unknown):
		return unknownKeyError(c, unknown.KeyID)
	case c.KeyEncryptionKey != nil:
		return usageErrorf("SALLYPORT_KEY_ENCRYPTION_KEY is not the key that this database is encrypted with")
	case keyFileIsNew:
		return errors.Join(missingKeyError(path), os.Remove(path))
	}

	if next := nextKeyFile(c.Store); exists(next) {
		return usageErrorf("the key in %s is not the one that this database is encrypted with, and %s exists: "+
			"a rotation of the key was interrupted; finish it with: %s", path, next,
			installed().command("key-encryption-key rotate --force"))
	}
	return usageErrorf("the key in %s is not the one that this database is encrypted with; "+
		"restore it from the backup of this database", path)
}

// unknownKeyError explains that a second key is missing, while a rotation is in progress.
func unknownKeyError(c config.Config, id string) error {
	return usageErrorf("this database has secrets that are encrypted with the key %s, which is neither %s: set "+
		"SALLYPORT_KEY_ENCRYPTION_KEY_FALLBACK_FILE to a file with it, until key-encryption-key rotate --online reports "+
		"that it is no longer needed", id, configuredKeys(c))
}

// configuredKeys names the key-encryption keys of a configuration by their ids.
func configuredKeys(c config.Config) string {
	names := "key_encryption_key, " + secret.KeyID(c.KeyEncryptionKey) + ","
	if c.KeyEncryptionKeyFallback == nil {
		return names + " nor key_encryption_key_fallback, which is not set"
	}
	return names + " nor key_encryption_key_fallback, " + secret.KeyID(c.KeyEncryptionKeyFallback)
}

// nextKeyFile returns the path of the new key while it replaces the one beside the database.
func nextKeyFile(dsn string) string { return besideDatabase(dsn, ".key.new") }

// exists reports whether there is a file with this name. A link counts, even if what it leads to is missing.
func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// createKeyFile creates the file complete or not at all, and never replaces one: secrets that are encrypted with a
// lost key cannot be read again.
func createKeyFile(path string) error {
	if exists(path) {
		return nil
	}

	draft, err := writeDraft(path, base64.StdEncoding.EncodeToString(secret.NewKey())+"\n")
	if err != nil {
		return err
	}
	defer os.Remove(draft) //nolint:errcheck // a draft that stays does no harm

	if err := os.Link(draft, path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncFolder(path)
}

// syncFolder writes a file's directory entry to the disk, so that it survives a power failure.
func syncFolder(path string) error {
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
