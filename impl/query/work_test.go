package query_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/platform/admission/work"
	"github.com/sallyport/sallyport/impl/query"
)

// repeated yields a document a number of times.
func repeated(document query.Document, times int) iter.Seq[query.Document] {
	return func(yield func(query.Document) bool) {
		for range times {
			if !yield(document) {
				return
			}
		}
	}
}

// worked runs a query and returns the units of work and the bytes allocated.
func worked(t *testing.T, body string, documents iter.Seq[query.Document]) (units int64, allocated uint64, err error) {
	t.Helper()
	ctx, meter := work.Metered(t.Context())
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	result, err := parsed(t, body).Run(ctx, documents)
	if err == nil {
		_, err = result.Aggregations(true)
	}

	runtime.ReadMemStats(&after)
	return meter.Used(), after.TotalAlloc - before.TotalAlloc, err
}

// should returns a query with as many clauses as fit in a body of 19 KiB.
func should(clause string, times int) string {
	return `{"size":0,"query":{"bool":{"should":[` + strings.TrimSuffix(strings.Repeat(clause+",", times), ",") + `]}}}`
}

// Ensures that the work on long texts is charged by their characters, not only by their number.
func TestRun_LongTexts(t *testing.T) {
	const length = 65_000
	document := query.Document{ID: "a", Metadata: has(map[string]any{"t": strings.Repeat("a", length)})}
	many := strings.Repeat("a", 900)
	for name, c := range map[string]struct {
		clause string
		// least is in units per clause and document.
		least int64
	}{
		"wildcard":           {`{"wildcard":{"metadata.t":"*` + many + `b*"}}`, length},
		"wildcard with mark": {`{"wildcard":{"metadata.t":"*?` + many + `b*"}}`, length * 900 / 64},
		"wildcard, folded":   {`{"wildcard":{"metadata.t":{"value":"*` + many + `b*","case_insensitive":true}}}`, 2 * length},
		"term, folded":       {`{"term":{"metadata.t":{"value":"b","case_insensitive":true}}}`, length},
		"prefix, folded":     {`{"prefix":{"metadata.t":{"value":"b","case_insensitive":true}}}`, length},
		"terms":              {`{"terms":{"metadata.t":["b","c"]}}`, length / 16},
		"range":              {`{"range":{"metadata.t":{"gt":"b"}}}`, length / 16},
		"simple":             {`{"simple_query_string":{"query":"b","fields":["metadata.t"]}}`, length / 16},
	} {
		t.Run(name, func(t *testing.T) {
			units, _, err := worked(t, should(c.clause, 4), repeated(document, 2))
			if want := 2 * 4 * c.least; err != nil || units < want || units > 2*want+100 {
				t.Errorf("%d units, %v; want about %d", units, err, want)
			}
		})

		t.Run(name+", too much", func(t *testing.T) {
			units, _, err := worked(t, should(c.clause, 19_000/len(c.clause)), repeated(document, 1<<30))
			if !fault.Has(err, fault.InvalidData) || units > 102_000_000 {
				t.Errorf("%d units, %v", units, err)
			}
		})
	}
}

// Ensures that a fuzzy word is charged by the size of its distance table.
func TestRun_Fuzzy(t *testing.T) {
	document := query.Document{ID: "a", Name: strings.Repeat("a", 200)}
	body := `{"query":{"simple_query_string":{"query":"` + strings.Repeat("a", 199) + `b~2","fields":["name"]}}}`
	if units, _, err := worked(t, body, repeated(document, 10)); err != nil || units < 10*200*5 {
		t.Errorf("%d units, %v", units, err)
	}
}

// Ensures that a run stops when the client disconnects, in the query as well as in the aggregations.
func TestRun_Disconnected(t *testing.T) {
	document := query.Document{ID: "a", Name: "n", Metadata: has(map[string]any{"t": strings.Repeat("a", 10_000)})}
	for name, body := range map[string]string{
		"query":        should(`{"wildcard":{"metadata.t":"*b*"}}`, 10),
		"aggregations": `{"aggs":{"n":{"terms":{"field":"name"}}}}`,
		"all":          `{}`,
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			seen := 0
			_, err := parsed(t, body).Run(ctx, func(yield func(query.Document) bool) {
				for yield(document) {
					if seen++; seen == 10 {
						cancel()
					}
				}
			})
			if !errors.Is(err, context.Canceled) || seen > 20_000 {
				t.Errorf("%v after %d documents", err, seen)
			}
		})
	}
}

