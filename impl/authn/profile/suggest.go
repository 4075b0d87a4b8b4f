package profile

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/platform/admission/work"
	"github.com/sallyport/sallyport/impl/platform/strictjson"
	"github.com/sallyport/sallyport/impl/store"
)

// Suggestion is a search for enabled profiles.
type Suggestion struct {
	// Name has words of a user's name, full name or e-mail address, of which one must occur. The last one may be the
	// beginning of a word. An empty name finds all profiles.
	Name string
	// Size is the maximum number of profiles to return.
	Size int
	// Data reports whether to return the profiles' data.
	Data bool
	// Hint names profiles to put first; nil for none.
	Hint *Hint
}

// Hint names profiles to put first. A nil member names none.
type Hint struct {
	UIDs []string
	// Labels maps the path of a label to values, of which a profile needs one.
	Labels map[string][]string
}

const (
	// DefaultSize is the size of a suggestion without one (Elasticsearch's value).
	DefaultSize = 10
	maxSize     = MaxUIDs
	// maxName is in bytes.
	maxName = 1024
	// maxHintValues bounds the values of a label in a hint.
	maxHintValues = 1000
	// maxWork bounds what a suggestion compares, in units of package work.
	maxWork = 20_000_000
)

// Check validates a suggestion. It returns fault.RequestInvalid, with Elasticsearch's texts as far as it has the rule.
func (s Suggestion) Check() error {
	var problems []string
	add := func(broken bool, format string, values ...any) {
		if broken {
			problems = append(problems, fmt.Sprintf(format, values...))
		}
	}
	add(s.Size < 0, "[size] parameter cannot be negative but was [%d]", s.Size)
	add(s.Size > maxSize, "[size] parameter must be less than or equal to [%d] but was [%d]", maxSize, s.Size)
	add(len(s.Name) > maxName, "[name] must have at most [%d] bytes", maxName)
	if s.Hint == nil {
		return fault.Invalid(problems)
	}

	add(s.Hint.UIDs == nil && s.Hint.Labels == nil, "[hint] parameter cannot be empty")
	add(s.Hint.UIDs != nil && len(s.Hint.UIDs) == 0, "[uids] hint cannot be empty")
	add(len(s.Hint.UIDs) > MaxUIDs, "[uids] hint must have at most [%d] elements", MaxUIDs)
	if s.Hint.Labels != nil {
		paths := slices.Sorted(maps.Keys(s.Hint.Labels))
		add(len(paths) != 1, "[labels] hint supports a single key, got [%s]", strings.Join(paths, ","))
		if len(paths) == 1 {
			add(strings.Contains(paths[0], "*"), "[labels] hint key cannot contain wildcard")
			values := s.Hint.Labels[paths[0]]
			add(len(values) == 0, "[labels] hint value cannot be empty")
			add(len(values) > maxHintValues, "[labels] hint must have at most [%d] values", maxHintValues)
		}
	}
	return fault.Invalid(problems)
}

// Suggested is the result of a suggestion.
type Suggested struct {
	// Total is the number of profiles that match.
	Total int
	// Profiles are the first of them, in order.
	Profiles []Profile
}

var errTooMuch = errors.New("the search for words in all user profiles takes too long; use fewer words")

// Suggest returns the enabled profiles that match, those with most words and hints first, and of several the last
// activated. It returns the error of Check, and fault.InvalidData for a search that is too large.
func (s *Service) Suggest(ctx context.Context, q Suggestion) (Suggested, error) {
	if err := q.Check(); err != nil {
		return Suggested{}, err
	}
	return store.Read(ctx, s.store, func(tx *store.Tx) (Suggested, error) {
		search := newSearch(q, work.New(ctx, maxWork, errTooMuch))
		if err := tx.Profiles.EachEnabled(search.consider); err != nil {
			return Suggested{}, err
		}
		if errors.Is(search.failed, errTooMuch) {
			return Suggested{}, fault.New(fault.InvalidData, errTooMuch.Error(), "name")
		}
		if search.failed != nil {
			return Suggested{}, search.failed
		}

		found := Suggested{Total: len(search.candidates)}
		var err error
		found.Profiles, err = read(tx, search.best(q.Size), q.Data)
		return found, err
	})
}

