package query_test

import (
	"testing"
)

// Ensures that documents are sorted by each kind of field, and that hits contain their sort values.
func TestRun_Sort(t *testing.T) {
	for sort, want := range map[string]string{
		`"name"`:          `cabde ["Batch"] ["app key 1"] ["app key 2"] ["cross*"] [null]`,
		`{"name":"desc"}`: `dbace ["cross*"] ["app key 2"] ["app key 1"] ["Batch"] [null]`,
		`{"name":{"order":"DESC","missing":"_first"}}`:            `edbac [null] ["cross*"] ["app key 2"] ["app key 1"] ["Batch"]`,
		`{"name":{"missing":"b"}}`:                                `cabed ["Batch"] ["app key 1"] ["app key 2"] ["b"] ["cross*"]`,
		`["creation"]`:                                            `abcde [1706695200000] [1709251199999] [1709251200000] [1709251200001] [1718409600000]`,
		`[{"expiration":{"format":"strict_date_optional_time"}}]`: `bacde ["2024-06-14T12:30:45.500Z"] ["2024-06-16T00:00:00.000Z"] [null] [null] [null]`,
		`{"expiration":{"format":"yyyy/MM","missing":"2024/06","mode":"avg","numeric_type":"date","unmapped_type":"date"}}`: `cdeba ["2024/06"] ["2024/06"] ["2024/06"] ["2024/06"] ["2024/06"]`,
		`{"expiration":{"format":"epoch_second","missing":"_first"}}`:                                                       `cdeba [null] [null] [null] ["1718368245"] ["1718496000"]`,
		`["invalidated",{"username":"desc"}]`:                                                                               `edabc [false,"eve"] [false,"bob"] [false,"ann"] [false,"ann"] [true,"bob"]`,
		`{"metadata.level":"asc"}`:                                                                                          `bacde ["1.50"] ["42"] ["7"] [null] [null]`,
		`{"metadata.tags":"asc"}`:                                                                                           `abcde ["t1"] ["t2"] [null] [null] [null]`,
		`{"metadata.tags":{"mode":"max"}}`:                                                                                  `abcde ["t2"] ["t2"] [null] [null] [null]`,
		`{"metadata.tags":"desc"}`:                                                                                          `abcde ["t2"] ["t2"] [null] [null] [null]`,
		`"_doc"`:                                                                                                            `abcde ["1706695200000:a"] ["1709251199999:b"] ["1709251200000:c"] ["1709251200001:d"] ["1718409600000:e"]`,
		`{"_doc":{"order":"desc"}}`:                                                                                         `edcba ["1718409600000:e"] ["1709251200001:d"] ["1709251200000:c"] ["1709251199999:b"] ["1706695200000:a"]`,
	} {
		result := run(t, `{"sort":`+sort+`}`)
		got := found(result)
		for _, hit := range result.Hits {
			got += " " + asJSON(t, hit.Sort)
		}

		if got != want {
			t.Errorf("%s:\n got %s\nwant %s", sort, got, want)
		}
	}
}

// Ensures that search_after continues after the given values, also after missing ones.
func TestRun_SearchAfter(t *testing.T) {
	for body, want := range map[string]string{
		`{"sort":"name","search_after":["app key 1"]}`:                                  "bde",
		`{"sort":"name","search_after":["zz"]}`:                                         "e",
		`{"sort":"name","search_after":[null]}`:                                         "",
		`{"sort":{"name":{"missing":"_first"}},"search_after":[null]}`:                  "cabd",
		`{"sort":{"name":{"missing":"b"}},"search_after":[null]}`:                       "d",
		`{"sort":{"creation":"desc"},"search_after":[1709251200000]}`:                   "ba",
		`{"sort":"creation","search_after":["2024-03-01T00:00:00Z"],"from":0,"size":1}`: "d",
		`{"sort":{"creation":{"format":"yyyy-MM-dd"}},"search_after":["2024-03-01"]}`:   "de",
		`{"sort":["invalidated","name"],"search_after":[false,"app key 2"]}`:            "dec",
		`{"sort":["invalidated","name"],"search_after":[0,"app key 2"]}`:                "dec",
		`{"sort":["invalidated","name"],"search_after":["1",5]}`:                        "c",
		`{"sort":"_doc","search_after":["1709251200000:c"]}`:                            "de",
	} {
		result := run(t, body)
		if found(result) != want || result.Total != 5 {
			t.Errorf("%s: %q of %d; want %q", body, found(result), result.Total, want)
		}
	}
}

