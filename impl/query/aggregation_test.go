package query_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/query"
)

func checkAggregations(t *testing.T, wanted map[string]string) {
	t.Helper()
	for given, want := range wanted {
		t.Run(given, func(t *testing.T) {
			got := asJSON(t, aggregations(t, run(t, `{"size":0,"aggs":{"n":`+given+`}}`), false)["n"])
			if wantSorted := asJSON(t, decode(want)); got != wantSorted {
				t.Errorf("got %s\nwant %s", got, wantSorted)
			}
		})
	}
}

func terms(others int, buckets string) string {
	return fmt.Sprintf(`{"doc_count_error_upper_bound":0,"sum_other_doc_count":%d,"buckets":[%s]}`, others, buckets)
}

// Ensures that a terms aggregation has a bucket for each value, in the requested order.
func TestAggregation_Terms(t *testing.T) {
	const ann, bob, eve = `{"key":"ann","doc_count":2}`, `{"key":"bob","doc_count":2}`, `{"key":"eve","doc_count":1}`
	checkAggregations(t, map[string]string{
		`{"terms":{"field":"username"}}`:                                            terms(0, ann+","+bob+","+eve),
		`{"terms":{"field":"username","size":1}}`:                                   terms(3, ann),
		`{"terms":{"field":"username","order":{"_key":"desc"}}}`:                    terms(0, eve+","+bob+","+ann),
		`{"terms":{"field":"username","order":[{"_count":"asc"},{"_key":"desc"}]}}`: terms(0, eve+","+bob+","+ann),
		`{"terms":{"field":"username","min_doc_count":2,"shard_size":5}}`:           terms(0, ann+","+bob),
		`{"terms":{"field":"username","include":["ann","eve"],"exclude":["eve"]}}`:  terms(0, ann),
		`{"terms":{"field":"metadata.tags"}}`: terms(0,
			`{"key":"t2","doc_count":2},{"key":"t1","doc_count":1}`),
		`{"terms":{"field":"metadata.env","missing":"none"}}`: terms(0,
			`{"key":"none","doc_count":2},{"key":"prod","doc_count":2},{"key":"test","doc_count":1}`),
		`{"terms":{"field":"invalidated"}}`: terms(0,
			`{"key":0,"key_as_string":"false","doc_count":4},{"key":1,"key_as_string":"true","doc_count":1}`),
		`{"terms":{"field":"invalidation"}}`: terms(0,
			`{"key":1714521600000,"key_as_string":"2024-05-01T00:00:00.000Z","doc_count":1}`),
		`{"terms":{"field":"invalidation","format":"yyyy-MM-dd","missing":"2020-01-01"}}`: terms(0,
			`{"key":1577836800000,"key_as_string":"2020-01-01","doc_count":4},{"key":1714521600000,"key_as_string":"2024-05-01","doc_count":1}`),
		`{"terms":{"field":"realm_name","order":{"u":"asc"}},"aggs":{"u":{"cardinality":{"field":"username"}}},"meta":{"x":1}}`: `{"meta":{"x":1},` + terms(0,
			`{"key":"ldap","doc_count":1,"u":{"value":1}},{"key":"native","doc_count":4,"u":{"value":3}}`)[1:],
		`{"terms":{"field":"username","order":{"f._count":"desc"}},"aggregations":{"f":{"filter":{"term":{"type":"cross_cluster"}}}}}`: terms(0,
			`{"key":"bob","doc_count":2,"f":{"doc_count":1}},{"key":"ann","doc_count":2,"f":{"doc_count":0}},{"key":"eve","doc_count":1,"f":{"doc_count":0}}`),
	})
}

// Ensures that ranges include their start and exclude their end, and that they may overlap.
func TestAggregation_Range(t *testing.T) {
	const march, june = `"2024-03-01T00:00:00.000Z"`, `"2024-06-15T00:00:00.000Z"`
	checkAggregations(t, map[string]string{
		`{"range":{"field":"creation","ranges":[{"from":1709251200000},{"to":1709251200000,"key":"old"},{}]}}`: `{"buckets":[
			{"key":"old","to":1709251200000,"to_as_string":` + march + `,"doc_count":2},{"key":"*-*","doc_count":5},
			{"key":"2024-03-01T00:00:00.000Z-*","from":1709251200000,"from_as_string":` + march + `,"doc_count":3}]}`,
		`{"date_range":{"field":"creation","ranges":[{"from":"2024-03-01","to":"now/d"}]},"aggs":{"v":{"value_count":{"field":"name"}}}}`: `{"buckets":[
			{"key":"2024-03-01T00:00:00.000Z-2024-06-15T00:00:00.000Z","from":1709251200000,"from_as_string":` + march + `,
			"to":1718409600000,"to_as_string":` + june + `,"doc_count":2,"v":{"value":2}}]}`,
		`{"date_range":{"field":"expiration","keyed":true,"format":"MM/yyyy","missing":"01/2020","ranges":[{"to":"now-1M/M","key":"k"},{"from":"06/2024"}]}}`: `{"buckets":{
			"k":{"to":1714521600000,"to_as_string":"05/2024","doc_count":3},"06/2024-*":{"from":1717200000000,"from_as_string":"06/2024","doc_count":2}}}`,
	})
}