// search collects the profiles that match a suggestion.
type search struct {
	all    bool
	words  []string
	hinted map[string]bool
	label  string
	values map[string]bool

	budget     *work.Budget
	candidates []candidate
	failed     error
}

type candidate struct {
	uid            string
	score          int
	synchronizedAt time.Time
}

func newSearch(q Suggestion, budget *work.Budget) *search {
	s := &search{
		all:    strings.TrimSpace(q.Name) == "",
		words:  words(q.Name),
		hinted: map[string]bool{},
		budget: budget,
	}
	if q.Hint != nil {
		for _, uid := range q.Hint.UIDs {
			s.hinted[uid] = true
		}
		for path, values := range q.Hint.Labels {
			s.label, s.values = path, map[string]bool{}
			for _, value := range values {
				s.values[value] = true
			}
		}
	}
	return s
}

// words returns the words of a text in lower case.
func words(text string) []string {
	between := func(r rune) bool { return !unicode.In(r, unicode.L, unicode.M, unicode.N) }
	return strings.FieldsFunc(strings.ToLower(text), between)
}

// consider adds a profile to the candidates if it matches.
func (s *search) consider(o store.ProfileOutline) {
	if s.failed != nil {
		return
	}
	score := s.matches(o)
	if score == 0 && !s.all {
		return
	}
	if s.hinted[o.UID] {
		score++
	}
	if s.values != nil && s.labelled(o) {
		score++
	}
	s.candidates = append(s.candidates, candidate{o.UID, score, o.SynchronizedAt})
}

// matches counts the words that a user has.
func (s *search) matches(o store.ProfileOutline) int {
	texts := [...]string{o.UserName, o.FullName, o.Email}
	s.spend(1 + len(s.words)*(len(o.UserName)+len(o.FullName)+len(o.Email)))
	if s.failed != nil || len(s.words) == 0 {
		return 0
	}

	count, last := 0, len(s.words)-1
	var has []string
	for _, text := range texts {
		has = append(has, words(text)...)
	}
	for i, word := range s.words {
		if slices.ContainsFunc(has, func(other string) bool {
			return other == word || i == last && strings.HasPrefix(other, word)
		}) {
			count++
		}
	}
	return count
}

// labelled reports whether a profile has the label of the hint.
func (s *search) labelled(o store.ProfileOutline) bool {
	s.spend(len(o.Labels))
	if s.failed != nil || o.Labels == emptyObject {
		return false
	}
	labels, err := strictjson.DecodeStored([]byte(o.Labels))
	if err != nil {
		s.failed = fault.Wrap(fault.ServerFailed, err, "the labels of a user profile cannot be decoded")
		return false
	}
	return s.hasLabel(labels, s.label)
}

func (s *search) spend(units int) {
	if err := s.budget.Spend(units); err != nil {
		s.failed = err
	}
}

// hasLabel reports whether the value at a path, or an element of it, is one of the hint's values as text.
func (s *search) hasLabel(value any, path string) bool {
	switch value := value.(type) {
	case map[string]any:
		for name, inner := range value {
			rest, below := strings.CutPrefix(path, name)
			if below && rest == "" {
				_, object := inner.(map[string]any)
				if !object && s.hasLabel(inner, "") {
					return true
				}
			} else if below && rest[0] == '.' && s.hasLabel(inner, rest[1:]) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(value, func(element any) bool { return s.hasLabel(element, path) })
	case nil:
	default:
		return path == "" && s.values[fmt.Sprint(value)]
	}
	return false
}

// best returns the ids of the first candidates.
func (s *search) best(size int) []string {
	slices.SortFunc(s.candidates, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(b.score, a.score), b.synchronizedAt.Compare(a.synchronizedAt), cmp.Compare(a.uid, b.uid))
	})
	uids := []string{}
	for _, c := range s.candidates[:min(size, len(s.candidates))] {
		uids = append(uids, c.uid)
	}
	return uids
}
