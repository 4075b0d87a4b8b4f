package keyquery

import (
	"maps"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/impl/xcontent"
)

// maxSorts is how many fields documents may be sorted by.
const maxSorts = 32

// sortKey is one of the things that documents are sorted by.
type sortKey struct {
	field field
	// position is the order in which the documents were made, instead of a field.
	position     bool
	descending   bool
	missingFirst bool
	// instead stands for a value that is missing; nil if nothing does.
	instead *value
	// greatest takes the greatest of several values, instead of the smallest.
	greatest bool
	dates    dateReader
}

// sorts reads a field, an object with a field's options, or an array of both.
func (c *compiler) sorts(given any) ([]sortKey, error) {
	elements, ok := given.([]any)
	if !ok {
		elements = []any{given}
	}
	if len(elements) > maxSorts {
		return nil, illegal("at most [%d] fields can be sorted by", maxSorts)
	}
	keys := make([]sortKey, 0, len(elements))
	for _, element := range elements {
		key, err := c.sort(element)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return keys, nil
}

func (c *compiler) sort(given any) (sortKey, error) {
	switch given := given.(type) {
	case string:
		return c.sortBy(given, map[string]any{})
	case map[string]any:
		if len(given) != 1 {
			return sortKey{}, malformed("[sort] an object has exactly one field; more of them need an array")
		}
		name := slices.Collect(maps.Keys(given))[0]
		body := given[name]
		if order, ok := body.(string); ok {
			body = map[string]any{"order": order}
		}
		members, ok := body.(map[string]any)
		if !ok {
			return sortKey{}, malformed("[sort] the options of [%s] are an object or an order, but were %s", name, xcontent.Token(body))
		}
		return c.sortBy(name, members)
	}
	return sortKey{}, malformed("[sort] a field or an object is needed, but found %s", xcontent.Token(given))
}

type sortOptions struct {
	order, mode, format, numeric string
	missing, nested              any
}

func (c *compiler) sortBy(name string, body map[string]any) (sortKey, error) {
	var o sortOptions
	err := xcontent.Parser{Name: "field_sort", Fields: options{
		"order": xcontent.Text(&o.order), "mode": xcontent.Text(&o.mode), "format": xcontent.Text(&o.format), "missing": anything(&o.missing),
		"numeric_type": xcontent.Text(&o.numeric), "unmapped_type": unused, "nested": anything(&o.nested),
	}}.Read(body)
	if err != nil {
		return sortKey{}, err
	}
	if o.nested != nil {
		return sortKey{}, illegal("nested sorting is not currently supported in this context")
	}
	key := sortKey{dates: c.dates}
	if key.descending, err = readOrder(o.order); err != nil {
		return key, err
	}
	key.greatest = key.descending
	if name == "_doc" {
		key.position = true
		return key, nil
	}
	if key.field, err = fieldNamed(name); err != nil {
		return key, err
	}
	return key, key.refine(o)
}

func readOrder(text string) (descending bool, err error) {
	switch strings.ToLower(text) {
	case "", "asc":
		return false, nil
	case "desc":
		return true, nil
	}
	return false, illegal("Unknown sort order [%s]", text)
}

func (k *sortKey) refine(o sortOptions) (err error) {
	if k.dates, err = k.dates.with(o.format, ""); err != nil {
		return err
	}
	if o.numeric != "" && (k.field.kind != date || o.numeric != "date" && o.numeric != "long") {
		return illegal("[numeric_type] of [%s] is not supported for the field [%s]", o.numeric, k.field.name)
	}
	switch mode := strings.ToLower(o.mode); {
	case mode == "min" || mode == "max":
		k.greatest = mode == "max"
	case mode == "" || (mode == "sum" || mode == "avg" || mode == "median") && !k.field.texts():
		// there is one value, which is all of these
	default:
		return illegal("sort mode [%s] is not supported for the field [%s]", o.mode, k.field.name)
	}
	return k.missing(o.missing)
}

func (k *sortKey) missing(given any) error {
	switch given {
	case nil, "_last":
		return nil
	case "_first":
		k.missingFirst = true
		return nil
	}
	read, err := k.field.read(given, k.dates)
	k.instead = &read
	return err
}
