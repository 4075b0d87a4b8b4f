package query_test

import (
	"strings"
	"testing"
)

// Ensures that term-level queries compare fields exactly and metadata values by their text.
func TestQuery_Term(t *testing.T) {
	checkQueries(t, map[string]string{
		`{"match_all":{}}`:                        "abcde",
		`{"match_all":{"boost":1.5,"_name":"n"}}`: "abcde",
		`{"term":{"name":"Batch"}}`:               "c",
		`{"term":{"name":"batch"}}`:               "",
		`{"term":{"name":{"value":"BATCH","case_insensitive":true,"boost":2,"_name":"x"}}}`: "c",
		`{"term":{"username":"ann"}}`:                         "ab",
		`{"term":{"realm_name":"ldap"}}`:                      "c",
		`{"term":{"type":"cross_cluster"}}`:                   "d",
		`{"term":{"invalidated":true}}`:                       "c",
		`{"term":{"invalidated":"false"}}`:                    "abde",
		`{"term":{"metadata.env":"prod"}}`:                    "ac",
		`{"term":{"metadata.level":42}}`:                      "a",
		`{"term":{"metadata.level":"42"}}`:                    "a",
		`{"term":{"metadata.level":1.50}}`:                    "b",
		`{"term":{"metadata.level":1.5}}`:                     "",
		`{"term":{"metadata.on":true}}`:                       "a",
		`{"term":{"metadata.tags":"t2"}}`:                     "ab",
		`{"term":{"metadata.deep.er":"x"}}`:                   "a",
		`{"term":{"metadata.deep.er":"dotted"}}`:              "b",
		`{"term":{"metadata.deep.list":"y"}}`:                 "a",
		`{"term":{"metadata.deep.list.z":"1"}}`:               "a",
		`{"term":{"metadata.deep":"x"}}`:                      "",
		`{"term":{"metadata":"prod"}}`:                        "ac",
		`{"term":{"metadata":"x"}}`:                           "a",
		`{"term":{"metadata":"null"}}`:                        "",
		`{"term":{"creation":1706695200000}}`:                 "a",
		`{"term":{"creation":"2024-03-01"}}`:                  "cd",
		`{"term":{"creation":"2024-03-01T00:00:00.001Z"}}`:    "d",
		`{"match":{"name":"app key 1"}}`:                      "a",
		`{"match":{"name":{"query":"app","operator":"and"}}}`: "",
		`{"match":{"creation":{"query":"x","lenient":true}}}`: "",
		`{"terms":{"name":["Batch","app key 1"],"boost":1}}`:  "ac",
		`{"terms":{"metadata.level":[42,"7"]}}`:               "ac",
		`{"terms":{"creation":["2024-03","2024-01-31"]}}`:     "acd",
		`{"terms":{"invalidated":[true]}}`:                    "c",
		`{"terms":{"name":[]}}`:                               "",
		`{"terms":{"creation":[]}}`:                           "",
		`{"ids":{"values":["e","a","?"]}}`:                    "ae",
		`{"ids":{"values":"b"}}`:                              "b",
		`{"ids":{}}`:                                          "",
		`{"exists":{"field":"name"}}`:                         "abcd",
		`{"exists":{"field":"expiration"}}`:                   "ab",
		`{"exists":{"field":"invalidated"}}`:                  "abcde",
		`{"exists":{"field":"metadata.level"}}`:               "abc",
		`{"exists":{"field":"metadata.nothing"}}`:             "",
		`{"exists":{"field":"metadata"}}`:                     "abc",
		`{"exists":{"field":"inval*on","boost":1}}`:           "c",
	})
}