// Ensures that invalid sorts and search_after values are refused with a reason.
func TestSort_Refused(t *testing.T) {
	after := xpe + "failed to parse field [search_after]: " + pe
	checkRefused(t, map[string]string{
		`{"sort":1}`:          iS("must be a field name or an object, but found VALUE_NUMBER"),
		`{"sort":[["name"]]}`: iS("must be a field name or an object, but found START_ARRAY"),
		`{"sort":{"name":"asc","type":"asc"}}`: iS(
			"an object must have exactly one field; give several fields as an array"),
		`{"sort":{"name":1}}`: iS(
			"the options of [name] must be an object or an order, but were VALUE_NUMBER"),
		`{"sort":{"name":{"foo":1}}}`:               inS + "field invalid: [field_sort] unknown field [foo]",
		`{"sort":{"name":{"nested":{"path":"x"}}}}`: iae + "nested sorting is not currently supported in this context",
		`{"sort":{"name":"up"}}`:                    iae + "Unknown sort order [up]",
		`{"sort":"_score"}`:                         iae + "Field [_score] is not allowed for querying or aggregation",
		`{"sort":{"name":{"mode":"avg"}}}`:          iae + "sort mode [avg] is not supported for the field [name]",
		`{"sort":{"creation":{"mode":"x"}}}`:        iae + "sort mode [x] is not supported for the field [creation]",
		`{"sort":{"name":{"numeric_type":"long"}}}`: iae +
			"[numeric_type] of [long] is not supported for the field [name]",
		`{"sort":{"name":{"missing":[]}}}`:     iae + "the field [name] accepts only strings, numbers and booleans",
		`{"sort":{"creation":{"format":"x"}}}`: iae + "Invalid format: [x]: the date format is not supported",
		`{"sort":null}`:                        xpe + "sort doesn't support values of type: VALUE_NULL",
		`{"search_after":null}`:                xpe + "search_after doesn't support values of type: VALUE_NULL",
		`{"search_after":["x"]}`:               iae + "Sort must contain at least one field.",
		`{"sort":[],"search_after":["x"]}`:     iae + "Sort must contain at least one field.",
		`{"sort":"name","search_after":"x"}`: after +
			"Expected [START_ARRAY] in [search_after] but found [VALUE_STRING]",
		`{"sort":"name","search_after":[]}`: iae + "Values must contains at least one value.",
		`{"sort":"name","from":1,"search_after":["x"]}`: iae +
			"`from` parameter must be set to 0 when `search_after` is used.",
		`{"sort":"name","search_after":["x","y"]}`: iae + "search_after has 2 value(s) but sort has 1.",
		`{"sort":"name","search_after":[{}]}`: after +
			"Expected [VALUE_STRING] or [VALUE_NUMBER] or [VALUE_BOOLEAN] or [VALUE_NULL] but found [START_OBJECT] inside " +
			"search_after.",
		`{"sort":"_doc","search_after":[7]}`:        iae + "Failed to parse search_after value for field [_doc]",
		`{"sort":"invalidated","search_after":[7]}`: iae + "Can't parse boolean value [7], expected [true] or [false]",
		`{"sort":"creation","search_after":["x"]}`: after +
			"failed to parse date field [x] with format [strict_date_optional_time||epoch_millis]",
	})
}

func iS(text string) string { return inS + pe + "[sort] " + text }
