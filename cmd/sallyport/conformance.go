package main

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/sallyport/sallyport/impl/http/conformance"
)

// Variables with the credentials of conformance: command lines can be seen by other users.
const (
	usernameVariable = "SALLYPORT_CONFORMANCE_USERNAME"
	passwordVariable = "SALLYPORT_CONFORMANCE_PASSWORD"
	apiKeyVariable   = "SALLYPORT_CONFORMANCE_API_KEY"
)

// conformanceFlags are the flags of conformance.
type conformanceFlags struct {
	target, family, version, run, output string
	write, list                          bool
	timeout                              time.Duration
}

func newConformance() *cobra.Command {
	var flags conformanceFlags
	cmd := &cobra.Command{
		Use:   "conformance --target URL",
		Short: "Compare a server with what is published about Elastic Cloud Enterprise and Elasticsearch",
		Long: "conformance sends requests to any server of either API family, and reports what differs from Elastic's\n" +
			"published API references; each difference names its page. Without --write it only reads. With it, it makes\n" +
			"users, roles and API keys, and removes them. Credentials come from the environment: " + usernameVariable + "\n" +
			"and " + passwordVariable + ", or " + apiKeyVariable + ".\n\n" +
			"Exit codes: 0 without differences, 5 with differences, 2 for a mistake in the flags, 3 if the server does not\n" +
			"answer, 4 if it refuses the credentials, 1 if it could not be compared or cleaned up completely.",
		Example: "  export " + usernameVariable + "=demo " + passwordVariable + "=PASSWORD\n" +
			"  sallyport conformance --target http://127.0.0.1:12400\n" +
			"  sallyport conformance --target http://127.0.0.1:12400 --write --family ece --version sallyport\n" +
			"  sallyport conformance --list --run api-key",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runConformance(cmd, flags) },
	}
	cmd.Flags().StringVar(&flags.target, "target", "", "URL of the server")
	cmd.Flags().StringVar(&flags.family, "family", "",
		"family to compare, ece or elasticsearch; by default both, if served")
	completeFlag(cmd, "family", oneOf(textsOf(conformance.Families)...))
	cmd.Flags().StringVar(&flags.version, "version", "",
		"version of the API, with --family: by default the one that Elasticsearch announces, and 4.2 for ece")
	cmd.Flags().StringVar(&flags.run, "run", "", "run only the cases that match a regular expression")
	addOutput(cmd, &flags.output, "format", conformance.Formats...)
	cmd.Flags().BoolVar(&flags.write, "write", false, "also run the cases that change the server, and clean up after them")
	cmd.Flags().BoolVar(&flags.list, "list", false, "list the cases with their sources, without a server")
	cmd.Flags().DurationVar(&flags.timeout, "timeout", 30*time.Second, "time limit for each answer")
	return cmd
}

func runConformance(cmd *cobra.Command, flags conformanceFlags) error {
	options, err := flags.options()
	if err != nil {
		return usageError(err)
	}
	if flags.list {
		return listCases(cmd, options, flags.output)
	}

	report, err := conformance.Run(cmd.Context(), options)
	if report != nil {
		err = errors.Join(err, report.Print(cmd.OutOrStdout(), flags.output))
	}
	switch {
	case errors.Is(err, conformance.ErrUnanswered):
		return exitError{err, exitUnreachable}
	case errors.Is(err, conformance.ErrRefused):
		return exitError{err, exitDenied}
	case err != nil:
		return err
	case report.Count(conformance.Different) > 0:
		return exitError{fmt.Errorf("%d cases differ", report.Count(conformance.Different)), exitDifferent}
	case report.Left != nil:
		return errors.New("the server could not be cleaned up")
	case report.Unanswered:
		return exitError{errors.New("the server did not answer all requests"), exitUnreachable}
	case report.Count(conformance.Same) == 0:
		return errors.New("no case was run")
	}
	return nil
}

// options checks the flags and the environment.
func (f conformanceFlags) options() (conformance.Options, error) {
	o := conformance.Options{
		Target:   f.target,
		Username: os.Getenv(usernameVariable),
		Password: os.Getenv(passwordVariable),
		APIKey:   os.Getenv(apiKeyVariable),
		Version:  f.version,
		Write:    f.write,
		Timeout:  f.timeout,
	}
	if f.family != "" {
		o.Families = []conformance.Family{conformance.Family(f.family)}
	}

	var pattern error
	if f.run != "" {
		o.Run, pattern = regexp.Compile(f.run)
	}
	switch err := conformance.CheckTarget(f.target); {
	case pattern != nil:
		return o, fmt.Errorf("--run: %w", pattern)
	case f.family != "" && !slices.Contains(conformance.Families, conformance.Family(f.family)):
		return o, fmt.Errorf("--family: %q is neither ece nor elasticsearch", f.family)
	case f.version != "" && f.family == "":
		return o, errors.New("--version: set --family, too")
	case f.timeout <= 0:
		return o, errors.New("--timeout: this must be positive")
	case o.APIKey != "" && o.Username != "":
		return o, fmt.Errorf("%s and %s: set one of them", usernameVariable, apiKeyVariable)
	case (o.Username == "") != (o.Password == ""):
		return o, fmt.Errorf("%s and %s: set both or none", usernameVariable, passwordVariable)
	case err != nil && !f.list:
		return o, fmt.Errorf("--target: %w", err)
	}
	return o, nil
}

// shownCase is a case as --list shows it.
type shownCase struct {
	Case   string `json:"case"`
	Family string `json:"family"`
	Writes bool   `json:"writes"`
	Source string `json:"source"`
}

func listCases(cmd *cobra.Command, options conformance.Options, format string) error {
	if format == "junit" {
		return usageErrorf("--output: the list of cases has the formats text and json")
	}
	shown := []shownCase{}
	families := options.Families
	if families == nil {
		families = conformance.Families
	}
	rows := [][]string{{"CASE", "FAMILY", "WRITES", "SOURCE"}}
	for _, family := range families {
		cases, err := conformance.Cases(family)
		if err != nil {
			return err
		}
		for _, c := range cases {
			if options.Run != nil && !options.Run.MatchString(c.ID()) {
				continue
			}
			source, err := c.Source()
			if err != nil {
				return err
			}
			shown = append(shown, shownCase{c.ID(), string(family), c.Writes, source.Page})
			rows = append(rows, []string{c.ID(), string(family), fmt.Sprint(c.Writes), source.Page})
		}
	}
	if format == "json" {
		return (&printer{format}).write(cmd.OutOrStdout(), shown)
	}
	return printTitled(cmd.OutOrStdout(), rows)
}
