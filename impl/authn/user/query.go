package user

import (
	"context"
	"iter"

	"github.com/sallyport/sallyport/impl/query"
)

// Found is a page of the users that match a query, and their number, on the page or not.
type Found struct {
	Total int
	Page  []Hit
}

// Hit is a user of the page with its sort values, nil if the page is not sorted.
type Hit struct {
	User

	Sort []any
}

// Query evaluates a request for query.Users over all users but the built-in ones, as Elasticsearch does. It returns the
// errors of query.Request.Run.
func (s *Service) Query(ctx context.Context, q *query.Request) (Found, error) {
	users, err := s.Natives(ctx, nil)
	if err != nil {
		return Found{}, err
	}
	result, err := q.Run(ctx, documents(users))
	if err != nil {
		return Found{}, err
	}

	byName := make(map[string]User, len(users))
	for _, u := range users {
		byName[u.Name] = u
	}
	page := make([]Hit, 0, len(result.Hits))
	for _, hit := range result.Hits {
		page = append(page, Hit{byName[hit.Document.UserName], hit.Sort})
	}
	return Found{result.Total, page}, nil
}

func documents(users []User) iter.Seq[query.Document] {
	return func(yield func(query.Document) bool) {
		for _, u := range users {
			if !u.Builtin && !yield(document(u)) {
				return
			}
		}
	}
}

// document returns a user as queries see it.
func document(u User) query.Document {
	roles := make([]string, len(u.Roles))
	for i, role := range u.Roles {
		roles[i] = string(role)
	}

	document := query.Document{
		ID:       "user-" + u.Name, // as in Elasticsearch's index
		UserName: u.Name,
		Creation: u.CreatedAt,
		Enabled:  u.Enabled,
	}
	document.SetTexts("username", u.Name)
	document.SetTexts("roles", roles...)
	document.SetTexts("full_name", u.FullName)
	document.SetTexts("email", u.Email)
	return document
}