// Ensures that aggregations of one bucket or one number count the right documents.
func TestAggregation_Single(t *testing.T) {
	checkAggregations(t, map[string]string{
		`{"missing":{"field":"name"}}`:                                                         `{"doc_count":1}`,
		`{"missing":{"field":"name","missing":"x"}}`:                                           `{"doc_count":0}`,
		`{"missing":{"field":"expiration"},"aggs":{"m":{"missing":{"field":"invalidation"}}}}`: `{"doc_count":3,"m":{"doc_count":2}}`,
		`{"cardinality":{"field":"username","precision_threshold":100}}`:                       `{"value":3}`,
		`{"cardinality":{"field":"metadata.env"}}`:                                             `{"value":2}`,
		`{"cardinality":{"field":"metadata.env","missing":"x"}}`:                               `{"value":3}`,
		`{"value_count":{"field":"metadata.tags"}}`:                                            `{"value":3}`,
		`{"value_count":{"field":"creation"}}`:                                                 `{"value":5}`,
		`{"filter":{"term":{"username":"ann"}},"aggs":{"t":{"terms":{"field":"metadata.env"}}}}`: `{"doc_count":2,"t":` +
			terms(0,
				`{"key":"prod","doc_count":1},{"key":"test","doc_count":1}`) + `}`,
		`{"filters":{"filters":{"x":{"term":{"username":"ann"}},"y":{"match_all":{}}}}}`:                   `{"buckets":{"x":{"doc_count":2},"y":{"doc_count":5}}}`,
		`{"filters":{"filters":{"x":{"term":{"username":"ann"}}},"other_bucket":true}}`:                    `{"buckets":{"x":{"doc_count":2},"_other_":{"doc_count":3}}}`,
		`{"filters":{"filters":{"x":{"term":{"username":"ann"}}},"other_bucket_key":"rest"}}`:              `{"buckets":{"x":{"doc_count":2},"rest":{"doc_count":3}}}`,
		`{"filters":{"filters":{"x":{"term":{"username":"ann"}}},"keyed":false}}`:                          `{"buckets":[{"key":"x","doc_count":2}]}`,
		`{"filters":{"filters":[{"term":{"username":"ann"}},{"ids":{"values":"e"}}],"other_bucket":true}}`: `{"buckets":[{"doc_count":2},{"doc_count":1},{"doc_count":2}]}`,
	})
}

