package query_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/query"
)

// random returns documents with few distinct values, so that many are equal in a field.
func random(r *rand.Rand, n int) []query.Document {
	documents := make([]query.Document, n)
	for i := range documents {
		d := query.Document{
			ID:          fmt.Sprintf("id%06d", i),
			Name:        fmt.Sprintf("key %d", r.IntN(20)),
			Type:        "rest",
			UserName:    fmt.Sprintf("user%d", r.IntN(5)),
			RealmName:   "native",
			Creation:    now.Add(-time.Duration(r.IntN(1000)) * time.Hour),
			Invalidated: r.IntN(3) == 0,
		}
		if r.IntN(2) == 0 {
			d.Expiration = now.Add(time.Duration(r.IntN(100)-50) * time.Hour)
			d.Metadata = has(map[string]any{"level": json.Number(fmt.Sprint(r.IntN(10))),
				"tags": []any{fmt.Sprint(r.IntN(3)), fmt.Sprint(r.IntN(3))}})
		}

		documents[i] = d
	}

	return documents
}

// atoms are queries that match some of the random documents.
var atoms = []string{
	`{"term":{"username":"user1"}}`, `{"range":{"creation":{"gte":"now-20d/d"}}}`, `{"exists":{"field":"metadata"}}`,
	`{"term":{"metadata.level":3}}`,
	`{"wildcard":{"name":"*1*"}}`, `{"prefix":{"name":"key 1"}}`, `{"terms":{"metadata.tags":["0","1"]}}`,
	`{"simple_query_string":{"query":"user2 | true"}}`,
	`{"match_all":{}}`, `{"range":{"expiration":{"lt":"now"}}}`,
	`{"bool":{"should":[{"term":{"invalidated":true}},{"ids":{"values":["id000001"]}}]}}`,
}

func parsed(t *testing.T, body string) *query.Request {
	t.Helper()
	request, err := query.Keys.Parse(decode(body), now)
	if err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return request
}

func total(t *testing.T, query string, documents []query.Document) int {
	t.Helper()
	result, err := parsed(t, `{"size":0,"query":`+query+`}`).Run(t.Context(), slices.Values(documents))
	if err != nil {
		t.Fatal(err)
	}
	return result.Total
}

// Ensures that bool follows the laws of logic: complement, and inclusion and exclusion.
func TestProperty_Bool(t *testing.T) {
	documents := random(rand.New(rand.NewPCG(1, 2)), 500)
	for _, a := range atoms {
		if n := total(t, a, documents) + total(t, `{"bool":{"must_not":`+a+`}}`, documents); n != len(documents) {
			t.Errorf("%s and its complement have %d of %d documents", a, n, len(documents))
		}

		for _, b := range atoms {
			both := total(t, `{"bool":{"filter":[`+a+`,`+b+`]}}`, documents)
			either := total(t, `{"bool":{"should":[`+a+`,`+b+`]}}`, documents)
			if both+either != total(t, a, documents)+total(t, b, documents) {
				t.Errorf("%s, %s: %d of both, %d of either", a, b, both, either)
			}

			inverse := total(t, `{"bool":{"must_not":[{"bool":{"must_not":`+a+`}},{"bool":{"must_not":`+b+`}}]}}`, documents)
			if inverse != both {
				t.Errorf("%s, %s: %d by negation, %d by conjunction", a, b, inverse, both)
			}
		}
	}
}

// walk returns the ids of all pages of a request, each after the last sort values of the page before.
func walk(t *testing.T, sort string, documents []query.Document) []string {
	t.Helper()
	var ids []string
	for after := ""; ; {
		result, err := parsed(t, `{"size":7,"sort":`+sort+after+`}`).Run(t.Context(), slices.Values(documents))
		if err != nil {
			t.Fatal(err)
		}
		if len(result.Hits) == 0 {
			return ids
		}

		for _, hit := range result.Hits {
			ids = append(ids, hit.Document.ID)
		}

		after = `,"search_after":` + asJSON(t, result.Hits[len(result.Hits)-1].Sort)
	}
}

// Ensures that paging by search_after yields each document once, in the order of a single page, for any order of
// the documents.
func TestProperty_SearchAfter(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	documents := random(r, 200)
	for _, sort := range []string{
		`["_doc"]`, `["name","_doc"]`, `[{"expiration":"desc"},"_doc"]`,
		`[{"metadata.level":{"missing":"_first","order":"desc"}},"invalidated",{"_doc":"desc"}]`,
		`[{"expiration":{"format":"strict_date_optional_time"}},{"metadata.tags":{"mode":"max"}},"_doc"]`,
		`[{"metadata.level":{"missing":"5"}},"_doc"]`,
	} {
		whole, err := parsed(t, `{"size":1000,"sort":`+sort+`}`).Run(t.Context(), slices.Values(documents))
		if err != nil {
			t.Fatal(err)
		}

		var want []string
		for _, hit := range whole.Hits {
			want = append(want, hit.Document.ID)
		}

		r.Shuffle(len(documents), func(i, j int) { documents[i], documents[j] = documents[j], documents[i] })
		if got := walk(t, sort, documents); len(want) != len(documents) || !slices.Equal(got, want) {
			t.Errorf("%s: %d documents by pages, %d at once", sort, len(got), len(want))
		}
	}
}

