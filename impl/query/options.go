package query

import (
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strconv"

	"github.com/sallyport/sallyport/impl/platform/xcontent"
	"github.com/sallyport/sallyport/impl/store/condition"
)

// options maps the members that an object accepts to the functions that read them.
type options = map[string]xcontent.Field

// readOptions reads the object of a query. Every query accepts boost and _name, which do not affect results here.
func readOptions(kind string, members map[string]any, known options) error {
	all := options{"boost": boostOption(kind), "_name": xcontent.Text(new(string))}
	maps.Copy(all, known)
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if _, ok := all[name]; !ok {
			return malformed("[%s] query does not support [%s]", kind, name)
		}
	}

	return xcontent.Parser{Name: kind, Fields: all}.Read(members)
}

// boostOption validates a boost and discards it: nothing is scored.
func boostOption(kind string) xcontent.Field {
	return func(given any) error {
		text, _ := scalarText(given)
		n, err := strconv.ParseFloat(text, 32)
		if err != nil || n != n {
			return malformed("[%s] has a [boost] that is not a number", kind)
		}
		if n < 0 {
			return illegal("negative [boost] are not allowed in [%s] query, but was [%s]", kind, text)
		}

		return nil
	}
}

// rawValue stores a value to be read later.
func rawValue(target *any) xcontent.Field {
	return func(given any) error {
		*target = given
		return nil
	}
}

// nonNull stores a value other than null to be read later.
func nonNull(target *any) xcontent.Field {
	return func(given any) error {
		if given == nil {
			// Object refuses null with Elasticsearch's message.
			return xcontent.Object(new(map[string]any))(nil)
		}
		*target = given
		return nil
	}
}

// int32Option reads a 32-bit integer, which may be in a string.
func int32Option(target *int) xcontent.Field {
	return func(given any) error {
		if text, ok := given.(string); ok {
			given = json.Number(text)
		}
		if err := xcontent.Integer(target)(given); err != nil {
			return err
		}
		if *target < math.MinInt32 || *target > math.MaxInt32 {
			return illegal("[%d] is not a whole number in range", *target)
		}

		return nil
	}
}

// ignoredOption checks that the value of an option without effect here is a string, number or boolean.
func ignoredOption(given any) error {
	if _, ok := scalarText(given); !ok {
		return malformed("unexpected %s", xcontent.Token(given))
	}
	return nil
}

// readFieldQuery reads a query on one field. The member named after the field is either an object of options, or a
// value for the option named short; if short is empty, only an object is accepted.
func (c *compiler) readFieldQuery(kind string, body map[string]any, short string, known options) (field, error) {
	names := slices.Sorted(maps.Keys(body))
	if len(names) == 0 {
		return field{}, malformed("[%s] query malformed, a field is required", kind)
	}
	if len(names) > 1 {
		return field{}, malformed("[%s] query doesn't support multiple fields, found [%s] and [%s]", kind, names[0], names[1])
	}

	var err error
	switch given := body[names[0]].(type) {
	case map[string]any:
		err = readOptions(kind, given, known)
	case []any:
		err = malformed("[%s] query does not support array of values", kind)
	default:
		if short == "" {
			err = malformed("[%s] query does not support [%s]", kind, names[0])
		} else {
			err = xcontent.Within(kind, names[0], known[short](given))
		}
	}

	if err != nil {
		return field{}, err
	}

	return c.lookupField(names[0])
}

// anyValue returns a query for documents with at least one value of the field that passes a test.
func (f field) anyValue(test func(value) bool) query {
	q := query{test: func(r *row) bool {
		for v := range f.values(r) {
			if test(v) {
				return true
			}
		}
		return false
	}}
	return f.decideConstant(q, test)
}

// keyTypes are the types of keys.
var keyTypes = []string{condition.Rest, condition.CrossCluster}

// decideConstant decides a query on a field with few values by trying them.
func (f field) decideConstant(q query, test func(value) bool) query {
	switch {
	case f.name == typeField:
		var types []string
		for _, name := range keyTypes {
			if test(value{text: name}) {
				types = append(types, name)
			}
		}
		if len(types) == len(keyTypes) {
			return q.decidedBy(condition.Condition{})
		}
		return decideIn(q, condition.Type, types)
	case f.kind == boolean:
		invalidated := condition.Present(condition.Invalidation)
		return q.decidedBy(condition.Or(
			condition.And(invalidated, condition.When(test(boolValue(true)))),
			condition.And(condition.Not(invalidated), condition.When(test(boolValue(false)))),
		))
	}
	return q
}

// anyText is anyValue for tests that cost more than comparing a text once. They return the units of work that they
// took.
func (f field) anyText(test func(text string) (matched bool, units int)) query {
	q := query{test: func(r *row) bool {
		for v := range f.values(r) {
			matched, units := test(v.text)
			if !r.spend(units) {
				return false
			}
			if matched {
				return true
			}
		}

		return false
	}}
	return f.decideConstant(q, func(v value) bool {
		matched, _ := test(v.text)
		return matched
	})
}
