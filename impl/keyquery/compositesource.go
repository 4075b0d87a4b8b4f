package keyquery

import (
	"maps"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/impl/xcontent"
)

// compositeSource is one of the things that a composite combines.
type compositeSource struct {
	name string
	// key has the field, the order of its values, and how they are shown and read.
	key sortKey
	// keepMissing makes null a value of documents that have none; others are left out.
	keepMissing bool
	// round makes intervals of dates; nil leaves values as they are.
	round rounder
}

// compositeSource reads an object with the name of a source, in which there is an object with its type: terms, or
// date_histogram.
func (c *compiler) compositeSource(a *aggregation, given any) (compositeSource, error) {
	name, inner, err := onlyMember(given)
	if err != nil {
		return compositeSource{}, err
	}
	kind, options, err := onlyMember(inner)
	if err != nil {
		return compositeSource{}, err
	}
	if kind != "terms" && kind != "date_histogram" {
		return compositeSource{}, illegal("Unsupported API Keys agg source [%s] of type [%s]", name, kind)
	}
	body, ok := options.(map[string]any)
	if !ok {
		return compositeSource{}, malformed("Expected [START_OBJECT] under [%s], but got a [%s]", kind, xcontent.Token(options))
	}
	s := compositeSource{name: name}
	return s, s.read(c, a, kind, body)
}

func onlyMember(given any) (string, any, error) {
	members, ok := given.(map[string]any)
	if !ok || len(members) != 1 {
		return "", nil, malformed("[composite] a source is an object with exactly one member, but was %s", xcontent.Token(given))
	}
	name := slices.Collect(maps.Keys(members))[0]
	return name, members[name], nil
}

func (s *compositeSource) read(c *compiler, a *aggregation, kind string, body map[string]any) error {
	var order, missingOrder, calendar, fixed string
	own := options{
		"order": xcontent.Text(&order), "missing_bucket": xcontent.Boolean(&s.keepMissing), "missing_order": xcontent.Text(&missingOrder),
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
			return illegal("Field [%s] of type [%s] is not supported for aggregation [%s]", from.field.name, from.field.kind, kind)
		}
		if s.round, err = newRounder(calendar, fixed, from.dates.zone); err != nil {
			return err
		}
	}
	if from.instead != nil {
		return illegal("[missing] is not supported in the sources of [%s]; there is [missing_bucket]", a.name)
	}
	s.key = sortKey{field: from.field, dates: from.dates}
	if s.key.descending, err = readOrder(order); err != nil {
		return err
	}
	s.key.missingFirst, err = readMissingOrder(missingOrder, s.key.descending)
	return err
}

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
