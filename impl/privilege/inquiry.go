package privilege

import (
	"errors"

	"github.com/sallyport/sallyport/impl/overload/work"
)

// ErrTooMuch means that an inquiry has become too much work. The text is fit for a caller.
var ErrTooMuch = errors.New("the check of privileges takes too long; ask for fewer of them at once, or use simpler patterns")

// Inquiry answers questions about one Effective, with a bound on the work for all of them together. Every answer can be
// ErrTooMuch, the error of a context that is done, or an error whose text is fit for a caller if a privilege is unknown or a pattern cannot be read. It is for
// one goroutine.
type Inquiry struct {
	of         Effective
	effort     effort
	patterns   map[string][]*pattern
	privileges map[string][]*pattern
	cluster    map[string]grant
	index      map[string]boxes
}

// Inquire begins an inquiry that may spend a budget of NewBudget.
func (e Effective) Inquire(budget *work.Budget) *Inquiry {
	return &Inquiry{e, newEffort(budget), map[string][]*pattern{}, map[string][]*pattern{}, map[string]grant{}, map[string]boxes{}}
}

// HasCluster tells whether all of a cluster privilege is there.
func (q *Inquiry) HasCluster(privilege string) (bool, error) {
	want, err := remember(q.cluster, privilege, clusterGrant)
	if err != nil {
		return false, err
	}
	return q.ask(func(s *Set) bool { return s.hasGrant(want, &q.effort) })
}

// HasIndex tells whether all of an index privilege is there over all indices that match a pattern, without restricted ones
// unless they are asked for. A pattern of restricted ones only is refused unless it asks for them. As in Elasticsearch, it
// does not matter here which documents and fields can be seen.
func (q *Inquiry) HasIndex(pattern, privilege string, allowRestricted bool) (bool, error) {
	names, err := q.read(q.patterns, pattern, parseOne)
	if err != nil {
		return false, err
	}
	want, err := remember(q.index, privilege, indexGrant)
	if err != nil {
		return false, err
	}
	reached := indexTerm(names, allowRestricted)
	if !allowRestricted && allRestricted.contain(box{{in: names}}, &q.effort) {
		return false, q.effort.Err()
	}
	return q.ask(func(s *Set) bool {
		for _, b := range want {
			if !s.indices.contain(box{reached, b[0]}, &q.effort) {
				return false
			}
		}
		return true
	})
}

// HasApplication tells whether a privilege is there over a resource of an application. The privilege is a name or an
// action. A name is there if a role has it, or all actions registered for it. The privilege and the resource may be
// patterns, for which all that matches has to be allowed.
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

func (q *Inquiry) ask(yes func(*Set) bool) (bool, error) {
	if err := q.effort.Spend(1); err != nil {
		return false, err
	}
	has := q.of.all(yes)
	return has, q.effort.Err()
}

// read parses patterns, once each, and counts that as work.
func (q *Inquiry) read(known map[string][]*pattern, text string, parse func(string) ([]*pattern, error)) ([]*pattern, error) {
	if patterns, found := known[text]; found {
		return patterns, nil
	}
	if err := q.effort.Err(); err != nil {
		return nil, err
	}
	patterns, err := remember(known, text, parse)
	if err != nil {
		return nil, err
	}
	return patterns, q.effort.made(patterns)
}

func parseOne(text string) ([]*pattern, error) {
	p, err := parse(text)
	return []*pattern{p}, err
}

func remember[T any](known map[string]T, text string, read func(string) (T, error)) (T, error) {
	if value, found := known[text]; found {
		return value, nil
	}
	value, err := read(text)
	if err == nil {
		known[text] = value
	}
	return value, err
}
