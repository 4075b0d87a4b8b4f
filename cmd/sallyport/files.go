package main

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/impl/config"
	"github.com/sallyport/sallyport/impl/platform/secret"
)

// databaseFile is the file that a DSN names, or empty.
func databaseFile(dsn string) string {
	path, _ := strings.CutPrefix(dsn, "sqlite:")
	if path == dsn {
		return ""
	}
	return path
}

// beside names a file next to the database; without a database, one in the working directory.
func beside(dsn, suffix string) string {
	path := databaseFile(dsn)
	if path == "" {
		path = "sallyport"
	}
	return path + suffix
}

func credentialsFile(dsn string) string { return beside(dsn, ".credentials") }

// writePasswords writes a file that only its owner can read, in place of one that is there.
func writePasswords(path string, passwords map[string]string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600) //nolint:gosec // the operator names the database
	if err != nil {
		return err
	}
	if err := file.Chmod(0o600); err != nil { // the file may have been there, and open to others
		return errors.Join(err, file.Close())
	}
	var names []string
	for name := range passwords {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if _, err := fmt.Fprintf(file, "%s %s\n", name, passwords[name]); err != nil {
			return errors.Join(err, file.Close())
		}
	}
	return errors.Join(file.Sync(), file.Close())
}

// keyEncryptionKey returns the configured key, or the one in the file beside the database, which is made if there is
// none. With PostgreSQL, which has no place for a file, config.Servable wants one configured. Without a database nothing is sealed, and any key will do.
func keyEncryptionKey(c config.Config) ([]byte, error) {
	if c.KeyEncryptionKey != nil {
		return c.KeyEncryptionKey, nil
	}
	if databaseFile(c.Store) == "" {
		return secret.NewKey(), nil
	}
	path := beside(c.Store, ".key")
	if err := makeKeyFile(path); err != nil {
		return nil, fmt.Errorf("the key-encryption key cannot be kept in %s: %w", path, err)
	}
	return readKeyFile(path)
}

// serversKey is keyEncryptionKey for what is to be read by a server: it makes no key, which the server would not have.
func serversKey(c config.Config) ([]byte, error) {
	if c.KeyEncryptionKey != nil {
		return c.KeyEncryptionKey, nil
	}
	if err := c.Servable(); err != nil {
		return nil, err
	}
	path := beside(c.Store, ".key")
	if !exists(path) {
		return nil, fmt.Errorf("%w, set SALLYPORT_KEY_ENCRYPTION_KEY as for the server, or start a server if none has run on it yet", keyMissing(path))
	}
	return readKeyFile(path)
}

func keyMissing(path string) error {
	return fmt.Errorf("the key file %s is missing; restore it from the backup of this database", path)
}

func readKeyFile(path string) ([]byte, error) {
	// This program makes the file for its owner only; a group may have been added, as Kubernetes does.
	readable, err := secret.CheckFile(path)
	if err == nil && readable {
		err = fmt.Errorf("every user of this machine can read %s, which holds the key-encryption key: chmod 600 shuts them out", path)
	}
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(path) //nolint:gosec // the operator names the database
	if err != nil {
		return nil, err
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(data)))
	if err != nil || len(key) != secret.KeySize {
		return nil, fmt.Errorf("%s does not hold %d bytes in base64; restore it from a backup", path, secret.KeySize)
	}
	return key, nil
}

// wrongKey says what to do about a database that was made with another key. A key file that was made just now, by the
// start that failed, would only hide that the right one is missing.
func wrongKey(c config.Config, keyFileIsNew bool) error {
	path := beside(c.Store, ".key")
	switch {
	case c.KeyEncryptionKey != nil:
		return errors.New("SALLYPORT_KEY_ENCRYPTION_KEY is not the key that this database was made with")
	case keyFileIsNew:
		return errors.Join(keyMissing(path), os.Remove(path))
	}
	if next := nextKeyFile(c.Store); exists(next) {
		return fmt.Errorf("the key in %s is not the one that this database was made with, but there is %s: a replacement of the key was interrupted, "+
			"and is finished by: sallyport key-encryption-key rotate --force", path, next)
	}
	return fmt.Errorf("the key in %s is not the one that this database was made with; restore it from the backup of this database", path)
}

// nextKeyFile is where the key that takes over from the one beside the database is until it does.
func nextKeyFile(dsn string) string { return beside(dsn, ".key.new") }

func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// makeKeyFile makes the file whole or not at all, and never replaces one: what a lost key has sealed is lost with it.
func makeKeyFile(path string) error {
	if exists(path) {
		return nil
	}
	draft, err := os.CreateTemp(filepath.Dir(path), ".sallyport-key-") // only its owner can read it
	if err != nil {
		return err
	}
	defer os.Remove(draft.Name()) //nolint:errcheck // it is a draft
	_, err = draft.WriteString(base64.StdEncoding.EncodeToString(secret.NewKey()) + "\n")
	if err := errors.Join(err, draft.Sync(), draft.Close()); err != nil {
		return err
	}
	if err := os.Link(draft.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncFolder(path)
}

// syncFolder makes the name of a file outlive a power failure.
func syncFolder(path string) error {
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
