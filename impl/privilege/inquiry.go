package privilege

import "errors"

// maxInquiry bounds the work for all questions of one inquiry, in instructions looked at; it is about a second.
const maxInquiry = 16 * maxSearch

// ErrTooMuch means that an inquiry has become too much work. The text is fit for a caller.
var ErrTooMuch = errors.New("the check of privileges takes too long; ask for fewer of them at once, or use simpler patterns")

// Inquiry answers questions about one Effective, with a bound on the work for all of them together. Every answer can be
// ErrTooMuch, or an error whose text is fit for a caller if a privilege is unknown or a pattern cannot be read. It is for
// one goroutine.
type Inquiry struct {
	of         Effective
	work       work
	patterns   map[string][]*pattern
	privileges map[string][]*pattern
	cluster    map[string]grant
	index      map[string]boxes
}

// Inquire begins an inquiry.
func (e Effective) Inquire() *Inquiry {
	return &Inquiry{e, newWork(maxInquiry), map[string][]*pattern{}, map[string][]*pattern{}, map[string]grant{}, map[string]boxes{}}
}

// HasCluster tells whether all of a cluster privilege is there.
func (q *Inquiry) HasCluster(privilege string) (bool, error) {
	want, err := remember(q.cluster, privilege, clusterGrant)
	if err != nil {
		return false, err
	}
	return q.ask(func(s *Set) bool { return s.hasGrant(want, &q.work) })
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
	if !allowRestricted && allRestricted.contain(box{{in: names}}, &q.work) {
		return false, q.exhausted()
	}
	return q.ask(func(s *Set) bool {
		for _, b := range want {
			if !s.indices.contain(box{reached, b[0]}, &q.work) {
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
	return q.ask(func(s *Set) bool { return s.hasApplication(want, &q.work) })
}

func (q *Inquiry) ask(yes func(*Set) bool) (bool, error) {
	has := q.of.all(yes)
	return has, q.exhausted()
}

func (q *Inquiry) exhausted() error {
	if q.work.left <= 0 {
		return ErrTooMuch
	}
	return nil
}

// read parses patterns, once each, and counts that as work.
func (q *Inquiry) read(known map[string][]*pattern, text string, parse func(string) ([]*pattern, error)) ([]*pattern, error) {
	if patterns, found := known[text]; found {
		return patterns, nil
	}
	if err := q.exhausted(); err != nil {
		return nil, err
	}
	patterns, err := remember(known, text, parse)
	if err != nil {
		return nil, err
	}
	for _, p := range patterns {
		q.work.left -= 4 * p.states // an instruction costs more to make than to look at
	}
	return patterns, nil
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
