package keyquery

import (
	"slices"
	"strings"
)

// simpleWords makes queries of the words of a simple_query_string: any of the fields may have them.
type simpleWords struct {
	*compiler
	among []field
	// lenient passes over fields that a word is no value of.
	lenient bool
}

// choose takes the fields by their names, each with a boost perhaps, or by patterns. No names are all the fields. Only
// fields that the request names one by one can be blamed for a word.
func (w *simpleWords) choose(names []string) error {
	if len(names) == 0 {
		names = []string{"*"}
	}
	for _, name := range names {
		name, _, _ = strings.Cut(name, "^")
		found, err := fieldsOf(name)
		if err != nil {
			return err
		}
		w.lenient = w.lenient || strings.Contains(name, "*")
		for _, f := range found {
			if !slices.ContainsFunc(w.among, func(other field) bool { return other.name == f.name }) {
				w.among = append(w.among, f)
			}
		}
		if err := w.count(len(found)); err != nil {
			return err
		}
	}
	return nil
}

func fieldsOf(name string) ([]field, error) {
	if strings.Contains(name, "*") {
		return fieldsLike(name)
	}
	f, err := fieldNamed(name)
	return []field{f}, err
}

// word is a query for one of: the text as it is, texts that start with it, texts that differ from it a little.
func (w *simpleWords) word(text string, prefix bool, distance int) (query, error) {
	if err := w.count(len(w.among)); err != nil {
		return nil, err
	}
	parts := make([]query, 0, len(w.among))
	for _, f := range w.among {
		part, err := w.inField(f, text, prefix, distance)
		if err != nil && !w.lenient {
			return nil, err
		}
		if err == nil {
			parts = append(parts, part)
		}
	}
	return anyOf(parts), nil
}

func (w *simpleWords) inField(f field, text string, prefix bool, distance int) (query, error) {
	switch {
	case prefix && text == "":
		return f.having(func(value) bool { return true }), nil
	case !prefix && distance == 0:
		return w.equal(f, text, false)
	case !f.texts():
		return nil, illegal("Can only use prefix and fuzzy queries on keyword fields - not on [%s] which is of type [%s]", f.name, f.kind)
	case prefix:
		return f.having(func(v value) bool { return strings.HasPrefix(v.text, text) }), nil
	}
	return f.matching(newFuzzy(text, distance)), nil
}
