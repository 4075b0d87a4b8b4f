package query

import (
	"cmp"
	"strconv"
	"strings"
)

// of returns the value by which a document is sorted.
func (k *sortKey) of(r *row) value {
	if k.byCreation {
		return value{number: r.Creation.UnixMilli(), text: r.ID}
	}

	best := value{missing: true}
	for v := range k.field.values(r) {
		if best.missing || k.greatest && compareValues(v, best) > 0 {
			best = v
		}
	}

	if best.missing && k.substitute != nil {
		return *k.substitute
	}

	return best
}

// compare is negative if a comes before b. Missing values stay at their end in either direction.
func (k *sortKey) compare(a, b value) int {
	if a.missing != b.missing {
		if a.missing == k.missingFirst {
			return -1
		}
		return 1
	}

	if k.descending {
		return compareValues(b, a)
	}

	return compareValues(a, b)
}

// show returns a sort value in the form of responses and of search_after.
func (k *sortKey) show(v value) any {
	if k.byCreation {
		return strconv.FormatInt(v.number, 10) + ":" + v.text
	}
	return k.field.show(v, k.dates.format)
}

// read is the inverse of show.
func (k *sortKey) read(given any) (value, error) {
	if given == nil {
		if k.substitute != nil {
			return *k.substitute, nil
		}
		return value{missing: true}, nil
	}

	if !k.byCreation {
		if k.field.kind == boolean {
			given = boolFromNumber(given)
		}
		return k.field.read(given, k.dates)
	}

	text, _ := given.(string)
	number, id, ok := strings.Cut(text, ":")
	n, err := strconv.ParseInt(number, 10, 64)
	if !ok || err != nil {
		return value{}, illegal("Failed to parse search_after value for field [_doc]")
	}

	return value{number: n, text: id}, nil
}

// boolFromNumber converts 0 and 1, which some clients use for booleans. Other values are returned unchanged.
func boolFromNumber(given any) any {
	switch text, _ := scalarText(given); text {
	case "0":
		return false
	case "1":
		return true
	}

	return given
}

// compareKeys compares two documents by their sort values.
func compareKeys(keys []sortKey, a, b []value) int {
	for i := range keys {
		if order := keys[i].compare(a[i], b[i]); order != 0 {
			return order
		}
	}
	return 0
}

// compareCreation sorts documents by creation time, then by id.
func compareCreation(a, b *Document) int {
	return cmp.Or(a.Creation.Compare(b.Creation), strings.Compare(a.ID, b.ID))
}