// Ensures that a composite aggregation returns every combination of its sources, page by page.
func TestAggregation_Composite(t *testing.T) {
	const sources = `"sources":[{"u":{"terms":{"field":"username","order":"desc"}}},{"t":{"terms":{"field":"metadata.tags","missing_bucket":true}}}]`
	bucket := func(u, tag string, n int) string {
		return fmt.Sprintf(`{"key":{"u":"%s","t":%s},"doc_count":%d}`, u, tag, n)
	}

	checkAggregations(t, map[string]string{
		`{"composite":{` + sources + `}}`: `{"after_key":{"u":"ann","t":"t2"},"buckets":[` + strings.Join([]string{
			bucket("eve", "null", 1), bucket("bob", "null", 2), bucket("ann", `"t1"`, 1), bucket("ann", `"t2"`, 2)}, ",") + `]}`,
		`{"composite":{"size":2,` + sources +
			`,"after":{"u":"eve","t":null}}}`: `{"after_key":{"u":"ann","t":"t1"},"buckets":[` +
			bucket("bob", "null", 2) + "," + bucket("ann", `"t1"`, 1) + `]}`,
		`{"composite":{` + sources +
			`,"after":{"u":"ann","t":"t2"}}}`: `{"buckets":[]}`,
		`{"composite":{"sources":[{"t":{"terms":{"field":"metadata.tags","missing_bucket":true,"missing_order":"last"}}}],"size":1}}`: `{"after_key":{"t":"t1"},"buckets":[{"key":{"t":"t1"},"doc_count":1}]}`,
		`{"composite":{"sources":[{"i":{"terms":{"field":"invalidated"}}},{"d":{"terms":{"field":"invalidation"}}}]}}`:                `{"after_key":{"i":true,"d":1714521600000},"buckets":[{"key":{"i":true,"d":1714521600000},"doc_count":1}]}`,
		`{"composite":{"sources":[{"d":{"date_histogram":{"field":"creation","calendar_interval":"month","format":"yyyy-MM-dd","order":"desc"}}}],"size":2}}`: `{"after_key":{"d":"2024-03-01"},"buckets":[
			{"key":{"d":"2024-06-01"},"doc_count":1},{"key":{"d":"2024-03-01"},"doc_count":2}]}`,
		`{"composite":{"sources":[{"d":{"date_histogram":{"field":"creation","fixed_interval":"30d","time_zone":"+01:00"}}}],"after":{"d":1709161200000}}}`: `{"after_key":{"d":1715900400000},"buckets":[{"key":{"d":1715900400000},"doc_count":1}]}`,
		`{"filter":{"match_all":{}},"aggs":{"c":{"composite":{"sources":[{"t":{"terms":{"field":"metadata.tags"}}}]},"aggs":{"v":{"value_count":{"field":"name"}}}}}}`: `{"doc_count":5,"c":{
			"after_key":{"t":"t2"},"buckets":[{"key":{"t":"t1"},"doc_count":1,"v":{"value":1}},{"key":{"t":"t2"},"doc_count":2,"v":{"value":2}}]}}`,
	})
}

// Ensures that typed_keys prefixes the names of the results on every level.
func TestAggregation_TypedKeys(t *testing.T) {
	result := run(t, `{"aggs":{
		"a":{"terms":{"field":"name"},"aggs":{"b":{"terms":{"field":"invalidated"},"aggs":{"c":{"value_count":{"field":"name"}}}}}},
		"d":{"range":{"field":"creation","ranges":[{}]}},"e":{"date_range":{"field":"creation","ranges":[{}]}},"f":{"missing":{"field":"name"}},
		"g":{"cardinality":{"field":"name"}},"h":{"composite":{"sources":[{"n":{"terms":{"field":"name"}}}]}},"i":{"filter":{"match_all":{}}},
		"j":{"filters":{"filters":[{"match_all":{}}]}},"k":{"terms":{"field":"creation"}}}}`)

	text := asJSON(t, aggregations(t, result, true))
	for _, name := range []string{"sterms#a", "lterms#b", "value_count#c", "range#d", "date_range#e", "missing#f",
		"cardinality#g", "composite#h", "filter#i", "filters#j", "lterms#k"} {
		if !strings.Contains(text, `"`+name+`":`) {
			t.Errorf("no %s in %s", name, text)
		}
	}

	if untyped := asJSON(t, aggregations(t, result, false)); strings.Contains(untyped, "#") ||
		!strings.Contains(untyped, `"c":{"value":1}`) {
		t.Error(untyped)
	}
}

