package main

import (
	"fmt"
	"log/slog"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/sallyport/sallyport/impl/apikey"
)

func newAPIKey() *cobra.Command {
	cmd := &cobra.Command{Use: "api-key", Short: "Look after API keys, also while a server runs on the same store", Args: cobra.NoArgs, RunE: help}
	cmd.AddCommand(newAPIKeyDoubtful())
	return cmd
}

// newAPIKeyDoubtful lists what a start of a server warns of.
func newAPIKeyDoubtful() *cobra.Command {
	return storeCommand("doubtful", "Bind API keys that an older program left unbound, by the audit trail, and list those of which it says too little", cobra.NoArgs,
		func(cmd *cobra.Command, r records, _ []string) error {
			keys := apikey.NewService(r.store, apikey.Settings{}, slog.New(slog.DiscardHandler))
			defer keys.Close()
			makers, err := keys.RepairMakers(cmd.Context())
			if err != nil {
				return err
			}
			if err := say(cmd, "%d API keys are bound now, and %d are doubtful", makers.Bound, len(makers.Doubtful)); err != nil || len(makers.Doubtful) == 0 {
				return err
			}
			table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			_, _ = fmt.Fprintln(table, "ID\tOWNER\tCREATED\tNAME") // Flush returns what went wrong
			for _, key := range makers.Doubtful {
				_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", key.ID, key.UserName, key.CreatedAt.Format(time.RFC3339), printable(key.Description))
			}
			return table.Flush()
		})
}
