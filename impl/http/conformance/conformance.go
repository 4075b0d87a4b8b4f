// Package conformance compares a server with what is published about Elastic Cloud Enterprise's and Elasticsearch's
// APIs. Its cases can be sent to any server of either family. They hold what is published only: where this project's
// server differs on purpose (docs/divergences.md), there is no case.
package conformance

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/sallyport/sallyport/impl/http/contract"
)

// Case compares one fact that is published.
type Case struct {
	// Operation is the id of the operation in the contract. Name is what is compared, unique for the operation.
	Operation, Name string
	// Writes is set if the case changes the server, which is undone when it ends.
	Writes bool
	// Page is where the fact is published, if that is not the operation's own page.
	Page string

	check func(*probe)
}

// ID returns the name of the case in reports.
func (c Case) ID() string { return c.Operation + "/" + c.Name }

// Source returns where the fact is published.
func (c Case) Source() (Source, error) {
	loaded, err := contract.Load()
	if err != nil {
		return Source{}, err
	}
	coverage, err := LoadCoverage()
	if err != nil {
		return Source{}, err
	}
	return coverage.sourceOf(c, loaded.Operation(c.Operation)), nil
}

// Options are what a run compares.
type Options struct {
	// Target is the URL of the server.
	Target string
	// Username and Password, or APIKey, authenticate the caller. Without them most cases are not run.
	Username, Password, APIKey string
	// Families are those to compare; nil for all that the server serves.
	Families []Family
	// Version is what the server should speak, such as 9.5. Without one it is the version that GET / announces, and for
	// Elastic Cloud Enterprise 4.2.
	Version string
	// Write also runs the cases that change the server.
	Write bool
	// Run selects cases by their ids; nil for all.
	Run *regexp.Regexp
	// Timeout is the limit for each answer.
	Timeout time.Duration
}

// Status is the outcome of a case.
type Status string

const (
	// Same answers are as published.
	Same Status = "same"
	// Different answers are not.
	Different Status = "different"
	// NotRun cases could not be compared, for the reason that the result has.
	NotRun Status = "not run"
)

// Result is what a case found.
type Result struct {
	Case      string  `json:"case"`
	Family    Family  `json:"family"`
	Operation string  `json:"operation"`
	Version   string  `json:"version"`
	Status    Status  `json:"status"`
	Source    Source  `json:"source"`
	Seconds   float64 `json:"seconds"`
	// Details are the differences, or the reason why the case was not run.
	Details []string `json:"details,omitempty"`
}

// Report is what a run found.
type Report struct {
	Target  string   `json:"target"`
	Results []Result `json:"results"`
	// Left is what could not be removed from the server.
	Left []string `json:"left,omitempty"`
	// Unanswered is set if the server did not answer a request.
	Unanswered bool `json:"unanswered,omitempty"`
}

// Count returns the number of results with a status.
func (r *Report) Count(status Status) int {
	n := 0
	for _, result := range r.Results {
		if result.Status == status {
			n++
		}
	}
	return n
}

// Errors of Run, if a server cannot be compared.
var (
	// ErrUnanswered: the server does not answer.
	ErrUnanswered = errors.New("the server cannot be compared")
	// ErrRefused: the server refuses the credentials.
	ErrRefused = errors.New("the server cannot be compared")
	// errUnfit: the server serves none of the families, or no version that can be compared.
	errUnfit = errors.New("the server cannot be compared")
)

// Cases returns all cases of a family, those that hold for each operation included.
func Cases(family Family) ([]Case, error) {
	c, err := contract.Load()
	if err != nil {
		return nil, err
	}
	cases := slices.Clone(eceCases)
	if family == Elasticsearch {
		cases = slices.Clone(elasticsearchCases)
	}
	for _, op := range c.Operations {
		if FamilyOf(op.Path) == family && !op.Public && !op.Own {
			cases = append(cases, withoutCredentials(op))
		}
	}
	slices.SortStableFunc(cases, func(a, b Case) int { return cmp.Compare(a.Operation, b.Operation) })
	return cases, nil
}

// Run sends the cases to a server, one after the other. It returns a report also with an error, if it has compared
// anything. The context ends the run; what was made is removed all the same.
func Run(ctx context.Context, options Options) (*Report, error) {
	s, err := newSession(options)
	if err != nil {
		return nil, err
	}
	report := &Report{Target: options.Target}
	families, err := s.families(ctx)
	if err != nil {
		return nil, err
	}
	for _, family := range families {
		if err := s.begin(ctx, family); err != nil {
			return nil, err
		}
		cases, err := Cases(family)
		if err != nil {
			return nil, err
		}
		for _, c := range cases {
			if options.Run == nil || options.Run.MatchString(c.ID()) {
				report.Results = append(report.Results, s.run(ctx, c))
			}
		}
	}
	report.Left, report.Unanswered = s.left, s.unanswered
	return report, ctx.Err()
}