// Ensures that malformed and unsupported aggregations are refused with a reason.
func TestAggregation_Refused(t *testing.T) {
	wanted := map[string]string{}
	nested := strings.Repeat(`{"filter":{"match_all":{}},"aggs":{"n":`, 10) + `{"missing":{"field":"name"}}` +
		strings.Repeat(`}}`, 10)
	sources := strings.TrimSuffix(strings.Repeat(`{"s":{"terms":{"field":"name"}}},`, 2), ",")
	for given, want := range map[string]string{
		`1`:                       inA + pe + "Expected [START_OBJECT] under [n], but got a [VALUE_NUMBER]",
		`{}`:                      inA + pe + "Missing definition for aggregation [n]",
		`{"terms":1}`:             inA + pe + "Expected [START_OBJECT] under [terms] of [n], but got a [VALUE_NUMBER]",
		`{"terms":{},"range":{}}`: inA + pe + "Found two aggregation type definitions in [n]: [range] and [terms]",
		`{"filter":{},"aggs":{},"aggregations":{}}`: inA + pe +
			"Found two sub aggregation definitions under [n]",
		`{"avg":{"field":"name"}}`: iae +
			"Unsupported API Keys agg [n] of type [avg]",
		`{"bucket_sort":{}}`: iae +
			"Unsupported API Keys agg [n] of type [bucket_sort]",
		`{"terms":{"field":"name"},"aggs":{"x[":{}}}`: inA + pe +
			"Invalid aggregation name [x[]. Aggregation names can contain any character except '[', ']', and '>'",
		`{"terms":{}}`: iae +
			"Required one of fields [field], but none were specified for [n]",
		`{"terms":{"field":"x"}}`: iae +
			"Field [x] is not allowed for querying or aggregation",
		`{"terms":{"script":{}}}`: iae +
			"Unsupported script value source for [n] agg",
		`{"terms":{"field":"name","foo":1}}`: inA +
			"field invalid: [terms] unknown field [foo]",
		`{"terms":{"field":"name","size":0}}`: iae +
			"[size] must be greater than 0. Found [0] in [n]",
		`{"terms":{"field":"name","min_doc_count":-1}}`: iae +
			"[min_doc_count] must be greater than or equal to 0. Found [-1] in [n]",
		`{"terms":{"field":"name","include":"a.*"}}`: iae +
			"[include] of [n] must be an array of values",
		`{"terms":{"field":"name","exclude":[{}]}}`: iae +
			"the field [name] accepts only strings, numbers and booleans",
		`{"terms":{"field":"name","order":{"x":"asc"}}}`: iae +
			"Invalid aggregation order path [x]: [n] has no subaggregation of this name with a single number",
		`{"terms":{"field":"name","order":{"_key":"x"}}}`: iae + "Unknown sort order [x]",
		`{"terms":{"field":"name","order":{"_key":1}}}`: inA + pe +
			"Unknown order direction in [n]",
		`{"terms":{"field":"name","order":"_key"}}`: inA + pe +
			"Must specify exactly one field for [order] of [n], but was VALUE_STRING",
		`{"terms":{"field":"creation","missing":"x"}}`: inA + pe +
			"failed to parse date field [x] with format [strict_date_optional_time||epoch_millis]",
		`{"range":{"field":"name","ranges":[{}]}}`: iae +
			"Field [name] of type [keyword] is not supported for aggregation [range]",
		`{"range":{"field":"creation"}}`: iae +
			"[ranges] of [n] must be an array of 1 to 1000 ranges",
		`{"range":{"field":"creation","ranges":[1]}}`: inA + pe +
			"[range] a range must be an object, but was VALUE_NUMBER",
		`{"date_range":{"field":"creation","ranges":[{"foo":1}]}}`: inA +
			"field invalid: [date_range] unknown field [foo]",
		`{"date_range":{"field":"creation","ranges":[{"from":"x"}]}}`: inA + pe +
			"failed to parse date field [x] with format [strict_date_optional_time||epoch_millis]",
		`{"date_range":{"field":"creation","ranges":[{"to":"x"}]}}`: inA + pe +
			"failed to parse date field [x] with format [strict_date_optional_time||epoch_millis]",
		`{"value_count":{"field":"name"},"aggs":{"x":{"missing":{"field":"name"}}}}`: iae +
			"Aggregator [n] of type [value_count] cannot accept sub-aggregations",
		`{"value_count":{"field":"name","rehash":true}}`: inA +
			"field invalid: [value_count] unknown field [rehash]",
		`{"filter":{"fuzzy":{}}}`: iae +
			"Query type [fuzzy] is not currently supported in this context",
		`{"filters":{}}`: inA + pe +
			"[filters] of [n] must be an object or an array, but was VALUE_NULL",
		`{"filters":{"filters":[]}}`: iae + "[filters] cannot be empty.",
		`{"filters":{"filters":[{}]}}`: iae +
			"query malformed, empty clause found",
		`{"composite":{}}`: iae +
			"Composite [sources] of [n] cannot be null or empty, nor more than 32",
		`{"composite":{"size":0}}`: iae +
			"[size] must be greater than 0 and at most 65536. Found [0] in [n]",
		`{"composite":{"sources":[1]}}`: inA + pe +
			"[composite] a source must be an object with exactly one member, but was VALUE_NUMBER",
		`{"composite":{"sources":[{"s":{}}]}}`: inA + pe +
			"[composite] a source must be an object with exactly one member, but was START_OBJECT",
		`{"composite":{"sources":[{"s":{"histogram":{}}}]}}`: iae +
			"Unsupported API Keys agg source [s] of type [histogram]",
		`{"composite":{"sources":[{"s":{"date_histogram":{"field":"name"}}}]}}`: iae +
			"Field [name] of type [keyword] is not supported for aggregation [date_histogram]",
		`{"composite":{"sources":[{"s":{"date_histogram":{"field":"creation"}}}]}}`: iae +
			"exactly one of [calendar_interval] and [fixed_interval] is required",
		`{"composite":{"sources":[{"s":{"date_histogram":{"field":"creation","calendar_interval":"2d"}}}]}}`: iae +
			"The supplied interval [2d] could not be parsed as a calendar interval.",
		`{"composite":{"sources":[{"s":{"date_histogram":{"field":"creation","fixed_interval":"0d"}}}]}}`: iae +
			"failed to parse [fixed_interval] with value [0d] as a time value",
		`{"composite":{"sources":[{"s":{"date_histogram":{"field":"creation","fixed_interval":"1M"}}}]}}`: iae +
			"failed to parse [fixed_interval] with value [1M] as a time value",
		`{"composite":{"sources":[{"s":{"terms":1}}]}}`: inA + pe +
			"Expected [START_OBJECT] under [terms], but got a [VALUE_NUMBER]",
		`{"composite":{"sources":[{"s":{"terms":{"field":"name","missing":"x"}}}]}}`: iae +
			"[missing] is not supported in the sources of [n]; use [missing_bucket]",
		`{"composite":{"sources":[{"s":{"terms":{"field":"name","order":"x"}}}]}}`: iae +
			"Unknown sort order [x]",
		`{"composite":{"sources":[{"s":{"terms":{"field":"name","missing_order":"x"}}}]}}`: iae +
			"Unknown [missing_order] [x]",
		`{"composite":{"sources":[` + sources + `]}}`: iae +
			"Composite source names must be unique, found duplicates: [s]",
		`{"composite":{"sources":[{"s":{"terms":{"field":"name"}}}],"after":{}}}`: iae +
			"[after] has 0 value(s) but [sources] has 1",
		`{"composite":{"sources":[{"s":{"terms":{"field":"name"}}}],"after":{"x":1}}}`: iae +
			"Missing value for [after.s]",
		`{"terms":{"field":"name"},"aggs":{"c":{"composite":{}}}}`: iae +
			"[composite] aggregation cannot be used with a parentAggregation of type: [terms]",
		nested: iae + "aggregations are nested too deep: at most [10] levels are allowed",
	} {
		wanted[`{"aggs":{"n":`+given+`}}`] = want
	}

	many := ""
	for i := range 101 {
		many += fmt.Sprintf(`,"%d":{"missing":{"field":"name"}}`, i)
	}

	wanted[`{"aggs":{`+many[1:]+`}}`] = iae + "at most [100] aggregations are allowed"
	checkRefused(t, wanted)
}

