package main

import (
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/sallyport/sallyport/impl/authn/session"
)

func newSigningKey() *cobra.Command {
	const short = "List and rotate the keys that sign session tokens, also while servers run on the same store"
	return newGroup("signing-key", short, newSigningKeyList(), newSigningKeyRotate())
}

func newSigningKeyList() *cobra.Command {
	const short = "List the keys, the latest to sign first"
	return storeCommand("list", short, cobra.NoArgs, func(cmd *cobra.Command, r records, _ []string) error {
		keys, err := session.Keys(cmd.Context(), r.store)
		if err != nil {
			return err
		}
		rows := [][]string{{"ID", "STATE", "CREATED", "SIGNS FROM", "VERIFIES UNTIL"}}
		for _, k := range keys {
			rows = append(rows, []string{
				k.ID, string(k.State), formatTime(k.CreatedAt), formatTime(k.SignsFrom), formatTime(k.VerifiesUntil),
			})
		}
		return printTable(cmd.OutOrStdout(), rows)
	})
}

// formatTime formats a time for a table; the zero time is "-".
func formatTime(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(time.RFC3339)
}

func newSigningKeyRotate() *cobra.Command {
	var now, force bool
	const short = "Generate the next key, which signs in a few minutes, when all servers have it"
	cmd := storeCommand("rotate", short, cobra.NoArgs,
		func(cmd *cobra.Command, r records, _ []string) error {
			sessions, _, err := r.sessions(cmd.Context())
			if err != nil {
				return err
			}
			if now {
				return revokeSigningKeys(cmd, sessions)
			}
			key, isNew, err := sessions.RotateKey(cmd.Context())
			if err != nil {
				return err
			}
			if !isNew {
				return printLine(cmd, "the next key exists: %s signs from %s", key.ID, formatTime(key.SignsFrom))
			}
			return printLine(cmd, "generated the key %s, which signs from %s; sessions stay valid",
				key.ID, formatTime(key.SignsFrom))
		})
	cmd.Flags().BoolVar(&now, "now", false, "for a compromised key: delete all keys immediately, and end all sessions")
	cmd.Flags().BoolVar(&force, "force", false, "with --now: confirm that all sessions end")
	cmd.PreRunE = func(*cobra.Command, []string) error {
		if now && !force {
			return errors.New("--now ends all sessions, and all users have to sign in again; add --force to confirm")
		}
		return nil
	}
	return cmd
}

func revokeSigningKeys(cmd *cobra.Command, sessions *session.Service) error {
	key, ended, err := sessions.RevokeKeys(cmd.Context())
	if err != nil {
		return err
	}
	return printLine(cmd, "generated the key %s, which signs immediately; deleted all other keys, and ended %d sessions",
		key.ID, ended)
}
