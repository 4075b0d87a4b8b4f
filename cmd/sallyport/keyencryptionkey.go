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
	cmd := &cobra.Command{
		Use: "key-encryption-key", Short: "Replace the key that seals keys and second factors in the database",
		Args: cobra.NoArgs, RunE: help,
	}
	cmd.AddCommand(newKeyEncryptionKeyRotate())
	return cmd
}

func newKeyEncryptionKeyRotate() *cobra.Command {
	var flags configFlags
	var file string
	var force bool
	cmd := &cobra.Command{
		Use: "rotate", Short: "Seal anew, with another key, what is sealed in the database; no server may run on it",
		Long: `Seal anew, with another key, what is sealed in the database, all or nothing. Sessions, API keys and second factors go on.

A key in the file beside a SQLite database is replaced there by one that is made. Where the key is configured, --new-key-file
names the file that has the new one, or gets one that is made; configure it for all servers before they start again.

Stop all servers first. On SQLite one that runs is noticed; on PostgreSQL nothing notices, and a server that runs on fails
at all that has to do with signing in until it is started with the new key. Backups from before need the old key.

If this is interrupted, run it again: it goes on from where it was.`,
		Args: cobra.NoArgs,
		PreRunE: func(*cobra.Command, []string) error {
			if !force {
				return errors.New("all servers have to be stopped, and backups from before need the old key, of which to keep a copy; --force goes on")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := config.Load(flags.sources(cmd))
			if err != nil {
				return err
			}
			if databaseFile(c.Store) != "" {
				if err := explain(store.Unused(cmd.Context(), c.Store), c.Store); err != nil {
					return err
				}
			}
			return onRecords(cmd, c, func(r records) error { return rotateKeyEncryptionKey(cmd, r, file) })
		},
	}
	flags.add(cmd, "store")
	cmd.Flags().StringVar(&file, "new-key-file", "", "file with the new key, as openssl rand -base64 32 writes it, where the key is configured; made if there is none")
	cmd.Flags().BoolVar(&force, "force", false, "all servers are stopped")
	return cmd
}

func rotateKeyEncryptionKey(cmd *cobra.Command, r records, file string) error {
	old, err := serversKey(r.config)
	if err != nil {
		return err
	}
	next, err := newKeyFile(r.config, file)
	if err != nil {
		return err
	}
	switch err := r.opens(cmd, old); {
	case errors.Is(err, secret.ErrUnsealable):
		return finish(cmd, r, next)
	case err != nil:
		return err
	}
	if err := makeKeyFile(next); err != nil {
		return err
	}
	replaced, err := replaceKey(cmd, r, old, next)
	if err != nil {
		return err
	}
	path, err := takeOver(r.config, next)
	if err != nil {
		return err
	}
	return say(cmd, "%s has the key-encryption key from now on, and all that there is was sealed anew: signing keys: %d, second factors: %d; keep a copy of it somewhere else",
		path, replaced.SigningKeys, replaced.SecondFactors)
}

// newKeyFile is where the new key is, or is to be made.
func newKeyFile(c config.Config, named string) (string, error) {
	switch configured := c.KeyEncryptionKey != nil; {
	case configured && named == "":
		return "", errors.New("the key is configured, so --new-key-file has to name the file for the new one")
	case !configured && named != "":
		return "", fmt.Errorf("the key is in %s, which gets a new one that is made; --new-key-file is for a key that is configured", beside(c.Store, ".key"))
	case configured:
		return named, nil
	}
	return nextKeyFile(c.Store), nil
}

// opens returns secret.ErrUnsealable unless the database is sealed with a key.
func (r records) opens(cmd *cobra.Command, key []byte) error {
	sealer, err := secret.NewSealer(key)
	if err != nil {
		return err
	}
	return rekey.Check(cmd.Context(), r.store, sealer)
}

// finish is for a database that the old key does not open: perhaps because the new one took over, and what comes after did not happen.
func finish(cmd *cobra.Command, r records, next string) error {
	if !exists(next) {
		return wrongKey(r.config, false)
	}
	key, err := readNewKey(next)
	if err != nil {
		return err
	}
	if err := r.opens(cmd, key); errors.Is(err, secret.ErrUnsealable) {
		return fmt.Errorf("neither the key that this server has nor the one in %s is the one that this database was made with; restore it from the backup of this database", next)
	} else if err != nil {
		return err
	}
	path, err := takeOver(r.config, next)
	if err != nil {
		return err
	}
	return say(cmd, "%s has the key-encryption key already: the replacement was interrupted, and is finished now; keep a copy of it somewhere else", path)
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
		err = fmt.Errorf("nothing was changed, because the old key does not open all that is sealed: %w", err)
	}
	return replaced, err
}

// readNewKey returns a key that only its owner can read, when the disk is sure to have it: all will be lost without it.
func readNewKey(path string) ([]byte, error) {
	file, err := os.Open(path) //nolint:gosec // the operator names the file
	if err != nil {
		return nil, err
	}
	defer file.Close() //nolint:errcheck // it is read only
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if info.Mode()&0o077 != 0 {
		return nil, fmt.Errorf("%s is open to others than its owner; chmod 600 shuts them out", path)
	}
	if err := errors.Join(file.Sync(), syncFolder(path)); err != nil {
		return nil, err
	}
	return readKeyFile(path)
}

// takeOver puts the new key in the place of the one beside the database, if that is where keys are, and returns where it is.
func takeOver(c config.Config, next string) (string, error) {
	if c.KeyEncryptionKey != nil {
		return next, nil
	}
	path := beside(c.Store, ".key")
	if err := os.Rename(next, path); err != nil {
		return "", fmt.Errorf("the new key took over, but stays in %s, from where this command moves it when it is run again: %w", next, err)
	}
	return path, syncFolder(path)
}