// Ensures that prefixes and patterns are compared character by character.
func TestQuery_Pattern(t *testing.T) {
	checkQueries(t, map[string]string{
		`{"prefix":{"name":"app "}}`:                                           "ab",
		`{"prefix":{"name":""}}`:                                               "abcd",
		`{"prefix":{"name":{"value":"bAT","case_insensitive":true}}}`:          "c",
		`{"prefix":{"metadata.env":{"value":"p","rewrite":"constant_score"}}}`: "ac",
		`{"wildcard":{"name":"app*2"}}`:                                        "b",
		`{"wildcard":{"name":"*"}}`:                                            "abcd",
		`{"wildcard":{"name":"?at?h"}}`:                                        "c",
		`{"wildcard":{"name":"B*t*h"}}`:                                        "c",
		`{"wildcard":{"name":"B*c*th"}}`:                                       "",
		`{"wildcard":{"name":"cross\\*"}}`:                                     "d",
		`{"wildcard":{"name":"app key 1\\*"}}`:                                 "",
		`{"wildcard":{"name":"Batc"}}`:                                         "",
		`{"wildcard":{"name":"Batch?"}}`:                                       "",
		`{"wildcard":{"name":"Ba*atch"}}`:                                      "",
		`{"wildcard":{"name":"Batch\\"}}`:                                      "",
		`{"wildcard":{"name":{"wildcard":"BAT*","case_insensitive":"true"}}}`:  "c",
		`{"wildcard":{"metadata":"te?t"}}`:                                     "b",
	})
}

// Ensures that ranges are exact at their bounds, round dates by inclusion, and compare texts byte by byte.
func TestQuery_Range(t *testing.T) {
	checkQueries(t, map[string]string{
		`{"range":{"creation":{}}}`:                                                     "abcde",
		`{"range":{"expiration":{}}}`:                                                   "ab",
		`{"range":{"creation":{"gte":1709251200000}}}`:                                  "cde",
		`{"range":{"creation":{"gt":1709251200000.7,"lt":null}}}`:                       "de",
		`{"range":{"creation":{"gt":"2024-02-29"}}}`:                                    "cde",
		`{"range":{"creation":{"gt":"2024-03-01"}}}`:                                    "e",
		`{"range":{"creation":{"gte":"2024-03-01"}}}`:                                   "cde",
		`{"range":{"creation":{"lt":"2024-03-01"}}}`:                                    "ab",
		`{"range":{"creation":{"lte":"2024-03-01"}}}`:                                   "abcd",
		`{"range":{"creation":{"lte":"2024-03-01T00"}}}`:                                "abcd",
		`{"range":{"creation":{"lte":"2024-03-01T00:00:00.000Z"}}}`:                     "abc",
		`{"range":{"creation":{"lte":"2024-03-01T00:00:00,0+00"}}}`:                     "abc",
		`{"range":{"creation":{"gte":"2024-03-01T01:00+0100"}}}`:                        "cde",
		`{"range":{"creation":{"gte":"2024-03-01T01:00","time_zone":"+01:00"}}}`:        "cde",
		`{"range":{"creation":{"gte":"2024-03-01T01:00","time_zone":"Europe/Berlin"}}}`: "cde",
		`{"range":{"creation":{"gte":"2024"}}}`:                                         "abcde",
		`{"range":{"creation":{"gt":"2024"}}}`:                                          "",
		`{"range":{"creation":{"gte":"01/03/2024","format":"dd/MM/yyyy"}}}`:             "cde",
		`{"range":{"creation":{"gt":"01/03/2024","format":"yyyy||dd/MM/yyyy"}}}`:        "e",
		`{"range":{"creation":{"gte":"1709251200","format":"epoch_second"}}}`:           "cde",
		`{"range":{"creation":{"gte":20240301,"format":"basic_date"}}}`:                 "cde",
		`{"range":{"expiration":{"lt":"now"}}}`:                                         "b",
		`{"range":{"expiration":{"gte":"now-1d","lte":"now+12h"}}}`:                     "ab",
		`{"range":{"expiration":{"gt":"now-1d"}}}`:                                      "a",
		`{"range":{"creation":{"gte":"now/d"}}}`:                                        "e",
		`{"range":{"creation":{"gte":"now/M-3M"}}}`:                                     "cde",
		`{"range":{"creation":{"gte":"now/d","time_zone":"+12:00"}}}`:                   "",
		`{"range":{"creation":{"lte":"2024-02-11||/M"}}}`:                               "ab",
		`{"range":{"creation":{"lte":"2024-01-31||+1M"}}}`:                              "a",
		`{"range":{"creation":{"lte":"2024-01-31||+1M/d"}}}`:                            "ab",
		`{"range":{"creation":{"gt":"2024-02-11||/M"}}}`:                                "cde",
		`{"range":{"creation":{"gte":"2024-02-26||+1w/w"}}}`:                            "e",
		`{"range":{"creation":{"gte":"2023||+1y-60s+1m/H"}}}`:                           "abcde",
		`{"range":{"name":{"gte":"app key 1","lt":"b"}}}`:                               "ab",
		`{"range":{"name":{"lt":"a"}}}`:                                                 "c",
		`{"range":{"metadata.level":{"gt":"1.50","lte":7}}}`:                            "ac",
		`{"range":{"invalidated":{"gt":false}}}`:                                        "c",
	})
}

