package keyquery

import (
	"cmp"
	"strconv"
	"strings"
)

// of returns a document's rank.
func (k *sortKey) of(r *row) value {
	if k.position {
		return value{number: r.Creation.UnixMilli(), text: r.ID}
	}
	best := value{missing: true}
	for v := range k.field.values(r) {
		if best.missing || k.greatest && compareValues(v, best) > 0 {
			best = v
		}
	}
	if best.missing && k.instead != nil {
		return *k.instead
	}
	return best
}

// compare is negative if a comes before b. Missing values are at their end whichever way the others are sorted.
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

// show returns a rank as answers have it, and as search_after takes it.
func (k *sortKey) show(v value) any {
	if k.position {
		return strconv.FormatInt(v.number, 10) + ":" + v.text
	}
	return k.field.show(v, k.dates.format)
}

// read is the inverse of show.
func (k *sortKey) read(given any) (value, error) {
	if given == nil {
		if k.instead != nil {
			return *k.instead, nil
		}
		return value{missing: true}, nil
	}
	if !k.position {
		if k.field.kind == boolean {
			given = truthOf(given)
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

// truthOf takes the numbers that some clients keep booleans as.
func truthOf(given any) any {
	switch text, _ := leafText(given); text {
	case "0":
		return false
	case "1":
		return true
	}
	return given
}

func compareKeys(keys []sortKey, a, b []value) int {
	for i := range keys {
		if order := keys[i].compare(a[i], b[i]); order != 0 {
			return order
		}
	}
	return 0
}

// byPosition compares the order in which documents were made.
func byPosition(a, b *Document) int {
	return cmp.Or(a.Creation.Compare(b.Creation), strings.Compare(a.ID, b.ID))
}
