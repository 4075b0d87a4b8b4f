package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	gen "github.com/sallyport/sallyport/gen/client"
	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/client"
)

// auditPage is the number of entries that are read at a time.
const auditPage = 100

// auditTrail is the audit trail of a database, or of a server.
type auditTrail interface {
	// page returns the next entries that a query selects, newest first, and the cursor of those after, or "".
	page(context.Context, audit.Query) ([]shownEntry, string, error)
}

var trails = targetOf[auditTrail]{
	database: func(r records) (auditTrail, func()) { return databaseTrail{audit.NewTrail(r.store)}, func() {} },
	server:   func(c *client.Client) auditTrail { return remoteTrail{c} },
}

// shownEntry is an entry as list shows it, which is as the API has it.
type shownEntry = gen.AuditEntry

type databaseTrail struct{ trail *audit.Trail }

func (s databaseTrail) page(ctx context.Context, q audit.Query) ([]shownEntry, string, error) {
	page, err := s.trail.Read(ctx, q)
	shown := make([]shownEntry, len(page.Entries))
	for i, e := range page.Entries {
		shown[i] = shownEntry{
			ID:        e.ID,
			At:        e.At.UTC(),
			Event:     e.Event,
			Actor:     e.Actor,
			Subject:   e.Subject,
			Address:   e.Address,
			RequestID: e.RequestID,
			Details:   e.Details,
		}
	}
	return shown, page.Next, err
}

type remoteTrail struct{ client *client.Client }

func (s remoteTrail) page(ctx context.Context, q audit.Query) ([]shownEntry, string, error) {
	r, err := s.client.API().GetAuditEntriesWithResponse(ctx, &gen.GetAuditEntriesParams{
		Actor:   textOrNil(q.Actor),
		Subject: textOrNil(q.Subject),
		Event:   textOrNil(string(q.Event)),
		Since:   timeOrNil(q.Since),
		Until:   timeOrNil(q.Until),
		Limit:   &q.Limit,
		Cursor:  textOrNil(q.Cursor),
	})
	if err != nil {
		return nil, "", err
	}
	if r.JSON200 == nil {
		return nil, "", fmt.Errorf("the server answered %s", r.Status())
	}
	return r.JSON200.Entries, valueOf(r.JSON200.NextCursor), nil
}

func newAuditList() *cobra.Command {
	var q audit.Query
	var event, since, until string
	var limit int
	var out printer
	cmd := targetCommand(&cobra.Command{
		Use:   "list",
		Short: "List the latest entries of the audit trail, newest first",
		Example: "  sallyport audit list --limit 10\n" +
			"  sallyport audit list --event user.created --since 2026-01-31T00:00:00Z --output json",
		Args: cobra.NoArgs,
	}, trails, func(cmd *cobra.Command, entries auditTrail, _ []string) error {
		list, err := latest(cmd.Context(), entries, q, limit)
		if err != nil {
			return err
		}
		rows := [][]string{{"TIME", "EVENT", "ACTOR", "SUBJECT", "ADDRESS", "DETAILS"}}
		for _, e := range list {
			details, err := json.Marshal(e.Details)
			if err != nil {
				return err
			}
			rows = append(rows, []string{
				formatTime(e.At), e.Event, e.Actor, e.Subject, e.Address,
				jsonCell(details),
			})
		}
		return out.print(cmd, orEmpty(list), rows)
	})
	cmd.PreRunE = func(cmd *cobra.Command, _ []string) (err error) {
		q.Event = audit.Event(event)
		if limit < 1 {
			return usageErrorf("--limit: this must be at least 1")
		}
		if q.Since, err = optionalMoment("since", since); err != nil {
			return err
		}
		q.Until, err = optionalMoment("until", until)
		return err
	}
	cmd.Flags().StringVar(&q.Actor, "actor", "", "list changes by this user only; (command line) for commands")
	completeFlag(cmd, "actor", flagFromDatabase(actorNames))
	cmd.Flags().StringVar(&q.Subject, "subject", "", "list changes of this user, key or role only")
	cmd.Flags().StringVar(&event, "event", "", "list this kind of change only, such as user.created")
	completeFlag(cmd, "event", oneOf(textsOf(audit.Events)...))
	cmd.Flags().StringVar(&since, "since", "", "omit entries older than this time, such as 2026-01-31T00:00:00Z")
	cmd.Flags().StringVar(&until, "until", "", "omit entries from this time on")
	cmd.Flags().IntVar(&limit, "limit", auditPage, "maximum number of entries")
	out.add(cmd)
	return cmd
}

// actorNames returns the actors of changes: the users, and those that are none.
func actorNames(cmd *cobra.Command, r records) ([]string, error) {
	names, err := userNames(cmd, r)
	return append(names, audit.CommandLine, audit.System), err
}

// latest reads up to limit entries.
func latest(ctx context.Context, entries auditTrail, q audit.Query, limit int) ([]shownEntry, error) {
	var list []shownEntry
	for len(list) < limit {
		q.Limit = min(auditPage, limit-len(list))
		page, next, err := entries.page(ctx, q)
		if err != nil {
			return nil, err
		}
		list = append(list, page...)
		if next == "" {
			break
		}
		q.Cursor = next
	}
	return list, nil
}

// optionalMoment parses the time of a flag; the zero time for none.
func optionalMoment(flag, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	return parseMoment(flag, text)
}
