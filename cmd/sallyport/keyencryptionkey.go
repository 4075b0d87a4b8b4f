package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sallyport/sallyport/impl/authn/rekey"
	"github.com/sallyport/sallyport/impl/authn/sealing"
	"github.com/sallyport/sallyport/impl/config"
	"github.com/sallyport/sallyport/impl/platform/secret"
	"github.com/sallyport/sallyport/impl/saml"
	"github.com/sallyport/sallyport/impl/store"
)

func newKeyEncryptionKey() *cobra.Command {
	const short = "List and rotate the keys that encrypt signing keys and second factors in the database"
	return newGroup("key-encryption-key", short, newKeyEncryptionKeyList(), newKeyEncryptionKeyRotate())
}

func newKeyEncryptionKeyList() *cobra.Command {
	const short = "List the keys that secrets in the database are encrypted with, by their ids"
	var out printer
	cmd := storeCommand(&cobra.Command{
		Use:     "list",
		Short:   short,
		Example: "  sallyport key-encryption-key list",
		Args:    cobra.NoArgs,
	}, func(cmd *cobra.Command, r records, _ []string) error {
		keys, err := store.Read(cmd.Context(), r.store,
			func(tx *store.Tx) ([]store.KeyEncryptionKey, error) { return tx.KeyEncryptionKeys.All() })
		if err != nil {
			return err
		}
		sealer, err := r.sealer(cmd.Context())
		if err != nil {
			return err
		}

		shown := []shownEncryptionKey{}
		rows := [][]string{{"ID", "SETTING", "IN USE SINCE"}}
		for _, key := range keys {
			setting := settingOfKey(sealer, key.ID)
			shown = append(shown, shownEncryptionKey{key.ID, setting, key.CreatedAt.UTC()})
			rows = append(rows, []string{key.ID, setting, formatTime(key.CreatedAt)})
		}
		return out.print(cmd, shown, rows)
	})
	out.add(cmd)
	return cmd
}

// shownEncryptionKey is a key as list shows it.
type shownEncryptionKey struct {
	ID         string    `json:"id"`
	Setting    string    `json:"setting"`
	InUseSince time.Time `json:"in_use_since"`
}

// settingOfKey returns the name of the setting that holds a key of the store; "-" if none does.
func settingOfKey(sealer *secret.Sealer, id string) string {
	switch {
	case sealer.KeyID() == id:
		return "key_encryption_key"
	case sealer.Knows(id):
		return "key_encryption_key_fallback"
	}
	return "-"
}

// rotation holds the flags of key-encryption-key rotate.
type rotation struct {
	file          string
	force, online bool
}