// Ensures that aggregations neither store long texts repeatedly nor return them without bound.
func TestAggregation_LongTexts(t *testing.T) {
	list := make([]any, 8_000)
	for i := range list {
		list[i] = fmt.Sprint(i)
	}

	document := query.Document{ID: "a", Name: "n",
		Metadata: has(map[string]any{"long": strings.Repeat("a", 30_000), "list": list})}
	source := func(name, field string) string {
		return `{"` + name + `":{"terms":{"field":"metadata.` + field + `"}}}`
	}

	t.Run("composite", func(t *testing.T) {
		body := `{"size":0,"aggs":{"n":{"composite":{"sources":[` + source("a", "long") + "," + source("b", "list") + `]}}}}`
		if _, allocated, err := worked(t, body, repeated(document, 1)); err != nil || allocated > 32<<20 {
			t.Errorf("%d bytes, %v", allocated, err)
		}
	})

	name := strings.Repeat("n", 15_000)
	for kind, aggregation := range map[string]string{
		"composite": `{"composite":{"size":8000,"sources":[` + source("a", "long") + "," + source("b", "list") + `]}}`,
		"terms":     `{"terms":{"field":"metadata.list","size":8000},"aggs":{"n":{"terms":{"field":"metadata.long"}}}}`,
		"name": `{"terms":{"field":"metadata.list","size":8000},"aggs":{"` + name +
			`":{"value_count":{"field":"name"}}}}`,
		"meta": `{"terms":{"field":"metadata.list","size":8000},"aggs":{"n":{"value_count":{"field":"name"},"meta":{"a":"` +
			name + `"}}}}`,
		"filters": `{"terms":{"field":"metadata.list","size":8000},"aggs":{"n":{"filters":{"filters":{"` + name +
			`":{"match_all":{}}}}}}}`,
		"range": `{"terms":{"field":"metadata.list","size":8000},"aggs":{"n":{"range":{"field":"creation","ranges":[{"key":"` + name + `","to":"now"}]}}}}`,
	} {
		t.Run("shown, "+kind, func(t *testing.T) {
			result, err := parsed(t, `{"size":0,"aggs":{"n":`+aggregation+`}}`).Run(t.Context(), repeated(document, 1))
			if err != nil {
				t.Fatal(err)
			}

			shown, err := result.Aggregations(true)
			text, _ := json.Marshal(shown)
			if !fault.Has(err, fault.InvalidData) || len(text) > 20<<20 {
				t.Errorf("%d bytes, %v", len(text), err)
			}
		})
	}
}

// Ensures that work grows linearly with the metadata and with the patterns.
func TestRun_Growth(t *testing.T) {
	document := func(size int) query.Document {
		list := make([]any, size)
		for i := range list {
			list[i] = fmt.Sprintf("value %d", i)
		}
		return query.Document{ID: "a", Metadata: has(map[string]any{"list": list, "t": strings.Repeat("ab", size)})}
	}

	for name, clause := range map[string]string{
		"everywhere": `{"wildcard":{"metadata":"*x*y?z*"}}`, "path": `{"term":{"metadata.list":"x"}}`,
		"exists": `{"exists":{"field":"metadata.list"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			once, onceBytes, err1 := worked(t, should(clause, 20), repeated(document(2_000), 4))
			twice, twiceBytes, err2 := worked(t, should(clause, 20), repeated(document(4_000), 4))
			if err1 != nil || err2 != nil || float64(twice) > 2.3*float64(once) || float64(twiceBytes) > 2.3*float64(onceBytes) {
				t.Errorf("%d units and %d bytes, %v; then %d and %d, %v", once, onceBytes, err1, twice, twiceBytes, err2)
			}
		})
	}
}
