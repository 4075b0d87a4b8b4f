// Package condition describes which API keys a statement selects, and in which order, without SQL.
package condition

import "slices"

// Column is a property of an API key that a database can compare. Texts are compared byte by byte.
type Column int

// The columns. Realm is a text in another table; Metadata is a JSON text, for which there is no operator but Contains.
// Creation, Expiration and
// Invalidation are milliseconds since 1970; zero is an absent value, as is an empty text.
const (
	ID Column = iota
	Name
	UserName
	Realm
	Type
	Metadata
	Creation
	Expiration
	Invalidation
)

// The types of keys.
const (
	Rest         = "rest"
	CrossCluster = "cross_cluster"
)

// Operator compares a column with a value.
type Operator string

// The operators.
const (
	Equal          Operator = "="
	NotEqual       Operator = "<>"
	Less           Operator = "<"
	LessOrEqual    Operator = "<="
	Greater        Operator = ">"
	GreaterOrEqual Operator = ">="
	Contains       Operator = "contains"
)

// Kind is the form of a Condition.
type Kind int

// The kinds. Every is the zero value.
const (
	Every Kind = iota
	None
	Comparison
	Membership
	Conjunction
	Disjunction
	Negation
)

// Condition selects keys. The zero value selects all. Use the functions of this package to make others.
type Condition struct {
	Kind Kind
	// Column, Operator and Values belong to a comparison, which has one value, or to a membership, which has no
	// operator.
	Column   Column
	Operator Operator
	Values   []any
	// Parts are the operands of a conjunction, a disjunction or a negation.
	Parts []Condition
}

// Compare selects the keys with a column that compares to a text or an int64 as the operator says.
func Compare(column Column, operator Operator, value any) Condition {
	return Condition{Kind: Comparison, Column: column, Operator: operator, Values: []any{value}}
}

// In selects the keys with one of the values in a column.
func In(column Column, values []any) Condition {
	if len(values) == 0 {
		return When(false)
	}
	return Condition{Kind: Membership, Column: column, Values: values}
}

// When selects all keys, or none.
func When(all bool) Condition {
	if all {
		return Condition{}
	}
	return Condition{Kind: None}
}

// Present selects the keys with a value in the column, which is a text or a time.
func Present(column Column) Condition {
	if column >= Creation {
		return Compare(column, NotEqual, int64(0))
	}
	return Compare(column, NotEqual, "")
}

// And selects the keys that all conditions select.
func And(parts ...Condition) Condition { return combine(Conjunction, Every, None, parts) }

// Or selects the keys that at least one condition selects.
func Or(parts ...Condition) Condition { return combine(Disjunction, None, Every, parts) }

// combine drops the neutral parts. One absorbing part decides the whole.
func combine(kind, neutral, absorbing Kind, parts []Condition) Condition {
	var kept []Condition
	for _, part := range parts {
		switch part.Kind {
		case neutral:
		case absorbing:
			return Condition{Kind: absorbing}
		case kind:
			kept = append(kept, part.Parts...)
		default:
			kept = append(kept, part)
		}
	}
	switch len(kept) {
	case 0:
		return Condition{Kind: neutral}
	case 1:
		return kept[0]
	}
	return Condition{Kind: kind, Parts: kept}
}

// Not selects the keys that a condition does not select.
func Not(part Condition) Condition {
	switch part.Kind {
	case Every, None:
		return When(part.Kind == None)
	case Negation:
		return part.Parts[0]
	case Comparison:
		if operator, ok := inverse[part.Operator]; ok {
			return Compare(part.Column, operator, part.Values[0])
		}
	case Membership, Conjunction, Disjunction:
	}
	return Condition{Kind: Negation, Parts: []Condition{part}}
}

// inverse are the operators that hold where others do not: every key has a value in every column.
var inverse = map[Operator]Operator{
	Equal: NotEqual, NotEqual: Equal, Less: GreaterOrEqual, GreaterOrEqual: Less, Greater: LessOrEqual,
	LessOrEqual: Greater,
}

// Prefix selects the keys with a text that begins with a prefix, which is valid UTF-8.
func Prefix(column Column, prefix string) Condition {
	if prefix == "" {
		return Present(column)
	}
	from := Compare(column, GreaterOrEqual, prefix)
	end := successor(prefix)
	if end == "" {
		return from
	}
	return And(from, Compare(column, Less, end))
}

// successor returns the first text, in the order of bytes, after all texts with a prefix; empty if there is none.
func successor(prefix string) string {
	runes := []rune(prefix)
	for i := len(runes) - 1; i >= 0; i-- {
		const lastBeforeSurrogates, firstAfterSurrogates, last = 0xD7FF, 0xE000, 0x10FFFF
		switch runes[i] {
		case last:
			continue
		case lastBeforeSurrogates:
			runes[i] = firstAfterSurrogates
		default:
			runes[i]++
		}
		return string(runes[:i+1])
	}
	return ""
}

// Narrow reports whether all selected keys have one of a few ids, names or owners, or a name in an interval. Reading
// these keys takes less time than any other way to find those that the rest of the condition selects.
func (c Condition) Narrow() bool {
	switch {
	case c.Kind == Conjunction:
		return slices.ContainsFunc(c.Parts, Condition.Narrow)
	case c.Column > UserName:
		return false
	}
	return c.Kind == Membership || c.Kind == Comparison && c.Operator != NotEqual
}

// OfUser reports whether the condition selects keys of one user by nothing else than the given columns.
func (c Condition) OfUser(columns ...Column) bool {
	parts := c.Parts
	if c.Kind != Conjunction {
		parts = []Condition{c}
	}
	ofUser := false
	for _, part := range parts {
		isUser := part.Kind == Comparison && part.Column == UserName && part.Operator == Equal
		if !isUser && !part.only(columns) {
			return false
		}
		ofUser = ofUser || isUser
	}
	return ofUser
}

// only reports whether the condition is about no other columns.
func (c Condition) only(columns []Column) bool {
	if c.Kind == Comparison || c.Kind == Membership {
		return slices.Contains(columns, c.Column)
	}
	return !slices.ContainsFunc(c.Parts, func(part Condition) bool { return !part.only(columns) })
}

// costlySize is the size of a condition on realms, which reads all documents about owners with such a realm, or on the
// text of metadata.
const costlySize = 50

// Size returns the number of values in a condition, which is about the cost to plan a statement with it. Conditions
// that take long to evaluate count for more.
func (c Condition) Size() int {
	size := len(c.Values)
	if size > 0 && (c.Column == Realm || c.Column == Metadata) {
		size += costlySize
	}
	for _, part := range c.Parts {
		size += part.Size()
	}
	return size
}

// Order is one criterion by which keys are sorted.
type Order struct {
	Column Column
	// Presence sorts by whether the column has a value: keys without one come first.
	Presence   bool
	Descending bool
}
