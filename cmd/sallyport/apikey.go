package main

import (
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/sallyport/sallyport/impl/apikey"
)

func newAPIKey() *cobra.Command {
	const short = "Maintain API keys, also while a server runs on the same store"
	return newGroup("api-key", short, newAPIKeyDoubtful())
}

// newAPIKeyDoubtful lists the keys of which the start of a server warns: those without a known creator.
func newAPIKeyDoubtful() *cobra.Command {
	const short = "Bind the API keys of an older program to the creators in the audit trail, and list those without one"
	return storeCommand("doubtful", short, cobra.NoArgs, func(cmd *cobra.Command, r records, _ []string) error {
		keys := apikey.NewService(r.store, apikey.Settings{}, slog.New(slog.DiscardHandler))
		defer keys.Close()

		makers, err := keys.RepairMakers(cmd.Context())
		if err != nil {
			return err
		}
		err = printLine(cmd, "bound %d API keys; %d are doubtful", makers.Bound, len(makers.Doubtful))
		if err != nil || len(makers.Doubtful) == 0 {
			return err
		}

		rows := [][]string{{"ID", "OWNER", "CREATED", "NAME"}}
		for _, key := range makers.Doubtful {
			rows = append(rows, []string{key.ID, key.UserName, formatTime(key.CreatedAt), printable(key.Description)})
		}
		return printTable(cmd.OutOrStdout(), rows)
	})
}
