package main

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/sallyport/sallyport/impl/config"
	"github.com/sallyport/sallyport/impl/saml"
)

func newSAML() *cobra.Command {
	cmd := &cobra.Command{Use: "saml", Short: "Look at single sign-on", Args: cobra.NoArgs, RunE: help}
	var flags configFlags
	var id string
	check := &cobra.Command{
		Use:   "check",
		Short: "Report what is wrong with realms and with the metadata of their identity providers",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := config.Load(flags.sources(cmd))
			if err != nil {
				return fmt.Errorf("the configuration cannot be used:\n%w", err)
			}
			realms, err := chosen(c.Realms, id)
			if err != nil {
				return err
			}
			return checkRealms(cmd, realms)
		},
	}
	check.Flags().StringVar(&id, "realm", "", "check only the realm with this id")
	flags.add(check)
	cmd.AddCommand(check)
	return cmd
}

func chosen(realms []saml.Realm, id string) ([]saml.Realm, error) {
	if len(realms) == 0 {
		return nil, errors.New("there are no realms; the setting saml.realms names the file that describes them")
	}
	if id == "" {
		return realms, nil
	}
	i := slices.IndexFunc(realms, func(r saml.Realm) bool { return r.ID == id })
	if i < 0 {
		return nil, fmt.Errorf("--realm: there is no realm %q", id)
	}
	return realms[i : i+1], nil
}

// checkRealms fails if any realm cannot be used as it is. What is only to be looked at does not fail.
func checkRealms(cmd *cobra.Command, realms []saml.Realm) error {
	var problems []error
	for _, realm := range realms {
		report := saml.Check(cmd.Context(), realm, metadataURL(realm), time.Now())
		if err := writeFacts(cmd.OutOrStdout(), report); err != nil {
			return err
		}
		for _, f := range report.Findings {
			line := fmt.Sprintf("realm %s: %s: %s", report.Realm, f.Setting, f.Text)
			if f.Harmless {
				cmd.PrintErrln("warning:", line)
			} else {
				problems = append(problems, errors.New(line))
			}
		}
	}
	if len(problems) > 0 {
		return fmt.Errorf("these realms cannot be used as they are:\n%w", errors.Join(problems...))
	}
	return nil
}

// metadataURL is the URL of the operation saml-metadata for a realm, beside that of saml-callback.
func metadataURL(realm saml.Realm) string {
	return strings.TrimSuffix(realm.SP.ACS, "_callback") + "metadata?realm=" + url.QueryEscape(realm.ID)
}

func writeFacts(w io.Writer, report saml.Report) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if _, err := fmt.Fprintf(table, "realm %s\n", report.Realm); err != nil {
		return err
	}
	for _, fact := range report.Facts {
		if _, err := fmt.Fprintf(table, "  %s\t%s\n", fact.Name, fact.Value); err != nil {
			return err
		}
	}
	return table.Flush()
}
