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
	var out printer
	check := &cobra.Command{
		Use:     "check",
		Short:   "Check the SAML realms and the metadata of their identity providers",
		Example: "  sallyport saml check\n  sallyport saml check --realm corporate --output json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			warnUnknownVariables(cmd)
			c, err := config.Load(flags.sources(cmd)) // all errors, as serve reports them
			if err != nil {
				return usageErrorf("invalid configuration:\n%w", err)
			}
			realms, err := selectRealms(c.Realms, id)
			if err != nil {
				return err
			}
			return checkRealms(cmd, realms, out)
		},
	}
	check.Flags().StringVar(&id, "realm", "", "check only the realm with this id")
	completeFlag(check, "realm", func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		c, _ := config.Load(flags.sources(cmd)) // without a valid configuration there are no realms
		ids := make([]string, len(c.Realms))
		for i, realm := range c.Realms {
			ids[i] = realm.ID
		}
		return ids, cobra.ShellCompDirectiveNoFileComp
	})
	flags.add(check)
	out.add(check)
	return newGroup("saml", "Check the SAML realms", check)
}

func selectRealms(realms []saml.Realm, id string) ([]saml.Realm, error) {
	if len(realms) == 0 {
		return nil, usageErrorf("no realms are configured; the setting saml.realms names the file that describes them")
	}
	if id == "" {
		return realms, nil
	}
	i := slices.IndexFunc(realms, func(r saml.Realm) bool { return r.ID == id })
	if i < 0 {
		return nil, usageErrorf("--realm: there is no realm %q", id)
	}
	return realms[i : i+1], nil
}

// checkRealms returns an error if any realm is misconfigured. Harmless findings are printed as warnings.
func checkRealms(cmd *cobra.Command, realms []saml.Realm, out printer) error {
	var problems []error
	reports, rows := []shownReport{}, [][]string{{"REALM", "NAME", "VALUE"}}
	for _, realm := range realms {
		report := saml.Check(cmd.Context(), realm, metadataURL(realm), time.Now())
		reports = append(reports, reportOf(report))
		for _, fact := range report.Facts {
			rows = append(rows, []string{report.Realm, fact.Name, fact.Value})
		}
		for _, f := range report.Findings {
			line := fmt.Sprintf("realm %s: %s: %s", report.Realm, f.Setting, f.Text)
			if f.Harmless {
				warn(cmd, "%s", line)
			} else {
				problems = append(problems, errors.New(line))
			}
		}
	}
	if err := out.print(cmd, reports, rows); err != nil {
		return err
	}
	if len(problems) > 0 {
		return fmt.Errorf("misconfigured realms:\n%w", errors.Join(problems...))
	}
	return nil
}

// shownReport is the result for a realm as check shows it.
type shownReport struct {
	Realm    string            `json:"realm"`
	Facts    map[string]string `json:"facts"`
	Findings []shownFinding    `json:"findings"`
}

type shownFinding struct {
	Setting  string `json:"setting"`
	Text     string `json:"text"`
	Harmless bool   `json:"harmless"`
}

func reportOf(report saml.Report) shownReport {
	shown := shownReport{Realm: report.Realm, Facts: map[string]string{}, Findings: []shownFinding{}}
	for _, fact := range report.Facts {
		shown.Facts[fact.Name] = fact.Value
	}
	for _, f := range report.Findings {
		shown.Findings = append(shown.Findings, shownFinding{f.Setting, f.Text, f.Harmless})
	}
	return shown
}

// metadataURL returns the URL of the operation saml-metadata for a realm, beside that of saml-callback.
func metadataURL(realm saml.Realm) string {
	return strings.TrimSuffix(realm.SP.ACS, "_callback") + "metadata?realm=" + url.QueryEscape(realm.ID)
}