// Ensures that bool combines queries as Elasticsearch does, also where parts are left out.
func TestQuery_Bool(t *testing.T) {
	const ann, native, prod, rest = `{"term":{"username":"ann"}}`, `{"term":{"realm_name":"native"}}`,
		`{"term":{"metadata.env":"prod"}}`, `{"term":{"type":"rest"}}`
	should := `"should":[` + ann + `,` + native + `,` + prod + `,` + rest + `]`
	checkQueries(t, map[string]string{
		`{"bool":{}}`:                                                                      "abcde",
		`{"bool":{"must":` + ann + `}}`:                                                    "ab",
		`{"bool":{"must":[` + ann + `,` + prod + `]}}`:                                     "a",
		`{"bool":{"filter":[` + native + `],"must_not":` + ann + `}}`:                      "de",
		`{"bool":{"must_not":[` + ann + `,` + prod + `]}}`:                                 "de",
		`{"bool":{"must_not":` + ann + `,"adjust_pure_negative":false}}`:                   "",
		`{"bool":{"should":[` + ann + `,` + prod + `]}}`:                                   "abc",
		`{"bool":{"should":[` + ann + `],"must":` + native + `}}`:                          "abde",
		`{"bool":{"should":[` + ann + `],"must":` + native + `,"minimum_should_match":1}}`: "ab",
		`{"bool":{"should":[],"minimum_should_match":1}}`:                                  "",
		`{"bool":{"should":[` + ann + `],"minimum_should_match":0}}`:                       "ab",
		`{"bool":{` + should + `,"minimum_should_match":3}}`:                               "ab",
		`{"bool":{` + should + `,"minimum_should_match":"4"}}`:                             "a",
		`{"bool":{` + should + `,"minimum_should_match":5}}`:                               "",
		`{"bool":{` + should + `,"minimum_should_match":"-2"}}`:                            "abce",
		`{"bool":{` + should + `,"minimum_should_match":"75%"}}`:                           "ab",
		`{"bool":{` + should + `,"minimum_should_match":"-25%"}}`:                          "ab",
		`{"bool":{` + should + `,"minimum_should_match":"3<50%"}}`:                         "abce",
		`{"bool":{` + should + `,"minimum_should_match":"4<50%"}}`:                         "a",
		`{"bool":{` + should + `,"minimum_should_match":"2<-3 3<-1"}}`:                     "ab",
		`{"bool":{"must":{"bool":{"must_not":{"bool":{"should":` + ann + `}}}}}}`:          "cde",
	})
}

