package main

import (
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/sallyport/sallyport/impl/authn/session"
)

func newSigningKey() *cobra.Command {
	cmd := &cobra.Command{
		Use: "signing-key", Short: "Look at the keys that sign sessions' tokens, or replace them, also while servers run on the same store",
		Args: cobra.NoArgs, RunE: help,
	}
	cmd.AddCommand(newSigningKeyList(), newSigningKeyRotate())
	return cmd
}

func newSigningKeyList() *cobra.Command {
	return storeCommand("list", "List the keys, the one that takes over last first", cobra.NoArgs, func(cmd *cobra.Command, r records, _ []string) error {
		keys, err := session.Keys(cmd.Context(), r.store)
		if err != nil {
			return err
		}
		table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
		if _, err := fmt.Fprintln(table, "ID\tSTATE\tCREATED\tSIGNS FROM\tVERIFIES UNTIL"); err != nil {
			return err
		}
		for _, k := range keys {
			if _, err := fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", k.ID, k.State, moment(k.CreatedAt), moment(k.SignsFrom), moment(k.VerifiesUntil)); err != nil {
				return err
			}
		}
		return table.Flush()
	})
}

// moment is a time for a table.
func moment(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(time.RFC3339)
}

func newSigningKeyRotate() *cobra.Command {
	var now, force bool
	cmd := storeCommand("rotate", "Make the next key, which takes over in a few minutes, when all servers know it", cobra.NoArgs,
		func(cmd *cobra.Command, r records, _ []string) error {
			sessions, _, err := r.sessions(cmd.Context())
			if err != nil {
				return err
			}
			if now {
				return revoke(cmd, sessions)
			}
			key, isNew, err := sessions.RotateKey(cmd.Context())
			if err != nil {
				return err
			}
			if !isNew {
				return say(cmd, "the key %s waits already, and signs from %s", key.ID, moment(key.SignsFrom))
			}
			return say(cmd, "made the key %s, which signs from %s; sessions go on", key.ID, moment(key.SignsFrom))
		})
	cmd.Flags().BoolVar(&now, "now", false, "for a key that others have got hold of: delete all keys at once, and end all sessions")
	cmd.Flags().BoolVar(&force, "force", false, "with --now: end all sessions")
	cmd.PreRunE = func(*cobra.Command, []string) error {
		if now && !force {
			return errors.New("--now ends all sessions, and everybody has to sign in again; --force does it")
		}
		return nil
	}
	return cmd
}

func revoke(cmd *cobra.Command, sessions *session.Service) error {
	key, ended, err := sessions.RevokeKeys(cmd.Context())
	if err != nil {
		return err
	}
	return say(cmd, "made the key %s, which signs at once, deleted all others, and ended all sessions: %d", key.ID, ended)
}
