package query

import (
	"maps"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/impl/platform/xcontent"
)

// compositeSource is one source of a composite aggregation.
type compositeSource struct {
	name string
	// key holds the field, the order of its values, and their format.
	key sortKey
	// keepMissing puts documents without a value in a null bucket; otherwise they are left out.
	keepMissing bool
	// round maps dates to the start of their interval; nil keeps values unchanged.
	round rounder
}

// compositeSource compiles a source: an object of its name, holding an object of its type, terms or date_histogram.
func (c *compiler) compositeSource(a *aggregation, given any) (compositeSource, error) {
	name, inner, err := singleMember(given)
	if err != nil {
		return compositeSource{}, err
	}

	kind, options, err := singleMember(inner)
	if err != nil {
		return compositeSource{}, err
	}
	if kind != "terms" && kind != "date_histogram" {
		return compositeSource{}, illegal("Unsupported API Keys agg source [%s] of type [%s]", name, kind)
	}

	body, ok := options.(map[string]any)
	if !ok {
		return compositeSource{}, malformed("Expected [START_OBJECT] under [%s], but got a [%s]", kind,
			xcontent.Token(options))
	}

	s := compositeSource{name: name}
	return s, s.read(c, a, kind, body)
}

// singleMember returns the name and value of an object with exactly one member.
func singleMember(given any) (string, any, error) {
	members, ok := given.(map[string]any)
	if !ok || len(members) != 1 {
		return "", nil, malformed("[composite] a source must be an object with exactly one member, but was %s",
			xcontent.Token(given))
	}
	name := slices.Collect(maps.Keys(members))[0]
	return name, members[name], nil
}

func (s *compositeSource) read(c *compiler, a *aggregation, kind string, body map[string]any) error {
	var order, missingOrder, calendar, fixed string
	own := options{
		"order": xcontent.Text(&order), "missing_bucket": xcontent.Boolean(&s.keepMissing),
		"missing_order": xcontent.Text(&missingOrder),
	}
	if kind == "date_histogram" {
		own["calendar_interval"], own["fixed_interval"] = xcontent.Text(&calendar), xcontent.Text(&fixed)
	}

	from, err := c.source(a, kind, body, own)
	if err != nil {
		return err
	}

	if kind == "date_histogram" {
		if from.field.kind != date {
			return illegal("Field [%s] of type [%s] is not supported for aggregation [%s]", from.field.name, from.field.kind,
				kind)
		}
		if s.round, err = newRounder(calendar, fixed, from.dates.zone); err != nil {
			return err
		}
	}

	if from.substitute != nil {
		return illegal("[missing] is not supported in the sources of [%s]; use [missing_bucket]", a.name)
	}

	s.key = sortKey{field: from.field, dates: from.dates}
	if s.key.descending, err = readOrder(order); err != nil {
		return err
	}

	s.key.missingFirst, err = readMissingOrder(missingOrder, s.key.descending)
	return err
}

// readMissingOrder reports whether missing values are sorted first. By default they come first in ascending order.
func readMissingOrder(text string, descending bool) (first bool, err error) {
	switch strings.ToLower(text) {
	case "", "default":
		return !descending, nil
	case "first":
		return true, nil
	case "last":
		return false, nil
	}

	return false, illegal("Unknown [missing_order] [%s]", text)
}

// values returns the document's values for the source, rounded to intervals if the source has them.
func (s *compositeSource) values(r *row) []value {
	found := slices.Collect(s.key.field.values(r))
	if len(found) == 0 && s.keepMissing {
		return []value{{missing: true}}
	}

	if s.round != nil {
		for i := range found {
			found[i].number = s.round(found[i].number)
		}
	}

	return found
}