// Ensures that aggregations are refused before they use too much memory or time.
func TestAggregation_TooLarge(t *testing.T) {
	filters := `{"filters":{"filters":[` + strings.TrimSuffix(strings.Repeat(`{"match_all":{}},`, 200), ",") + `]}`
	deep := strings.Repeat(filters+`,"aggs":{"n":`, 3) + `{"missing":{"field":"name"}}` + strings.Repeat(`}}`, 3)
	const tags = `{"terms":{"field":"metadata.list","size":1},"aggs":{"n":{"terms":{"field":"metadata.list"}}}}`
	source := func(name string) string { return `{"` + name + `":{"terms":{"field":"metadata.list"}}}` }
	list := make([]any, 2_000)
	for i := range list {
		list[i] = fmt.Sprint(i)
	}

	document := query.Document{ID: "a", Name: "n", Metadata: has(map[string]any{"list": list})}
	for name, given := range map[string]string{
		"filters":   deep,
		"terms":     tags,
		"composite": `{"composite":{"sources":[` + source("a") + `,` + source("b") + `,` + source("c") + `]}}`,
		"work":      `{"terms":{"field":"name"},"aggs":{"n":` + filters + `}}}`,
	} {
		request, err := query.Keys.Parse(decode(`{"aggs":{"n":`+given+`}}`), now)
		if err != nil {
			t.Fatal(name, err)
		}

		_, err = request.Run(t.Context(), func(yield func(query.Document) bool) {
			for range 1_000_000 {
				if !yield(document) {
					return
				}
			}
		})
		if !fault.Has(err, fault.InvalidData) {
			t.Error(name, err)
		}
	}
}
