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
	"github.com/sallyport/sallyport/impl/secret"
)

// beside names a file next to the database; without a database, one in the working directory.
func beside(dsn, suffix string) string {
	path, ok := strings.CutPrefix(dsn, "sqlite:")
	if !ok {
		return "sallyport" + suffix
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
// none. Without a database nothing is sealed, and any key will do.
func keyEncryptionKey(c config.Config) ([]byte, error) {
	if c.KeyEncryptionKey != nil {
		return c.KeyEncryptionKey, nil
	}
	if !strings.HasPrefix(c.Store, "sqlite:") {
		return secret.NewKey(), nil
	}
	path := beside(c.Store, ".key")
	if err := makeKeyFile(path); err != nil {
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

// makeKeyFile makes the file whole or not at all, and never replaces one: what a lost key has sealed is lost with it.
func makeKeyFile(path string) error {
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
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
	return nil
}