// Ensures that the pages of a composite aggregation have every bucket of the single page once, in order.
func TestProperty_Composite(t *testing.T) {
	documents := random(rand.New(rand.NewPCG(5, 6)), 300)
	const sources = `"sources":[{"a":{"terms":{"field":"metadata.tags","missing_bucket":true,"order":"desc"}}},{"b":{"terms":{"field":"expiration","missing_bucket":true}}},{"c":{"terms":{"field":"invalidated"}}}]`
	page := func(size int, after string) (buckets []any, next string) {
		result, err := parsed(t,
			fmt.Sprintf(`{"aggs":{"n":{"composite":{"size":%d,%s%s}}}}`, size, sources, after)).Run(t.Context(),
			slices.Values(documents))
		if err != nil {
			t.Fatal(err)
		}

		n, _ := aggregations(t, result, false)["n"].(map[string]any)
		buckets, _ = n["buckets"].([]any)
		return buckets, `,"after":` + asJSON(t, n["after_key"])
	}

	want, _ := page(10_000, "")
	var got []any
	for buckets, after := page(11, ""); len(buckets) > 0; buckets, after = page(11, after) {
		got = append(got, buckets...)
	}

	if len(want) < 50 || asJSON(t, got) != asJSON(t, want) {
		t.Errorf("%d buckets by pages, %d at once", len(got), len(want))
	}
}

// Ensures that no accepted request panics or runs without end.
func FuzzParse(f *testing.F) {
	for _, atom := range atoms {
		f.Add([]byte(`{"query":` + atom + `}`))
	}

	for _, body := range []string{
		`{"from":1,"size":2,"sort":["name",{"metadata.x":{"order":"desc","missing":"_first"}}]}`,
		`{"sort":"_doc","search_after":["1:a"]}`,
		`{"aggs":{"n":{"terms":{"field":"name","order":{"_key":"asc"}},"aggs":{"m":{"cardinality":{"field":"metadata"}}}}}}`,
		`{"aggs":{"n":{"composite":{"sources":[{"a":{"terms":{"field":"metadata.tags"}}}],"after":{"a":"x"}}}}}`,
		`{"aggs":{"n":{"composite":{"sources":[{"d":{"date_histogram":{"field":"creation","fixed_interval":"7d","time_zone":"-05:00"}}}]}}}}`,
		`{"aggs":{"n":{"date_range":{"field":"creation","format":"yyyy-MM-dd'T'HH||epoch_second","ranges":[{"from":"now-1M/w","to":"2024||+1d"}]}}}}`,
		`{"aggs":{"n":{"filters":{"filters":[{"ids":{"values":[1]}}],"other_bucket":true}}}}`,
		`{"query":{"simple_query_string":{"query":"(a + -\"b c\"~2 | d* e~1)\\\\","fields":["name^2","meta*"],"flags":"ALL","minimum_should_match":"2<75%"}}}`,
	} {
		f.Add([]byte(body))
	}

	documents := append(documents(), random(rand.New(rand.NewPCG(7, 8)), 7)...)
	f.Fuzz(func(t *testing.T, data []byte) {
		request, err := query.Keys.Parse(decodeOrNil(data), now)
		if err != nil {
			return
		}

		result, err := request.Run(t.Context(), slices.Values(documents))
		if err != nil {
			return
		}
		if len(result.Hits) > result.Total || result.Total > len(documents) {
			t.Errorf("%d hits of %d", len(result.Hits), result.Total)
		}

		for _, hit := range result.Hits {
			asJSON(t, hit.Sort)
		}

		asJSON(t, aggregations(t, result, true))
	})
}

func BenchmarkRun(b *testing.B) {
	documents := random(rand.New(rand.NewPCG(9, 10)), 10_000)
	for name, body := range map[string]string{
		"all":          `{}`,
		"bool":         `{"query":{"bool":{"filter":[{"term":{"type":"rest"}},{"wildcard":{"name":"*1*"}},{"range":{"creation":{"gte":"now-30d"}}}],"must_not":{"term":{"metadata.level":3}}}},"sort":{"creation":"desc"},"size":100}`,
		"simple":       `{"query":{"simple_query_string":{"query":"user1 + key* -7"}}}`,
		"aggregations": `{"size":0,"aggs":{"u":{"terms":{"field":"username"},"aggs":{"l":{"terms":{"field":"metadata.level"}},"c":{"cardinality":{"field":"name"}}}}}}`,
		"last page":    `{"from":9990,"sort":["name","_doc"]}`,
	} {
		b.Run(name, func(b *testing.B) {
			request, err := query.Keys.Parse(decode(body), now)
			if err != nil {
				b.Fatal(err)
			}

			b.ReportAllocs()
			for b.Loop() {
				if _, err := request.Run(b.Context(), slices.Values(documents)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
