package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/sallyport/sallyport/impl/audit"
)

func newAudit() *cobra.Command {
	const short = "Read the audit trail, also while a server runs on the same store"
	return newGroup("audit", short, newAuditExport())
}

func newAuditExport() *cobra.Command {
	var text string
	var since time.Time
	cmd := storeCommand("export", "Print the audit trail, oldest entry first, one JSON object per line", cobra.NoArgs,
		func(cmd *cobra.Command, r records, _ []string) error {
			return audit.Export(cmd.Context(), r.store, since, cmd.OutOrStdout())
		})
	cmd.Flags().StringVar(&text, "since", "", "omit entries older than this time, such as 2026-01-31T00:00:00Z")

	cmd.PreRunE = func(cmd *cobra.Command, _ []string) (err error) {
		if cmd.Flags().Changed("since") {
			since, err = parseSince(text)
		}
		return err
	}
	return cmd
}

func parseSince(text string) (time.Time, error) {
	since, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return since, fmt.Errorf("--since: %q is not a time such as 2026-01-31T00:00:00Z", text)
	}
	return since, nil
}
