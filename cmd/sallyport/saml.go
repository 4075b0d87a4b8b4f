package main

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sallyport/sallyport/impl/config"
	"github.com/sallyport/sallyport/impl/saml"
)

func newSAML() *cobra.Command {
	var flags configFlags
	var id string
	check := &cobra.Command{
		Use:   "check",
		Short: "Check the SAML realms and the metadata of their identity providers",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := config.Load(flags.sources(cmd))
			if err != nil {
				return fmt.Errorf("invalid configuration:\n%w", err)
			}
			realms, err := selectRealms(c.Realms, id)
			if err != nil {
				return err
			}
			return checkRealms(cmd, realms)
		},
	}
	check.Flags().StringVar(&id, "realm", "", "check only the realm with this id")
	flags.add(check)
	return newGroup("saml", "Check the SAML realms", check)
}

func selectRealms(realms []saml.Realm, id string) ([]saml.Realm, error) {
	if len(realms) == 0 {
		return nil, errors.New("no realms are configured; the setting saml.realms names the file that describes them")
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

// checkRealms returns an error if any realm is misconfigured. Harmless findings are printed as warnings.
func checkRealms(cmd *cobra.Command, realms []saml.Realm) error {
	var problems []error
	for _, realm := range realms {
		report := saml.Check(cmd.Context(), realm, metadataURL(realm), time.Now())
		rows := [][]string{{"realm " + report.Realm}}
		for _, fact := range report.Facts {
			rows = append(rows, []string{"  " + fact.Name, fact.Value})
		}
		if err := printTable(cmd.OutOrStdout(), rows); err != nil {
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
		return fmt.Errorf("misconfigured realms:\n%w", errors.Join(problems...))
	}
	return nil
}

// metadataURL returns the URL of the operation saml-metadata for a realm, beside that of saml-callback.
func metadataURL(realm saml.Realm) string {
	return strings.TrimSuffix(realm.SP.ACS, "_callback") + "metadata?realm=" + url.QueryEscape(realm.ID)
}
