package conformance

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/impl/platform/printable"
)

// Formats are the names of the formats of a report.
var Formats = []string{"text", "json", "junit"}

// Print writes the report in one of Formats. What the server answered cannot control a terminal.
func (r *Report) Print(w io.Writer, format string) error {
	switch format {
	case "json":
		text, err := json.MarshalIndent(r, "", "  ")
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(w, printable.JSON(string(text)))
		return err
	case "junit":
		return r.printJUnit(w)
	}
	return r.printText(w)
}

// maxNamed is the number of cases up to which a text names those that were not run for the same reason.
const maxNamed = 10

// printText writes the differences first, then what was not run by its reason, and the counts last.
func (r *Report) printText(w io.Writer) error {
	var b strings.Builder
	reasons := map[string][]string{}
	var order []string
	for _, result := range r.Results {
		switch result.Status {
		case Different:
			fmt.Fprintf(&b, "DIFFERENT  %s (%s)\n", result.Case, result.Version)
			for _, detail := range result.Details {
				fmt.Fprintf(&b, "    %s\n", printable.Text(detail))
			}
			fmt.Fprintf(&b, "    %s, %s: %s\n", result.Source.Document, result.Source.Versions, result.Source.Page)
		case NotRun:
			if reasons[result.Details[0]] == nil {
				order = append(order, result.Details[0])
			}
			reasons[result.Details[0]] = append(reasons[result.Details[0]], result.Case)
		case Same:
		}
	}
	for _, reason := range order {
		cases := reasons[reason]
		fmt.Fprintf(&b, "NOT RUN    %d: %s\n", len(cases), printable.Text(reason))
		if len(cases) <= maxNamed {
			fmt.Fprintf(&b, "    %s\n", strings.Join(cases, "\n    "))
		}
	}
	for _, left := range r.Left {
		fmt.Fprintf(&b, "LEFT       %s could not be removed\n", printable.Text(left))
	}
	fmt.Fprintf(&b, "%d cases are as published, %d differ, %d were not run\n", r.Count(Same), r.Count(Different),
		r.Count(NotRun))
	_, err := io.WriteString(w, b.String())
	return err
}

// suite is a family in the format of JUnit.
type suite struct {
	Name     string     `xml:"name,attr"`
	Tests    int        `xml:"tests,attr"`
	Failures int        `xml:"failures,attr"`
	Skipped  int        `xml:"skipped,attr"`
	Cases    []testCase `xml:"testcase"`
}

type testCase struct {
	Class   string   `xml:"classname,attr"`
	Name    string   `xml:"name,attr"`
	Time    string   `xml:"time,attr"`
	Failure *message `xml:"failure,omitempty"`
	Skipped *message `xml:"skipped,omitempty"`
}

type message struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

func (r *Report) printJUnit(w io.Writer) error {
	type document struct {
		XMLName xml.Name `xml:"testsuites"`
		Suites  []*suite `xml:"testsuite"`
	}
	var d document
	for _, result := range r.Results {
		name := string(result.Family) + " " + result.Version
		i := slices.IndexFunc(d.Suites, func(s *suite) bool { return s.Name == name })
		if i < 0 {
			i, d.Suites = len(d.Suites), append(d.Suites, &suite{Name: name})
		}
		d.Suites[i].add(result)
	}

	text, err := xml.MarshalIndent(d, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s%s\n", xml.Header, text)
	return err
}

func (s *suite) add(result Result) {
	operation, name, _ := strings.Cut(result.Case, "/")
	c := testCase{Class: operation, Name: name, Time: fmt.Sprintf("%.3f", result.Seconds)}
	text := printable.Lines(strings.Join(result.Details, "\n"))
	s.Tests++
	switch result.Status {
	case Different:
		s.Failures++
		c.Failure = &message{result.Source.Page, text}
	case NotRun:
		s.Skipped++
		c.Skipped = &message{text, ""}
	case Same:
	}
	s.Cases = append(s.Cases, c)
}
