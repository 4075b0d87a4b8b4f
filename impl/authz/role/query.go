package role

import (
	"context"
	"iter"
	"time"

	"github.com/sallyport/sallyport/impl/authz/roledescriptor"
	"github.com/sallyport/sallyport/impl/query"
)

// Found is a page of the roles that match a query, and their number, on the page or not.
type Found struct {
	Total int
	Page  []Hit
}

// Hit is a role of the page with its sort values, nil if the page is not sorted.
type Hit struct {
	Name       string
	Descriptor roledescriptor.Descriptor
	Sort       []any
}

// Query evaluates a request for query.Roles over all roles, the built-in ones included. It returns the errors of
// query.Request.Run.
func (s *Service) Query(ctx context.Context, q *query.Request) (Found, error) {
	set, err := s.Get(ctx, nil)
	if err != nil {
		return Found{}, err
	}
	result, err := q.Run(ctx, documents(set))
	if err != nil {
		return Found{}, err
	}

	page := make([]Hit, 0, len(result.Hits))
	for _, hit := range result.Hits {
		name := hit.Document.Name
		page = append(page, Hit{Name: name, Descriptor: set[name], Sort: hit.Sort})
	}
	return Found{result.Total, page}, nil
}

func documents(set roledescriptor.Set) iter.Seq[query.Document] {
	return func(yield func(query.Document) bool) {
		for name, d := range set {
			if !yield(document(name, d)) {
				return
			}
		}
	}
}

// document returns a role as queries see it. All have the same time of creation, so that they are in the order of their
// names unless the request sorts them.
func document(name string, d roledescriptor.Descriptor) query.Document {
	document := query.Document{
		ID:       "role-" + name, // as in Elasticsearch's index
		Name:     name,
		Creation: time.Unix(0, 0),
		Metadata: func() (map[string]any, error) { return d.Metadata, nil },
	}
	document.SetTexts("name", name)
	document.SetTexts("description", d.Description)

	var applications, privileges, resources []string
	for _, entry := range d.Applications {
		applications = append(applications, entry.Application)
		privileges = append(privileges, entry.Privileges...)
		resources = append(resources, entry.Resources...)
	}
	document.SetTexts("applications.application", applications...)
	document.SetTexts("applications.privileges", privileges...)
	document.SetTexts("applications.resources", resources...)
	return document
}
