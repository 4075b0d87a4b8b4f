package main

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/sallyport/sallyport/impl/authn/session"
)

func newSigningKey() *cobra.Command {
	const short = "List and rotate the keys that sign session tokens, also while servers run on the same store"
	return newGroup("signing-key", short, newSigningKeyList(), newSigningKeyRotate())
}

// shownSigningKey is a key as list shows it.
type shownSigningKey struct {
	ID            string     `json:"id"`
	State         string     `json:"state"`
	Created       time.Time  `json:"created"`
	SignsFrom     *time.Time `json:"signs_from,omitempty"`
	VerifiesUntil *time.Time `json:"verifies_until,omitempty"`
}

func newSigningKeyList() *cobra.Command {
	const short = "List the keys, the latest to sign first"
	var out printer
	cmd := storeCommand(&cobra.Command{
		Use:     "list",
		Short:   short,
		Example: "  sallyport signing-key list",
		Args:    cobra.NoArgs,
	}, func(cmd *cobra.Command, r records, _ []string) error {
		keys, err := session.Keys(cmd.Context(), r.store)
		if err != nil {
			return err
		}
		shown := []shownSigningKey{}
		rows := [][]string{{"ID", "STATE", "CREATED", "SIGNS FROM", "VERIFIES UNTIL"}}
		for _, k := range keys {
			shown = append(shown, shownSigningKey{
				ID:            k.ID,
				State:         string(k.State),
				Created:       k.CreatedAt.UTC(),
				SignsFrom:     timeOrNil(k.SignsFrom),
				VerifiesUntil: timeOrNil(k.VerifiesUntil),
			})
			rows = append(rows, []string{
				k.ID, string(k.State), formatTime(k.CreatedAt), formatTime(k.SignsFrom), formatTime(k.VerifiesUntil),
			})
		}
		return out.print(cmd, shown, rows)
	})
	out.add(cmd)
	return cmd
}

func newSigningKeyRotate() *cobra.Command {
	var now, force bool
	const short = "Generate the next key, which signs in a few minutes, when all servers have it"
	cmd := storeCommand(&cobra.Command{
		Use:     "rotate",
		Short:   short,
		Example: "  sallyport signing-key rotate\n  sallyport signing-key rotate --now --force",
		Args:    cobra.NoArgs,
	}, func(cmd *cobra.Command, r records, _ []string) error {
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
			return usageErrorf("--now ends all sessions, and all users have to sign in again; add --force to confirm")
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
