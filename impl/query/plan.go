package query

import (
	"context"
	"iter"
	"maps"
	"slices"

	"github.com/sallyport/sallyport/impl/store/condition"
)

// Plan is the part of a request that a database can do.
type Plan struct {
	// Where selects all keys that match; no others if Decided.
	Where   condition.Condition
	Decided bool
	// Segments are the parts of the page's order, one after the other; nil if only Run can sort.
	Segments []Segment
	// From and Size are those of the request.
	From, Size int
	// Run and Aggregate are the columns that the methods read.
	Run, Aggregate []condition.Column
	// Aggregates reports whether the request has aggregations. If Grouped, keys that are equal in the columns of
	// Aggregate can be one document, and there are few such documents.
	Aggregates, Grouped bool
}

// Segment is a part of the keys, and their order.
type Segment struct {
	Where condition.Condition
	Order []condition.Order
}

// maxConditionValues bounds the values in a condition, because a database takes longer to plan a larger one than to
// read many keys.
const maxConditionValues = 1_000

// Plan returns what a database can do of a request for API keys.
func (r *Request) Plan() Plan {
	all := map[string]bool{idField: true, "creation": true} // documents of equal rank are sorted by them
	maps.Copy(all, r.used)
	maps.Copy(all, r.aggregated)
	p := Plan{
		Where:      r.query.where,
		Decided:    r.query.decided,
		From:       r.from,
		Size:       r.size,
		Run:        columns(all),
		Aggregate:  columns(r.aggregated),
		Aggregates: len(r.aggregations) > 0,
		Grouped:    grouped(r.aggregated),
	}
	if p.Where.Size() > maxConditionValues {
		p.Where, p.Decided = condition.Condition{}, false
	}
	p.Segments = r.segments()
	return p
}

// columns returns the columns of fields.
func columns(used map[string]bool) []condition.Column {
	var read []condition.Column
	for _, name := range slices.Sorted(maps.Keys(used)) {
		switch f := keyFields[name]; {
		case name == idField:
			read = append(read, condition.ID)
		case f.stored:
			read = append(read, f.column)
		case name == metadataField:
			read = append(read, condition.Metadata)
		case f.kind == boolean:
			read = append(read, condition.Invalidation)
		}
	}
	slices.Sort(read)
	return slices.Compact(read)
}

// grouped reports whether all fields have few values.
func grouped(used map[string]bool) bool {
	for name := range used {
		if name != "username" && name != realmField && name != typeField && keyFields[name].kind != boolean {
			return false
		}
	}
	return true
}

// Aggregate evaluates the aggregations over documents that match the query. It returns the errors of Run.
func (r *Request) Aggregate(ctx context.Context, documents iter.Seq[Document]) (Result, error) {
	all := *r
	all.query, all.size = allOf(nil), 0
	return all.Run(ctx, documents)
}

// Hits returns documents, which are in the order of the page, with their sort values.
func (r *Request) Hits(ctx context.Context, documents []Document) []Hit {
	p, spent := page{request: r}, newWork(ctx)
	hits := make([]Hit, 0, len(documents))
	for _, document := range documents {
		hits = append(hits, Hit{document, p.show(p.ranks(&row{Document: &document, work: spent}))})
	}
	return hits
}

// digit is a column of the order with its value in search_after. Keys are sorted like numbers: by the first digit, then
// by the next.
type digit struct {
	condition.Order
	after any
}

// segments returns the order of the page, or nil if the database cannot sort by one of the keys.
func (r *Request) segments() []Segment {
	var digits []digit
	for i := range r.sorts {
		key := &r.sorts[i]
		var after *value
		if r.after != nil {
			after = &r.after[i]
		}
		found, ok := key.digits(after)
		if !ok {
			return nil
		}
		digits = append(digits, found...)
	}

	if len(digits) > 0 && digits[0].Presence {
		present, absent := r.segment(digits, true), r.segment(digits, false)
		if digits[0].Descending {
			return []Segment{present, absent}
		}
		return []Segment{absent, present}
	}
	return []Segment{{Where: r.following(digits), Order: order(digits)}}
}

