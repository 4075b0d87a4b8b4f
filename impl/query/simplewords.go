package query

import (
	"slices"
	"strings"
)

// simpleWords compiles the words of a simple_query_string: a word matches if any target field has it.
type simpleWords struct {
	*compiler
	targets []field
	// lenient skips fields that cannot have a word as a value.
	lenient bool
}

// addFields selects the target fields by name or pattern, each with an optional boost; no names select all. Words
// that do not fit a field are errors only if every field is given by name.
func (w *simpleWords) addFields(names []string) error {
	if len(names) == 0 {
		names = []string{"*"}
	}

	for _, name := range names {
		name, _, _ = strings.Cut(name, "^")
		found, err := w.selectFields(name)
		if err != nil {
			return err
		}

		w.lenient = w.lenient || strings.Contains(name, "*")
		for _, f := range found {
			if !slices.ContainsFunc(w.targets, func(other field) bool { return other.name == f.name }) {
				w.targets = append(w.targets, f)
			}
		}

		if err := w.count(len(found)); err != nil {
			return err
		}
	}

	return nil
}

// selectFields returns the fields of a name or pattern.
func (c *compiler) selectFields(name string) ([]field, error) {
	if strings.Contains(name, "*") {
		return c.matchFields(name)
	}
	f, err := c.lookupField(name)
	return []field{f}, err
}

// word compiles a word: equal texts, texts with the prefix, or texts within an edit distance.
func (w *simpleWords) word(text string, prefix bool, distance int) (query, error) {
	if err := w.count(len(w.targets)); err != nil {
		return query{}, err
	}

	parts := make([]query, 0, len(w.targets))
	for _, f := range w.targets {
		part, err := w.fieldQuery(f, text, prefix, distance)
		if err != nil && !w.lenient {
			return query{}, err
		}
		if err == nil {
			parts = append(parts, part)
		}
	}

	return anyOf(parts), nil
}

// fieldQuery compiles a word for one field.
func (w *simpleWords) fieldQuery(f field, text string, prefix bool, distance int) (query, error) {
	switch {
	case prefix && text == "":
		return f.any(), nil
	case !prefix && distance == 0:
		return w.equals(f, text, false)
	case !f.hasTexts():
		return query{}, illegal("Can only use prefix and fuzzy queries on keyword fields - not on [%s] which is of type [%s]",
			f.name, f.kind)
	case prefix:
		return f.decidePrefix(f.anyValue(func(v value) bool { return strings.HasPrefix(v.text, text) }), text), nil
	}

	return f.anyText(newFuzzy(text, distance)), nil
}