// Ensures that the operators of simple_query_string work, and that its text has no syntax errors.
func TestQuery_Simple(t *testing.T) {
	simple := func(text, rest string) string {
		return `{"simple_query_string":{"query":"` + strings.ReplaceAll(text, `"`, `\"`) + `"` + rest + `}}`
	}

	checkQueries(t, map[string]string{
		simple(`Batch`, ``):                              "c",
		simple(`ann`, ``):                                "ab",
		simple(`Batch eve`, ``):                          "ce",
		simple(`Batch | eve`, ``):                        "ce",
		simple(`ann + prod`, ``):                         "a",
		simple(`ann prod`, `,"default_operator":"AND"`):  "a",
		simple(`ann + prod | eve`, ``):                   "ae",
		simple(`eve | ann + prod`, ``):                   "a",
		simple(`ann + (prod | eve)`, ``):                 "a",
		simple(`(ann + prod`, ``):                        "a",
		simple(`ann + prod) | eve`, ``):                  "ae",
		simple(`((()))`, ``):                             "",
		simple(`native + -ann`, ``):                      "de",
		simple(`-native`, ``):                            "c",
		simple(`--native`, ``):                           "abde",
		simple(`"app key 1"`, ``):                        "a",
		simple(`"app key 1"~3`, ``):                      "a",
		simple(`"app key 1`, ``):                         "a",
		simple(`"app \\"`, ``):                           "",
		simple(`app*`, ``):                               "ab",
		simple(`*`, ``):                                  "abcde",
		simple(`*`, `,"fields":["metadata.env"]`):        "abc",
		simple(`cross\\*`, ``):                           "d",
		simple(`cross*x`, ``):                            "",
		simple(`Bacth~1`, ``):                            "c",
		simple(`batched~`, ``):                           "",
		simple(`Batched~`, ``):                           "c",
		simple(`Batched~1`, ``):                          "",
		simple(`Batch~0`, ``):                            "c",
		simple(`Ba~tch`, ``):                             "",
		simple(`~`, ``):                                  "",
		simple(`+ | + Batch + | `, ``):                   "c",
		simple(``, ``):                                   "",
		simple(`true`, ``):                               "ac",
		simple(`2024-03-01`, ``):                         "cd",
		simple(`ann`, `,"fields":["username^3","name"]`): "ab",
		simple(`ann`, `,"fields":"user*"`):               "ab",
		simple(`ann`, `,"fields":["name"]`):              "",
		simple(`prod`, `,"fields":["metadata.*"]`):       "ac",
		simple(`prod`, `,"fields":["meta*"]`):            "ac",
		simple(`7 prod`, `,"fields":["metadata.level","metadata.env"],"minimum_should_match":2`): "c",
		simple(`x`, `,"fields":["creation"],"lenient":true`):                                     "",
		simple(`app key 1`, `,"flags":"NONE"`):                                                   "a",
		simple(`ann|eve`, `,"flags":"AND"`):                                                      "",
		simple(`ann|eve`, `,"flags":"or|and"`):                                                   "abe",
		simple(`ann|eve`, `,"flags":-1`):                                                         "abe",
	})
}

