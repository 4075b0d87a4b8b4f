package privilege

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// endpoint is a method and a path of the HTTP interface. A segment * matches any one segment.
type endpoint struct{ method, path string }

// workflows are the known workflows with their endpoints, in the order of error messages. The first is in
// Elasticsearch's specification, the second only in its server.
var workflows = []struct {
	name      string
	endpoints []endpoint
}{
	{"search_application_query", []endpoint{
		{"GET", "/_application/search_application/*/_search"}, {"POST", "/_application/search_application/*/_search"},
	}},
	{"search_application_analytics", []endpoint{{"POST", "/_application/analytics/*/event/*"}}},
}

// Workflow returns the canonical name of a workflow: trimmed, in lower case. It returns an error with Elasticsearch's
// text if there is no such workflow.
func Workflow(name string) (string, error) {
	kept := strings.ToLower(strings.TrimSpace(name))
	known := make([]string, len(workflows))
	for i, w := range workflows {
		if w.name == kept {
			return kept, nil
		}
		known[i] = w.name
	}

	//nolint:staticcheck,revive // the text of the contract
	return "", fmt.Errorf("Unknown workflow [%s]. A workflow must be one of the predefined workflow names [%s].",
		name, strings.Join(known, ","))
}

// Errors of CheckRestrictions, with Elasticsearch's texts.
var (
	errManyRestrictions  = errors.New("more than one role descriptor with restriction is not supported")
	errMixedRestrictions = errors.New("combining role descriptors with and without restriction is not supported")
)

// CheckRestrictions returns an error if a restricted role is combined with other roles.
func CheckRestrictions(roles []Role) error {
	restricted := 0
	for _, role := range roles {
		if len(role.Workflows) > 0 {
			restricted++
		}
	}

	switch {
	case restricted > 1:
		return errManyRestrictions
	case restricted == 1 && len(roles) > 1:
		return errMixedRestrictions
	}

	return nil
}

// restrict adds the workflows of the roles.
func (s *Set) restrict(roles []Role) error {
	for _, role := range roles {
		for _, text := range role.Workflows {
			w, err := Workflow(text)
			if err != nil {
				return err
			}
			s.workflows = append(s.workflows, w)
		}
	}

	s.restricted = len(s.workflows) > 0
	return CheckRestrictions(roles)
}

// AllowsEndpoint reports whether the set may be used for a request at all: it is not restricted, or the request
// belongs to one of its workflows. The path has no query.
func (s *Set) AllowsEndpoint(method, path string) bool {
	if !s.restricted {
		return true
	}

	for _, w := range workflows {
		if !slices.Contains(s.workflows, w.name) {
			continue
		}
		if slices.ContainsFunc(w.endpoints, func(e endpoint) bool { return e.method == method && e.matches(path) }) {
			return true
		}
	}

	return false
}

func (e endpoint) matches(path string) bool {
	want, got := strings.Split(e.path, "/"), strings.Split(path, "/")
	return slices.EqualFunc(want, got, func(w, g string) bool { return w == g || w == "*" && g != "" })
}
