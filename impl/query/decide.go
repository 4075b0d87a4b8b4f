package query

import (
	"math"
	"strings"
	"unicode/utf8"

	"github.com/sallyport/sallyport/impl/store/condition"
)

// The functions below attach to a query the condition that decides it, if the database stores its field. A text that
// no database accepts in a statement leaves the query undecided.

// acceptable reports whether a text can be part of a statement. An absent value is stored as an empty text.
func acceptable(text string) bool {
	return text != "" && utf8.ValidString(text) && strings.IndexByte(text, 0) < 0
}

// any returns a query for documents with a value of the field.
func (f field) any() query {
	q := f.anyValue(func(value) bool { return true })
	if f.kind == flattened {
		q.where = condition.Present(condition.Metadata)
	}
	if f.stored {
		q = q.decidedBy(condition.Present(f.column))
	}
	return q
}

// decideEqual decides a query for one of several values. A query on metadata is narrowed to the keys that have a value
// somewhere in the text of the metadata.
func (f field) decideEqual(q query, wanted ...value) query {
	if f.kind == flattened {
		var parts []condition.Condition
		for _, v := range wanted {
			parts = append(parts, inMetadata(v.text))
		}
		q.where = condition.Or(parts...)
	}
	if !f.stored {
		return q
	}
	texts := make([]string, len(wanted))
	for i, v := range wanted {
		texts[i] = v.text
	}
	return decideIn(q, f.column, texts)
}

// inMetadata selects the keys with metadata that may have a text as a value, or in one: all such keys if the text has
// another form in JSON.
func inMetadata(text string) condition.Condition {
	escaped := func(r rune) bool { return r < ' ' || r > '~' || strings.ContainsRune(`"\\<>&`, r) }
	if text == "" || strings.ContainsFunc(text, escaped) {
		return condition.Present(condition.Metadata)
	}
	return condition.Compare(condition.Metadata, condition.Contains, text)
}

// decideIn decides a query for one of several texts.
func decideIn(q query, column condition.Column, texts []string) query {
	var values []any
	for _, text := range texts {
		switch {
		case acceptable(text):
			values = append(values, text)
		case text != "":
			return q
		}
	}
	if len(values) == 1 {
		return q.decidedBy(condition.Compare(column, condition.Equal, values[0]))
	}
	return q.decidedBy(condition.In(column, values))
}

// decideDates decides a query for an interval in milliseconds, with both ends.
func (f field) decideDates(q query, first, last int64) query {
	if !f.stored {
		return q
	}
	where := condition.Present(f.column)
	if first > math.MinInt64 {
		where = condition.And(where, condition.Compare(f.column, condition.GreaterOrEqual, first))
	}
	if last < math.MaxInt64 {
		where = condition.And(where, condition.Compare(f.column, condition.LessOrEqual, last))
	}
	return q.decidedBy(where)
}

// limit is one bound of a range of texts.
type limit struct {
	operator condition.Operator
	text     string
}

// decideRange decides a query for a range of texts.
func (f field) decideRange(q query, limits []limit) query {
	if !f.stored {
		return q
	}
	where := condition.Present(f.column)
	for _, l := range limits {
		if !acceptable(l.text) {
			return q
		}
		where = condition.And(where, condition.Compare(f.column, l.operator, l.text))
	}
	return q.decidedBy(where)
}

// decidePrefix decides a query for a prefix.
func (f field) decidePrefix(q query, prefix string) query {
	if f.kind == flattened {
		q.where = inMetadata(prefix)
	}
	if !f.stored || prefix != "" && !acceptable(prefix) {
		return q
	}
	return q.decidedBy(condition.Prefix(f.column, prefix))
}

// decideWildcard decides a query for a pattern without special characters, but for one * at its end. Other patterns are
// narrowed by the text before the first one.
func (f field) decideWildcard(q query, pattern string) query {
	special := strings.IndexAny(pattern, `*?\`)
	if special < 0 {
		return f.decideEqual(q, value{text: pattern})
	}
	prefixed := f.decidePrefix(q, pattern[:special])
	prefixed.decided = prefixed.decided && pattern[special:] == "*"
	return prefixed
}
