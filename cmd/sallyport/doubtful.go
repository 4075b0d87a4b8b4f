package main

import (
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"github.com/sallyport/sallyport/impl/apikey"
)

// doubtfulKeys is what doubtful shows.
type doubtfulKeys struct {
	Bound    int           `json:"bound"`
	Doubtful []doubtfulKey `json:"doubtful"`
}

type doubtfulKey struct {
	ID      string    `json:"id"`
	Owner   string    `json:"owner"`
	Created time.Time `json:"created"`
	Name    string    `json:"name"`
}

// newKeyDoubtful lists the keys of which the start of a server warns: those without a known creator.
func newKeyDoubtful() *cobra.Command {
	const short = "Bind the API keys of an older program to the creators in the audit trail, and list those without one"
	var out printer
	cmd := storeCommand(&cobra.Command{
		Use:     "doubtful",
		Short:   short,
		Example: "  sallyport key doubtful",
		Args:    cobra.NoArgs,
	}, func(cmd *cobra.Command, r records, _ []string) error {
		keys := apikey.NewService(r.store, apikey.Settings{}, slog.New(slog.DiscardHandler))
		defer keys.Close()

		makers, err := keys.RepairMakers(cmd.Context())
		if err != nil {
			return err
		}
		shown := doubtfulKeys{Bound: makers.Bound, Doubtful: []doubtfulKey{}}
		rows := [][]string{{"ID", "OWNER", "CREATED", "NAME"}}
		for _, key := range makers.Doubtful {
			shown.Doubtful = append(shown.Doubtful, doubtfulKey{key.ID, key.UserName, key.CreatedAt.UTC(), key.Description})
			rows = append(rows, []string{key.ID, key.UserName, formatTime(key.CreatedAt), key.Description})
		}
		note(cmd, "bound %s; %d are doubtful", quantity(makers.Bound, "API key"), len(makers.Doubtful))
		return out.print(cmd, shown, rows)
	})
	out.add(cmd)
	return cmd
}
