package main

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/sallyport/sallyport/impl/audit"
)

func newAudit() *cobra.Command {
	const short = "Read the audit trail, on the database or on a server"
	return newGroup("audit", short, newAuditExport(), newAuditList())
}

func newAuditExport() *cobra.Command {
	var text string
	var since time.Time
	cmd := storeCommand(&cobra.Command{
		Use:     "export",
		Short:   "Print the audit trail, oldest entry first, one JSON object per line",
		Example: "  sallyport audit export --since 2026-01-31T00:00:00Z",
		Args:    cobra.NoArgs,
	}, func(cmd *cobra.Command, r records, _ []string) error {
		return audit.Export(cmd.Context(), r.store, since, cmd.OutOrStdout())
	})
	cmd.Flags().StringVar(&text, "since", "", "omit entries older than this time, such as 2026-01-31T00:00:00Z")

	cmd.PreRunE = func(cmd *cobra.Command, _ []string) (err error) {
		if cmd.Flags().Changed("since") {
			since, err = parseMoment("since", text)
		}
		return err
	}
	return cmd
}

// parseMoment parses the time of a flag.
func parseMoment(flag, text string) (time.Time, error) {
	moment, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return moment, usageErrorf("--%s: %q is not a time such as 2026-01-31T00:00:00Z", flag, text)
	}
	return moment, nil
}
