package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/sallyport/sallyport/impl/authn/rekey"
	"github.com/sallyport/sallyport/impl/config"
	"github.com/sallyport/sallyport/impl/platform/secret"
	"github.com/sallyport/sallyport/impl/store"
)

func newKeyEncryptionKey() *cobra.Command {
	const short = "Rotate the key that encrypts signing keys and second factors in the database"
	return newGroup("key-encryption-key", short, newKeyEncryptionKeyRotate())
}

func newKeyEncryptionKeyRotate() *cobra.Command {
	var flags configFlags
	var file string
	var force bool
	cmd := &cobra.Command{
		Use: "rotate", Short: "Re-encrypt the secrets in the database with a new key; no server may run on it",
		Long: `Re-encrypt the secrets in the database with a new key, all or none. Sessions, API keys and second factors stay
valid.

If the key is in the file beside a SQLite database, a new key is generated and replaces it there. If the key is
configured, --new-key-file names the file with the new key, which is generated if the file does not exist; configure
it for all servers before they start again.

Stop all servers first. A running server is detected on SQLite, but not on PostgreSQL: there it refuses sign-ins,
sessions and second factors until it is restarted with the new key. Backups made before need the old key.

If the command is interrupted, run it again: it continues where it stopped.`,
		Args: cobra.NoArgs,
		PreRunE: func(*cobra.Command, []string) error {
			if !force {
				return errors.New("stop all servers, and keep a copy of the old key, which backups made before need; " +
					"then add --force")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := config.Load(flags.sources(cmd))
			if err != nil {
				return err
			}
			if databaseFile(c.Store) != "" {
				if err := explainDatabaseError(store.Unused(cmd.Context(), c.Store), c.Store); err != nil {
					return err
				}
			}
			return onRecords(cmd, c, func(r records) error { return rotateKeyEncryptionKey(cmd, r, file) })
		},
	}
	flags.add(cmd, "store")
	cmd.Flags().StringVar(&file, "new-key-file", "",
		"if the key is configured: file with the new key, as openssl rand -base64 32 writes it; created if it does not exist")
	cmd.Flags().BoolVar(&force, "force", false, "confirm that all servers are stopped")
	return cmd
}

func rotateKeyEncryptionKey(cmd *cobra.Command, r records, file string) error {
	old, err := existingKeyEncryptionKey(r.config)
	if err != nil {
		return err
	}
	next, err := newKeyFile(r.config, file)
	if err != nil {
		return err
	}

	switch err := r.checkKey(cmd, old); {
	case errors.Is(err, secret.ErrUnsealable):
		return finishRotation(cmd, r, next)
	case err != nil:
		return err
	}

	if err := createKeyFile(next); err != nil {
		return err
	}
	replaced, err := replaceKey(cmd, r, old, next)
	if err != nil {
		return err
	}
	path, err := moveNewKey(r.config, next)
	if err != nil {
		return err
	}
	return printLine(cmd, "re-encrypted %d signing keys and %d second factors with the new key-encryption key in %s; "+
		"keep a copy of it elsewhere", replaced.SigningKeys, replaced.SecondFactors, path)
}

// newKeyFile returns the path of the new key, which may not exist yet.
func newKeyFile(c config.Config, flag string) (string, error) {
	switch configured := c.KeyEncryptionKey != nil; {
	case configured && flag == "":
		return "", errors.New("the key is configured: name the file of the new one with --new-key-file")
	case !configured && flag != "":
		return "", fmt.Errorf("the new key is generated and replaces the one in %s; --new-key-file is for a configured key",
			besideDatabase(c.Store, ".key"))
	case configured:
		return flag, nil
	}
	return nextKeyFile(c.Store), nil
}

// checkKey returns secret.ErrUnsealable if the database is not encrypted with the key.
func (r records) checkKey(cmd *cobra.Command, key []byte) error {
	sealer, err := secret.NewSealer(key)
	if err != nil {
		return err
	}
	return rekey.Check(cmd.Context(), r.store, sealer)
}

// finishRotation is for a database that the old key does not decrypt: an earlier run may have re-encrypted it with
// the new key and stopped before it moved the key file.
func finishRotation(cmd *cobra.Command, r records, next string) error {
	if !exists(next) {
		return wrongKeyError(r.config, false)
	}
	key, err := readNewKey(next)
	if err != nil {
		return err
	}
	if err := r.checkKey(cmd, key); errors.Is(err, secret.ErrUnsealable) {
		return fmt.Errorf("neither the key of this server nor the one in %s is the one that this database is "+
			"encrypted with; restore it from the backup of this database", next)
	} else if err != nil {
		return err
	}

	path, err := moveNewKey(r.config, next)
	if err != nil {
		return err
	}
	return printLine(cmd, "finished an interrupted rotation: the new key-encryption key is in %s; "+
		"keep a copy of it elsewhere", path)
}

func replaceKey(cmd *cobra.Command, r records, old []byte, next string) (rekey.Replaced, error) {
	key, err := readNewKey(next)
	if err != nil {
		return rekey.Replaced{}, err
	}
	if bytes.Equal(old, key) {
		return rekey.Replaced{}, fmt.Errorf("the key in %s is the old one", next)
	}

	from, err := secret.NewSealer(old)
	if err != nil {
		return rekey.Replaced{}, err
	}
	to, err := secret.NewSealer(key)
	if err != nil {
		return rekey.Replaced{}, err
	}
	replaced, err := rekey.Replace(cmd.Context(), r.store, from, to)
	if errors.Is(err, secret.ErrUnsealable) {
		err = fmt.Errorf("nothing was changed, because the old key does not decrypt every secret: %w", err)
	}
	return replaced, err
}

// readNewKey reads a key from a file that only its owner can read, and syncs the file to the disk: without the key,
// all that is encrypted with it is lost.
func readNewKey(path string) ([]byte, error) {
	file, err := os.Open(path) //nolint:gosec // the operator names the file
	if err != nil {
		return nil, err
	}
	defer file.Close() //nolint:errcheck // opened for reading

	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if info.Mode()&0o077 != 0 {
		return nil, fmt.Errorf("other users than its owner can open %s: run chmod 600 on it", path)
	}
	if err := errors.Join(file.Sync(), syncFolder(path)); err != nil {
		return nil, err
	}
	return readKeyFile(path)
}

// moveNewKey replaces the key beside the database with the new one, unless the key is configured. It returns the path
// of the new key.
func moveNewKey(c config.Config, next string) (string, error) {
	if c.KeyEncryptionKey != nil {
		return next, nil
	}
	path := besideDatabase(c.Store, ".key")
	if err := os.Rename(next, path); err != nil {
		return "", fmt.Errorf("the database is re-encrypted, but the new key is still in %s; "+
			"run this command again: %w", next, err)
	}
	return path, syncFolder(path)
}
