package keyquery

import (
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strconv"

	"github.com/sallyport/sallyport/impl/xcontent"
)

// options are the members that an object takes, and where to.
type options = map[string]xcontent.Field

// readOptions reads the object of a query. Every query takes boost and _name, which change no result here.
func readOptions(kind string, members map[string]any, known options) error {
	all := options{"boost": boost(kind), "_name": xcontent.Text(new(string))}
	maps.Copy(all, known)
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if _, ok := all[name]; !ok {
			return malformed("[%s] query does not support [%s]", kind, name)
		}
	}
	return xcontent.Parser{Name: kind, Fields: all}.Read(members)
}

// boost checks a number that is of no use here.
func boost(kind string) xcontent.Field {
	return func(given any) error {
		text, _ := leafText(given)
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

// anything keeps a value to be read later.
func anything(target *any) xcontent.Field {
	return func(given any) error {
		*target = given
		return nil
	}
}

// something keeps a value other than null to be read later.
func something(target *any) xcontent.Field {
	return func(given any) error {
		if given == nil {
			return xcontent.Object(new(map[string]any))(nil) // which refuses it
		}
		*target = given
		return nil
	}
}

// whole reads a whole number of 32 bits, which may be in a string.
func whole(target *int) xcontent.Field {
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

// unused checks that an option's value is a string, number or boolean. It is for options that change nothing here.
func unused(given any) error {
	if _, ok := leafText(given); !ok {
		return malformed("unexpected %s", xcontent.Token(given))
	}
	return nil
}

// leaf reads a query about one field: the member named by the field is a value, which the option short takes, or an object
// of options.
func leaf(kind string, body map[string]any, short string, known options) (field, error) {
	names := slices.Sorted(maps.Keys(body))
	if len(names) == 0 {
		return field{}, malformed("[%s] query malformed, a field is needed", kind)
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
	return fieldNamed(names[0])
}

// having returns a query for the documents of which any value of a field passes a test.
func (f field) having(test func(value) bool) query {
	return func(r *row) bool {
		for v := range f.values(r) {
			if test(v) {
				return true
			}
		}
		return false
	}
}

// matching is having for tests of texts that take more than to compare a text once. They return how many units of work they took.
func (f field) matching(test func(text string) (matched bool, units int)) query {
	return func(r *row) bool {
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
	}
}
