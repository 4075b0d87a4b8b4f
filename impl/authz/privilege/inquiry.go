package privilege

import (
	"errors"

	"github.com/sallyport/sallyport/impl/platform/admission/work"
)

// ErrTooMuch means that an inquiry exceeds its work budget. Its text is suitable for a caller.
var ErrTooMuch = errors.New(
	"the check of privileges takes too long; ask for fewer of them at once, or use simpler patterns")

// Inquiry answers queries about one Effective within a common work budget. Each query can return ErrTooMuch, the
// error of a context that is done, or an error with a text suitable for a caller if a privilege is unknown or a
// pattern is invalid. It is not safe for concurrent use.
type Inquiry struct {
	of         Effective
	names      Names
	effort     effort
	patterns   map[string][]*pattern
	privileges map[string][]*pattern
	cluster    map[string]grant
	index      map[string]boxes
}

// Inquire returns an inquiry about privileges of these names, with a budget made by NewBudget.
func (e Effective) Inquire(names Names, budget *work.Budget) *Inquiry {
	return &Inquiry{e, names, newEffort(budget), map[string][]*pattern{}, map[string][]*pattern{}, map[string]grant{},
		map[string]boxes{}}
}

// HasCluster reports whether the caller has all of a cluster privilege.
func (q *Inquiry) HasCluster(privilege string) (bool, error) {
	want, err := cached(q.cluster, privilege, q.names.clusterGrant)
	if err != nil {
		return false, err
	}
	return q.ask(func(s *Set) bool { return s.hasGrant(want, &q.effort) })
}

// HasIndex reports whether the caller has all of an index privilege over every index that matches a pattern,
// excluding restricted ones unless allowRestricted is set. A pattern of restricted indices only yields false without
// it. As in Elasticsearch, document and field level restrictions are ignored.
func (q *Inquiry) HasIndex(pattern, privilege string, allowRestricted bool) (bool, error) {
	names, err := q.read(q.patterns, pattern, parseOne)
	if err != nil {
		return false, err
	}

	want, err := cached(q.index, privilege, q.names.indexGrant)
	if err != nil {
		return false, err
	}

	reached := indexTerm(names, allowRestricted)
	if !allowRestricted && allRestricted.contains(box{{in: names}}, &q.effort) {
		return false, q.effort.Err()
	}

	return q.ask(func(s *Set) bool {
		for _, b := range want {
			if !s.indices.contains(box{reached, b[0]}, &q.effort) {
				return false
			}
		}
		return true
	})
}

// HasApplication reports whether the caller has a privilege over a resource of an application. The privilege is a
// name or an action. A name is granted by a role that lists it or by all actions registered for it. The privilege and
// the resource may be patterns: then everything that matches must be allowed.
func (q *Inquiry) HasApplication(application, privilege, resource string) (bool, error) {
	if err := CheckApplicationName(application); err != nil {
		return false, err
	}

	privileges, err := q.read(q.privileges, privilege, privilegePatterns)
	if err != nil {
		return false, err
	}

	resources, err := q.read(q.patterns, resource, parseOne)
	if err != nil {
		return false, err
	}

	want := box{{in: []*pattern{name(application)}}, {in: resources}, {in: privileges}}
	return q.ask(func(s *Set) bool { return s.hasApplication(want, &q.effort) })
}

// ask evaluates a condition on all sets.
func (q *Inquiry) ask(yes func(*Set) bool) (bool, error) {
	if err := q.effort.Spend(1); err != nil {
		return false, err
	}
	has := q.of.all(yes)
	return has, q.effort.Err()
}

// read parses patterns, caches them, and charges the work.
func (q *Inquiry) read(
	known map[string][]*pattern, text string, parse func(string) ([]*pattern, error),
) ([]*pattern, error) {
	if patterns, found := known[text]; found {
		return patterns, nil
	}
	if err := q.effort.Err(); err != nil {
		return nil, err
	}

	patterns, err := cached(known, text, parse)
	if err != nil {
		return nil, err
	}

	return patterns, q.effort.chargeParsing(patterns)
}

func parseOne(text string) ([]*pattern, error) {
	p, err := parse(text)
	return []*pattern{p}, err
}

// cached returns the cached value of a text, or reads and caches it.
func cached[T any](known map[string]T, text string, read func(string) (T, error)) (T, error) {
	if value, found := known[text]; found {
		return value, nil
	}

	value, err := read(text)
	if err == nil {
		known[text] = value
	}

	return value, err
}
