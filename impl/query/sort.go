package query

import (
	"maps"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/impl/platform/xcontent"
)

// maxSorts bounds the fields by which documents are sorted.
const maxSorts = 32

// sortKey is one criterion by which documents are sorted.
type sortKey struct {
	field field
	// byCreation sorts by creation time and id (_doc) instead of a field.
	byCreation   bool
	descending   bool
	missingFirst bool
	// substitute replaces a missing value; nil if there is none.
	substitute *value
	// greatest takes the greatest of several values instead of the smallest.
	greatest bool
	dates    dateReader
}

// sorts compiles a field name, an object with a field's options, or an array of both.
func (c *compiler) sorts(given any) ([]sortKey, error) {
	elements := elementsOf(given)
	if len(elements) > maxSorts {
		return nil, illegal("at most [%d] fields can be sorted by", maxSorts)
	}
	return readEach(elements, c.sort)
}

// sort compiles one element of sorts.
func (c *compiler) sort(given any) (sortKey, error) {
	switch given := given.(type) {
	case string:
		return c.sortBy(given, map[string]any{})
	case map[string]any:
		if len(given) != 1 {
			return sortKey{}, malformed("[sort] an object must have exactly one field; give several fields as an array")
		}

		name := slices.Collect(maps.Keys(given))[0]
		body := given[name]
		if order, ok := body.(string); ok {
			body = map[string]any{"order": order}
		}

		members, ok := body.(map[string]any)
		if !ok {
			return sortKey{}, malformed("[sort] the options of [%s] must be an object or an order, but were %s", name,
				xcontent.Token(body))
		}

		return c.sortBy(name, members)
	}

	return sortKey{}, malformed("[sort] must be a field name or an object, but found %s", xcontent.Token(given))
}

// sortOptions are the options of a sort field before they are compiled.
type sortOptions struct {
	order, mode, format, numeric string
	missing, nested              any
}

// sortBy compiles the options of one field.
func (c *compiler) sortBy(name string, body map[string]any) (sortKey, error) {
	var o sortOptions
	err := xcontent.Parser{Name: "field_sort", Fields: options{
		"order":         xcontent.Text(&o.order),
		"mode":          xcontent.Text(&o.mode),
		"format":        xcontent.Text(&o.format),
		"missing":       rawValue(&o.missing),
		"numeric_type":  xcontent.Text(&o.numeric),
		"unmapped_type": ignoredOption,
		"nested":        rawValue(&o.nested),
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
		key.byCreation = true
		return key, nil
	}

	if key.field, err = c.lookupField(name); err != nil {
		return key, err
	}
	if key.field.unsortable {
		return key, illegal("sorting is not supported for field [%s]", name)
	}

	return key, key.refine(o)
}

// readOrder reads asc or desc; empty is ascending.
func readOrder(text string) (descending bool, err error) {
	switch strings.ToLower(text) {
	case "", "asc":
		return false, nil
	case "desc":
		return true, nil
	}

	return false, illegal("Unknown sort order [%s]", text)
}

// refine applies the options that depend on the type of the field.
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
	case mode == "" || (mode == "sum" || mode == "avg" || mode == "median") && !k.field.hasTexts():
		// Dates and booleans have one value, which is its own sum, average and median.
	default:
		return illegal("sort mode [%s] is not supported for the field [%s]", o.mode, k.field.name)
	}

	return k.missing(o.missing)
}

// missing reads where missing values are sorted: _last, _first, or like a given value.
func (k *sortKey) missing(given any) error {
	switch given {
	case nil, "_last":
		return nil
	case "_first":
		k.missingFirst = true
		return nil
	}

	read, err := k.field.read(given, k.dates)
	k.substitute = &read
	return err
}