// Ensures that malformed and unsupported queries are refused with a reason.
func TestQuery_Refused(t *testing.T) {
	wanted := map[string]string{}
	for query, want := range map[string]string{
		`[]`:                     xpe + "query doesn't support values of type: START_ARRAY",
		`null`:                   xpe + "query doesn't support values of type: VALUE_NULL",
		`{}`:                     iae + "query malformed, empty clause found",
		`{"term":{},"ids":{}}`:   inQ + pe + "[ids] malformed query, expected [END_OBJECT] but found [FIELD_NAME]",
		`{"fuzzy":{"name":"x"}}`: iae + "Query type [fuzzy] is not currently supported in this context",
		`{"term":[]}`:            inQ + pe + "[term] query malformed, no start_object after query name",
		`{"term":{}}`:            inQ + pe + "[term] query malformed, a field is required",
		`{"term":{"name":"a","type":"b"}}`: inQ + pe +
			"[term] query doesn't support multiple fields, found [name] and [type]",
		`{"term":{"name":["a"]}}`:        inQ + pe + "[term] query does not support array of values",
		`{"term":{"name":{"foo":1}}}`:    inQ + pe + "[term] query does not support [foo]",
		`{"term":{"name":{}}}`:           iae + "value cannot be null",
		`{"term":{"name":null}}`:         iae + "value cannot be null",
		`{"term":{"name":{"value":{}}}}`: iae + "the field [name] accepts only strings, numbers and booleans",
		`{"term":{"name":{"value":"x","boost":-1}}}`: iae +
			"negative [boost] are not allowed in [term] query, but was [-1]",
		`{"match_all":{"boost":"x"}}`: inQ +
			"field invalid: [match_all] failed to parse field [boost]: " + pe + "[match_all] has a [boost] that is not a number",
		`{"match_all":{"boost":"NaN"}}`: inQ +
			"field invalid: [match_all] failed to parse field [boost]: " + pe + "[match_all] has a [boost] that is not a number",
		`{"match_all":{"_name":1}}`: inQ +
			"field invalid: [match_all] _name doesn't support values of type: VALUE_NUMBER",
		`{"term":{"_id":"x"}}`: iae +
			"Field [_id] is not allowed for querying or aggregation",
		`{"term":{"api_key_hash":"x"}}`: iae +
			"Field [api_key_hash] is not allowed for querying or aggregation",
		`{"term":{"metadata.":"x"}}`: iae +
			"Field [metadata.] is not allowed for querying or aggregation",
		`{"exists":{"field":"creator.*"}}`: iae +
			"Field name pattern [creator.*] is not allowed for querying or aggregation",
		`{"exists":{}}`: inQ + pe +
			"[exists] must be provided with a [field]",
		`{"exists":{"field":"x"}}`: iae +
			"Field [x] is not allowed for querying or aggregation",
		`{"term":{"creation":{"value":1,"case_insensitive":true}}}`: iae +
			"[creation] field which is of type [date], does not support case insensitive term queries",
		`{"term":{"creation":"yesterday"}}`: inQ + pe +
			"failed to parse date field [yesterday] with format [strict_date_optional_time||epoch_millis]",
		`{"term":{"creation":1e300}}`: inQ + pe +
			"failed to parse date field [1e300] with format [strict_date_optional_time||epoch_millis]",
		`{"term":{"invalidated":"yes"}}`: iae +
			"Can't parse boolean value [yes], expected [true] or [false]",
		`{"terms":{"name":{"index":"i"}}}`: iae +
			"terms query with terms lookup is not currently supported in this context",
		`{"terms":{"name":"x"}}`: inQ + pe +
			"[terms] query requires a field name, followed by array of terms",
		`{"terms":{}}`: inQ + pe +
			"[terms] query requires a field name, followed by array of terms",
		`{"terms":{"name":[],"type":[]}}`: inQ + pe +
			"[terms] query does not support multiple fields",
		`{"terms":{"name":[null]}}`: iae +
			"the field [name] accepts only strings, numbers and booleans",
		`{"match":{"name":{"query":"x","fuzziness":"AUTO"}}}`: iae +
			"match query with fuzziness is not currently supported in this context",
		`{"ids":{"type":"x"}}`: inQ + pe +
			"[ids] query does not support [type]",
		`{"ids":{"values":{}}}`: inQ +
			"field invalid: [ids] values doesn't support values of type: START_OBJECT",
		`{"prefix":{"creation":"2"}}`: iae +
			"Can only use prefix queries on keyword fields - not on [creation] which is of type [date]",
		`{"wildcard":{"invalidated":"t*"}}`: iae +
			"Can only use wildcard queries on keyword fields - not on [invalidated] which is of type [boolean]",
		`{"wildcard":{"name":"` + strings.Repeat("x", 1001) + `"}}`: iae +
			"a wildcard pattern of [1001] bytes is too long: at most [1000] are allowed",
		`{"wildcard":{"name":{}}}`: iae + "value cannot be null",
		`{"range":{"creation":1}}`: inQ + pe +
			"[range] query does not support [creation]",
		`{"range":{"creation":{"gt":1,"relation":"within"}}}`: iae +
			"range query with relation is not currently supported in this context",
		`{"range":{"creation":{"gt":1,"gte":1}}}`: iae +
			"a range has at most one lower and one upper bound, but [creation] has more",
		`{"range":{"creation":{"gt":[]}}}`: inQ + pe +
			"a date must be a string or a number, but was START_ARRAY",
		`{"range":{"creation":{"format":"foo"}}}`: iae +
			"Invalid format: [foo]: the date format is not supported",
		`{"range":{"creation":{"format":"yyyy-dd"}}}`: iae +
			"Invalid format: [yyyy-dd]: the date format is not supported",
		`{"range":{"creation":{"format":"yyyyyyyy"}}}`: iae +
			"Invalid format: [yyyyyyyy]: the date format is not supported",
		`{"range":{"creation":{"format":"HH"}}}`: iae +
			"Invalid format: [HH]: the date format is not supported",
		`{"range":{"creation":{"time_zone":"Mars"}}}`: iae +
			"Unknown time-zone ID: [Mars]",
		`{"range":{"creation":{"time_zone":"../x"}}}`: iae +
			"Unknown time-zone ID: [../x]",
		`{"range":{"creation":{"gt":"now-"}}}`: inQ + pe +
			"truncated date math [-]",
		`{"range":{"creation":{"gt":"now*1d"}}}`: inQ + pe +
			"operator not supported for date math [*1d]",
		`{"range":{"creation":{"gt":"now+1x"}}}`: inQ + pe +
			"unit [x] not supported for date math [+1x]",
		`{"range":{"creation":{"gt":"now/2d"}}}`: inQ + pe +
			"rounding `/` can only be used on single unit types [/2d]",
		`{"range":{"creation":{"gt":"now+999999999y"}}}`: inQ + pe +
			"date math [+999999999y] leads out of the supported range of dates",
		`{"range":{"creation":{"gt":"now+9999999999s"}}}`: inQ + pe +
			"a number is too large in date math [+9999999999s]",
		`{"range":{"name":{"gt":{}}}}`: iae +
			"the field [name] accepts only strings, numbers and booleans",
		`{"bool":{"must":[{"fuzzy":{}}]}}`: iae +
			"Query type [fuzzy] is not currently supported in this context",
		`{"bool":{"foo":[]}}`: inQ + pe +
			"[bool] query does not support [foo]",
		`{"bool":{"must":"x"}}`: inQ +
			"field invalid: [bool] failed to parse field [must]: " + pe + "[_na] query malformed, must start with start_object",
		`{"bool":{"minimum_should_match":"x"}}`: iae +
			"minimum_should_match [x] makes no sense",
		`{"bool":{"minimum_should_match":"x<1"}}`: iae +
			"minimum_should_match [x<1] makes no sense",
		`{"bool":{"minimum_should_match":"1<x"}}`: iae +
			"minimum_should_match [x] makes no sense",
		`{"bool":{"minimum_should_match":[]}}`: inQ + pe +
			"[minimum_should_match] must be a number or a string",
		`{"simple_query_string":{}}`: inQ + pe +
			"[simple_query_string] query text missing",
		`{"simple_query_string":{"query":"x","default_operator":"xor"}}`: iae +
			"[simple_query_string] default operator [xor] is not allowed",
		`{"simple_query_string":{"query":"x","flags":"X"}}`: iae +
			"Unknown simple_query_string flag [X]",
		`{"simple_query_string":{"query":"x","analyzer":{}}}`: inQ +
			"field invalid: [simple_query_string] failed to parse field [analyzer]: " + pe + "unexpected START_OBJECT",
		`{"simple_query_string":{"query":"x","fields":["foo"]}}`: iae +
			"Field [foo] is not allowed for querying or aggregation",
		`{"simple_query_string":{"query":"x","fields":["foo*"]}}`: iae +
			"Field name pattern [foo*] is not allowed for querying or aggregation",
		`{"simple_query_string":{"query":"x*","fields":["creation"]}}`: iae +
			"Can only use prefix and fuzzy queries on keyword fields - not on [creation] which is of type [date]",
		`{"simple_query_string":{"query":"` + strings.Repeat("x", 10_001) + `"}}`: iae +
			"a query text of [10001] bytes is too long: at most [10000] are allowed",
		`{"simple_query_string":{"query":"` + strings.Repeat("(", 40) + `x"}}`: iae +
			"The nested depth of the query exceeds the maximum of [30]",
		`{"simple_query_string":{"query":"` + strings.Repeat("x ", 200) + `"}}`: iae +
			"the request has too many clauses: at most [1024] are allowed",
		strings.Repeat(`{"bool":{"must":`, 31) + `{"match_all":{}}` + strings.Repeat(`}}`, 31): iae +
			"The nested depth of the query exceeds the maximum of [30]",
		`{"bool":{"must":[` + strings.Repeat(`{"match_all":{}},`, 1024) + `{"match_all":{}}]}}`: iae +
			"the request has too many clauses: at most [1024] are allowed",
		`{"terms":{"name":[` + strings.Repeat(`1,`, 65_536) + `1]}}`: iae +
			"The number of terms [65537] used in the Terms Query request has exceeded the allowed maximum of [65536]",
		`{"terms":{"creation":[` + strings.Repeat(`1,`, 1_024) + `1]}}`: iae +
			"the request has too many clauses: at most [1024] are allowed",
	} {
		wanted[`{"query":`+query+`}`] = want
	}

	checkRefused(t, wanted)
}