func newKeyEncryptionKeyRotate() *cobra.Command {
	var flags configFlags
	var o rotation
	cmd := &cobra.Command{
		Use: "rotate", Short: "Re-encrypt the secrets in the database with a new key",
		Long: `Re-encrypt the secrets in the database with a new key. Sessions, API keys and second factors stay valid.

With --online, while servers run: all have key_encryption_key, with which the secrets are re-encrypted, and the old key
as key_encryption_key_fallback. It reports when the old key is no longer needed. After an interruption, repeat the
command: it skips what is re-encrypted already.

With --force, all or none, while no server runs. If the key is in the file beside a SQLite database, a new key is
generated and replaces it there. If the key is configured, --new-key-file names the file with the new key, which is
generated if the file does not exist; configure it for all servers before they start again. A running server is
detected on SQLite, but not on PostgreSQL: there it refuses sign-ins, sessions and second factors until it is restarted
with the new key. If the command is interrupted, run it again: it continues where it stopped.

Backups made before need the old key.`,
		Example: "  sallyport key-encryption-key rotate --force",
		Args:    cobra.NoArgs,
		PreRunE: func(*cobra.Command, []string) error {
			switch {
			case o.online && (o.force || o.file != ""):
				return usageErrorf("--online uses the configured keys, while servers run: " +
					"--force and --new-key-file are for stopped servers")
			case !o.online && !o.force:
				return usageErrorf("stop all servers, and keep a copy of the old key, which backups made before need; " +
					"then add --force; or add --online to rotate while servers run")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := flags.load(cmd)
			if err != nil {
				return err
			}
			if o.online {
				return onRecords(cmd, c, func(r records) error { return rotateOnline(cmd, r) })
			}
			if err := wantDatabase(c.Store); err != nil {
				return err
			}
			if databaseFile(c.Store) != "" {
				if err := explainDatabaseError(store.Unused(cmd.Context(), c.Store), c.Store); err != nil {
					return err
				}
			}
			return onRecords(cmd, c, func(r records) error { return rotateKeyEncryptionKey(cmd, r, o.file) })
		},
	}
	flags.add(cmd, "store")
	cmd.Flags().StringVar(&o.file, "new-key-file", "",
		"if the key is configured: file with the new key, as openssl rand -base64 32 writes it; created if it does not exist")
	cmd.Flags().BoolVar(&o.force, "force", false, "confirm that all servers are stopped")
	cmd.Flags().BoolVar(&o.online, "online", false, "re-encrypt while servers run that have both keys")
	return cmd
}

// rotateOnline re-encrypts with the configured key what is encrypted with the fallback.
func rotateOnline(cmd *cobra.Command, r records) error {
	if r.config.KeyEncryptionKeyFallback == nil {
		return usageErrorf("key_encryption_key_fallback is not set: configure the new key as key_encryption_key and the " +
			"old one as key_encryption_key_fallback, here as for all servers")
	}
	sealer, err := r.sealer(cmd.Context())
	if err != nil {
		return err
	}
	if err := r.wantServersWith(cmd, sealer); err != nil {
		return err
	}

	const interval = 1000
	reported := 0
	replaced, dropped, err := rekey.Reencrypt(cmd.Context(), r.store, sealer, func(so rekey.Replaced) {
		if so.SecondFactors-reported >= interval {
			reported = so.SecondFactors
			note(cmd, "re-encrypted %d second factors so far", reported)
		}
	})
	if errors.Is(err, secret.ErrUnsealable) {
		err = fmt.Errorf("neither of the configured keys decrypts every secret: %w", err)
	}
	if err != nil {
		return fmt.Errorf("%w; %d signing keys and %d second factors are re-encrypted", err, replaced.SigningKeys,
			replaced.SecondFactors)
	}
	return printLine(cmd, "re-encrypted %d signing keys and %d second factors with the key %s; %s", replaced.SigningKeys,
		replaced.SecondFactors, sealer.KeyID(), droppedKeys(r.config, dropped))
}

// wantServersWith returns an error unless a server encrypts with the current key of a sealer. Servers that do not have
// the key would stop to serve if secrets were re-encrypted with it.
func (r records) wantServersWith(cmd *cobra.Command, sealer *secret.Sealer) error {
	registered, err := store.Read(cmd.Context(), r.store,
		func(tx *store.Tx) (bool, error) { return sealing.Check(tx, sealer) })
	switch {
	case errors.Is(err, secret.ErrUnsealable):
		return wrongKeyError(r.config, false, err)
	case err == nil && !registered:
		return fmt.Errorf("no server has started with the key %s as key_encryption_key yet: "+
			"first restart all servers with it", sealer.KeyID())
	}
	return err
}

// droppedKeys says which keys are no longer needed, and from when.
func droppedKeys(c config.Config, ids []string) string {
	// Sign-ins at identity providers that began on a server with the old key may still be in progress.
	wait := saml.PendingTime.Minutes()
	if len(ids) == 0 {
		ids = []string{secret.KeyID(c.KeyEncryptionKeyFallback)}
	}
	return fmt.Sprintf("the key %s is no longer needed: from %.0f minutes after the last server with it as "+
		"key_encryption_key has stopped, restart the servers without key_encryption_key_fallback",
		strings.Join(ids, ", "), wait)
}

func rotateKeyEncryptionKey(cmd *cobra.Command, r records, file string) error {
	old, err := r.keyEncryptionKey(cmd.Context())
	if err != nil {
		return err
	}
	next, err := newKeyFile(r.config, file)
	if err != nil {
		return err
	}

	from, err := r.sealer(cmd.Context())
	if err != nil {
		return err
	}
	switch err := rekey.Check(cmd.Context(), r.store, from); {
	case errors.Is(err, secret.ErrUnsealable):
		return finishRotation(cmd, r, next, err)
	case err != nil:
		return err
	}

	if err := createKeyFile(next); err != nil {
		return createKeyError(next, err)
	}
	replaced, err := replaceKey(cmd, r, old, from, next)
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
		return "", usageErrorf("the key is configured: name the file of the new one with --new-key-file")
	case !configured && flag != "":
		return "", usageErrorf("the new key is generated and replaces the one in %s; --new-key-file is for a configured key",
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
func finishRotation(cmd *cobra.Command, r records, next string, cause error) error {
	if !exists(next) {
		return wrongKeyError(r.config, false, cause)
	}
	key, err := readNewKey(next)
	if err != nil {
		return err
	}
	if err := r.checkKey(cmd, key); errors.Is(err, secret.ErrUnsealable) {
		return usageErrorf("neither the key of this server nor the one in %s is the one that this database is "+
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

func replaceKey(cmd *cobra.Command, r records, old []byte, from *secret.Sealer, next string) (rekey.Replaced, error) {
	key, err := readNewKey(next)
	if err != nil {
		return rekey.Replaced{}, err
	}
	if bytes.Equal(old, key) {
		return rekey.Replaced{}, usageErrorf("the key in %s is the old one", next)
	}

	to, err := secret.NewSealer(key)
	if err != nil {
		return rekey.Replaced{}, err
	}
	var replaced rekey.Replaced
	err = withProgress(cmd, "re-encrypting", func() error {
		replaced, err = rekey.Replace(cmd.Context(), r.store, from, to)
		return err
	})
	if errors.Is(err, secret.ErrUnsealable) {
		err = fmt.Errorf("nothing was changed, because the old key does not decrypt every secret: %w", err)
	}
	return replaced, err
}

// readNewKey reads a key, and syncs its file to the disk: without the key, all that is encrypted with it is lost.
func readNewKey(path string) ([]byte, error) {
	key, err := readKeyFile(path)
	if err != nil {
		return nil, err
	}
	file, err := os.Open(path) //nolint:gosec // the operator names the file
	if err != nil {
		return nil, err
	}
	return key, errors.Join(file.Sync(), file.Close(), syncFolder(path))
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