// families returns the families to compare. Unless the options name them, these are all that the server seems to
// serve.
func (s *session) families(ctx context.Context) ([]Family, error) {
	if s.options.Families != nil {
		return s.options.Families, nil
	}
	var found []Family
	for _, family := range Families {
		answer, err := s.send(ctx, s.first(family), request{as: nothing})
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrUnanswered, err)
		}
		_, product := answer.header["X-Elastic-Product"]
		if family == ECE && answer.status == http.StatusOK || family == Elasticsearch && product {
			found = append(found, family)
		}
	}
	if found == nil {
		return nil, fmt.Errorf("%w: it serves neither family: no X-Elastic-Product in GET /, and GET %s is not found",
			errUnfit, s.first(ECE).Path)
	}
	return found, nil
}

// first returns the operation that shows whether a family is served.
func (s *session) first(family Family) *contract.Operation {
	if family == ECE {
		return s.contract.Operation("methods")
	}
	return s.contract.Operation("info")
}

// begin finds out which version of a family is spoken, and what the caller may do.
func (s *session) begin(ctx context.Context, family Family) error {
	s.family, s.privileged = family, false
	s.version = cmp.Or(s.options.Version, "4.2")
	self := s.contract.Operation("get-current-user")
	if family == Elasticsearch {
		self = s.contract.Operation("security-authenticate")
	}
	if s.caller() == nothing {
		if family == Elasticsearch {
			s.version = s.options.Version
		}
		return nil
	}

	answer, err := s.send(ctx, self, request{})
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", ErrUnanswered, err)
	case answer.status == http.StatusUnauthorized:
		return fmt.Errorf("%w: %s %s refuses the credentials with 401", ErrRefused, self.Method, self.Path)
	}
	if family == ECE {
		roles, _ := answer.at("/security/roles").([]any)
		s.privileged = slices.Contains(roles, any("ece_platform_admin"))
		return nil
	}

	may, err := s.send(ctx, s.contract.Operation("security-has-privileges"),
		request{body: object{"cluster": []string{"all"}}})
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnanswered, err)
	}
	s.privileged = may.at("/has_all_requested") == true
	return s.detect(ctx)
}

// detect takes the version that Elasticsearch announces, unless one was asked for.
func (s *session) detect(ctx context.Context) error {
	if s.version = s.options.Version; s.version != "" {
		return nil
	}
	answer, err := s.send(ctx, s.contract.Operation("info"), request{})
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnanswered, err)
	}
	number, _ := answer.at("/version/number").(string)
	parts := strings.Split(number, ".")
	if len(parts) < 2 {
		return fmt.Errorf("%w: GET / announces no version: set --version", errUnfit)
	}
	s.version = parts[0] + "." + parts[1]
	return nil
}

// run runs one case, and removes what it has made.
func (s *session) run(ctx context.Context, c Case) Result {
	op := s.contract.Operation(c.Operation)
	result := Result{
		Case:      c.ID(),
		Family:    s.family,
		Operation: op.Method + " " + op.Path,
		Version:   s.version,
		Source:    s.coverage.sourceOf(c, op),
	}

	p := &probe{session: s, ctx: ctx, op: op}
	switch {
	case ctx.Err() != nil:
		p.reason = "interrupted"
	case c.Writes && !s.options.Write:
		p.reason = "it changes the server, and --write is not given"
	case s.coverage.Lacks(op, s.version):
		p.reason = "not in version " + s.version
	default:
		begun := time.Now()
		p.run(c.check)
		result.Seconds = time.Since(begun).Seconds()
	}

	switch {
	case p.problems != nil:
		result.Status, result.Details = Different, p.problems
	case p.reason != "":
		result.Status, result.Details = NotRun, []string{p.reason}
	default:
		result.Status = Same
	}
	for i, detail := range result.Details {
		result.Details[i] = s.hide(detail)
	}
	return result
}

// CheckTarget returns an error if a text is no URL of a server. A URL may hold no credentials: they would be shown.
func CheckTarget(target string) error {
	parsed, err := url.Parse(target)
	if err != nil || parsed.Host == "" || parsed.Scheme != "http" && parsed.Scheme != "https" {
		return errors.New("this is not a URL such as https://127.0.0.1:9200")
	}
	if parsed.User != nil || parsed.RawQuery != "" || parsed.Fragment != "" {
		return errors.New("the URL has credentials, a query or a fragment: give the server's address alone")
	}
	return nil
}