// segment returns the keys with or without a value in the first digit's column.
func (r *Request) segment(digits []digit, present bool) Segment {
	where := condition.Present(digits[0].Column)
	rest := digits[1:]
	if !present {
		where = condition.Not(where)
		// Keys without a value are equal in the column too.
		if len(rest) > 0 && rest[0].Column == digits[0].Column {
			rest = rest[1:]
		}
	}

	follows := condition.Condition{}
	if r.after != nil {
		before, _ := digits[0].after.(bool)
		switch {
		case before == present:
			follows = r.following(rest)
		case digits[0].Descending == present: // the keys come before the others, and search_after is one of those
			follows = condition.When(false)
		}
	}
	return Segment{Where: condition.And(where, follows), Order: order(rest)}
}

// order returns the order of digits. Documents that are equal in them are in the order of their creation.
func order(digits []digit) []condition.Order {
	orders := make([]condition.Order, 0, len(digits)+2)
	for _, d := range digits {
		orders = append(orders, d.Order)
	}
	for _, column := range []condition.Column{condition.Creation, condition.ID} {
		known := func(o condition.Order) bool { return o.Column == column && !o.Presence }
		if !slices.ContainsFunc(orders, known) {
			orders = append(orders, condition.Order{Column: column})
		}
	}
	return orders
}

// following returns the condition of keys after search_after in the order of digits.
func (r *Request) following(digits []digit) condition.Condition {
	if r.after == nil {
		return condition.Condition{}
	}
	follows := condition.When(false)
	for _, d := range slices.Backward(digits) {
		follows = condition.Or(d.greater(), condition.And(d.equal(), follows))
	}
	if len(digits) > 0 && !digits[0].Presence {
		// It follows from the rest, and lets the database begin there in an index.
		follows = condition.And(condition.Or(digits[0].greater(), digits[0].equal()), follows)
	}
	return follows
}

// greater selects the keys that come after search_after by this digit.
func (d digit) greater() condition.Condition {
	if before, ok := d.after.(bool); ok {
		return condition.And(d.is(!before), condition.When(before == d.Descending))
	}
	if d.Descending {
		return condition.Compare(d.Column, condition.Less, d.after)
	}
	return condition.Compare(d.Column, condition.Greater, d.after)
}

// equal selects the keys that have the value of search_after.
func (d digit) equal() condition.Condition {
	if before, ok := d.after.(bool); ok {
		return d.is(before)
	}
	return condition.Compare(d.Column, condition.Equal, d.after)
}

// is selects the keys with or without a value in the column.
func (d digit) is(present bool) condition.Condition {
	if present {
		return condition.Present(d.Column)
	}
	return condition.Not(condition.Present(d.Column))
}

// digits returns the digits of one criterion, and whether the database can sort by it.
func (k *sortKey) digits(after *value) ([]digit, bool) {
	switch {
	case k.byCreation:
		created, id := k.digit(condition.Creation), k.digit(condition.ID)
		if after != nil {
			created.after, id.after = after.number, after.text
		}
		return []digit{created, id}, after == nil || !after.missing && acceptable(after.text)
	case k.field.kind == boolean:
		present := k.presence(condition.Invalidation, k.descending)
		if after != nil {
			present.after = after.number == 1
		}
		return []digit{present}, (after == nil || !after.missing) && k.substitute == nil
	case !k.field.stored || k.field.column == condition.Realm || k.substitute != nil:
		return nil, false
	}
	return k.columnDigits(after)
}

// columnDigits returns whether there is a value, which not all keys have, and the value.
func (k *sortKey) columnDigits(after *value) ([]digit, bool) {
	present, d := k.presence(k.field.column, !k.missingFirst), k.digit(k.field.column)
	if after != nil {
		present.after = !after.missing
		d.after = after.number
		if k.field.hasTexts() {
			d.after = after.text
		}
		if k.field.hasTexts() && !after.missing && !acceptable(after.text) {
			return nil, false
		}
	}
	if d.Column == condition.Creation || d.Column == condition.UserName || d.Column == condition.Type {
		return []digit{d}, after == nil || !after.missing
	}
	return []digit{present, d}, true
}

func (k *sortKey) digit(column condition.Column) digit {
	return digit{Order: condition.Order{Column: column, Descending: k.descending}}
}

func (k *sortKey) presence(column condition.Column, descending bool) digit {
	return digit{Order: condition.Order{Column: column, Presence: true, Descending: descending}}
}
