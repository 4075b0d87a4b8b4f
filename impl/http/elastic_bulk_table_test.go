package http_test

import (
	"net/http"
	"strings"
	"testing"
)

const bulkParser = "bulk_update_api_key_request"

// expirationInvalid is the refusal of a time value.
func expirationInvalid(parser, reason string) string {
	return refusal(xcontentParse, xcontentParse+": Failed to build ["+parser+"] after last required field arrived",
		illegalArgument+": "+reason)
}

// bulkRefused are bodies, ID standing for a key of the caller's, with how they are refused.
var bulkRefused = []struct{ body, want string }{
	// No body, or no object.
	{``, pe("request body is required")},
	{`[]`, xpe("[bulk_update_api_key_request] Expected START_OBJECT but was: START_ARRAY")},
	{`null`, xpe("[bulk_update_api_key_request] Expected START_OBJECT but was: VALUE_NULL")},
	{`"ID"`, xpe("[bulk_update_api_key_request] Expected START_OBJECT but was: VALUE_STRING")},
	{`1`, xpe("[bulk_update_api_key_request] Expected START_OBJECT but was: VALUE_NUMBER")},
	{`true`, xpe("[bulk_update_api_key_request] Expected START_OBJECT but was: VALUE_BOOLEAN")},
	{`{"ids":`, xpe("…")},
	{`{"ids":"ID"} x`, xpe("…")},
	{`{"ids":"ID"}{}`, xpe("…")},
	// Members that there are not, and members twice.
	{`{"ids":"ID","foo":1}`, xpe("[bulk_update_api_key_request] unknown field [foo]")},
	{`{"ids":"ID","":1}`, xpe("[bulk_update_api_key_request] unknown field []")},
	{`{"ids":"ID","name":"other"}`, xpe("[bulk_update_api_key_request] unknown field [name]")},
	{`{"Ids":"ID"}`, xpe("[bulk_update_api_key_request] unknown field [Ids] did you mean [ids]?")},
	{`{"ids":"ID","metadatas":{}}`,
		xpe("[bulk_update_api_key_request] unknown field [metadatas] did you mean [metadata]?")},
	{`{"ids":"ID","ids":["ID"]}`, xpe("Duplicate field 'ids'")},
	{`{"ids":"ID","metadata":{"a":{"b":1,"b":2}}}`, xpe("Duplicate field 'b'")},
	{`{"ids":"ID","role_descriptors":{"x":{},"x":{}}}`, xpe("Duplicate field 'x'")},
	// ids
	{`{}`, iae("Required [ids]")},
	{`{"metadata":{"a":1}}`, iae("Required [ids]")},
	{`{"ids":null}`, xpe("[bulk_update_api_key_request] ids doesn't support values of type: VALUE_NULL")},
	{`{"ids":1}`, xpe("[bulk_update_api_key_request] ids doesn't support values of type: VALUE_NUMBER")},
	{`{"ids":true}`, xpe("[bulk_update_api_key_request] ids doesn't support values of type: VALUE_BOOLEAN")},
	{`{"ids":{}}`, xpe("[bulk_update_api_key_request] ids doesn't support values of type: START_OBJECT")},
	{`{"ids":[]}`, arv("Field [ids] cannot be empty")},
	{`{"ids":["ID",null]}`, within(xcontentParse, bulkParser, "ids", illegalArgument+": …VALUE_NULL")},
	{`{"ids":["ID",{}]}`, within(xcontentParse, bulkParser, "ids", illegalArgument+": …START_OBJECT")},
	{`{"ids":["ID",["ID"]]}`, within(xcontentParse, bulkParser, "ids", illegalArgument+": …START_ARRAY")},
	// role_descriptors
	{`{"ids":"ID","role_descriptors":null}`,
		xpe("[bulk_update_api_key_request] role_descriptors doesn't support values of type: VALUE_NULL")},
	{`{"ids":"ID","role_descriptors":1}`,
		xpe("[bulk_update_api_key_request] role_descriptors doesn't support values of type: VALUE_NUMBER")},
	{`{"ids":"ID","role_descriptors":false}`,
		xpe("[bulk_update_api_key_request] role_descriptors doesn't support values of type: VALUE_BOOLEAN")},
	{`{"ids":"ID","role_descriptors":"{}"}`,
		xpe("[bulk_update_api_key_request] role_descriptors doesn't support values of type: VALUE_STRING")},
	{`{"ids":"ID","role_descriptors":[{"x":{}}]}`,
		within(xcontentParse, bulkParser, "role_descriptors", illegalArgument+": …arrays…single object with several fields")},
	{`{"ids":"ID","role_descriptors":[]}`,
		within(xcontentParse, bulkParser, "role_descriptors", illegalArgument+": …arrays…")},
	// metadata
	{`{"ids":"ID","metadata":null}`,
		xpe("[bulk_update_api_key_request] metadata doesn't support values of type: VALUE_NULL")},
	{`{"ids":"ID","metadata":1.5}`,
		xpe("[bulk_update_api_key_request] metadata doesn't support values of type: VALUE_NUMBER")},
	{`{"ids":"ID","metadata":true}`,
		xpe("[bulk_update_api_key_request] metadata doesn't support values of type: VALUE_BOOLEAN")},
	{`{"ids":"ID","metadata":"a"}`,
		xpe("[bulk_update_api_key_request] metadata doesn't support values of type: VALUE_STRING")},
	{`{"ids":"ID","metadata":[]}`,
		xpe("[bulk_update_api_key_request] metadata doesn't support values of type: START_ARRAY")},
	{`{"ids":"ID","metadata":{"_a":1}}`, arv("API key metadata keys may not start with [_]")},
	{`{"ids":"ID","metadata":{"_":null,"_b":1,"c":2}}`, arv("API key metadata keys may not start with [_]")},
	// expiration
	{`{"ids":"ID","expiration":null}`,
		xpe("[bulk_update_api_key_request] expiration doesn't support values of type: VALUE_NULL")},
	{`{"ids":"ID","expiration":86400}`,
		xpe("[bulk_update_api_key_request] expiration doesn't support values of type: VALUE_NUMBER")},
	{`{"ids":"ID","expiration":true}`,
		xpe("[bulk_update_api_key_request] expiration doesn't support values of type: VALUE_BOOLEAN")},
	{`{"ids":"ID","expiration":["1d"]}`,
		xpe("[bulk_update_api_key_request] expiration doesn't support values of type: START_ARRAY")},
	{`{"ids":"ID","expiration":{}}`,
		xpe("[bulk_update_api_key_request] expiration doesn't support values of type: START_OBJECT")},
	// All problems of an invalid request are in one answer, if the whole request is readable.
	{`{"ids":[],"metadata":{"_a":1},"expiration":"0","role_descriptors":{"x":{"cluster":["no_such","nor_this"]}}}`,
		arv("Field [ids] cannot be empty", "API key metadata keys may not start with [_]",
			"unknown cluster privilege [no_such]. …", "unknown cluster privilege [nor_this]. …",
			"API key expiration must be in the future")},
	{`{"ids":[],"metadata":{"_a":1},"expiration":"1w"}`,
		expirationInvalid(bulkParser, "…unit is missing or unrecognized")},
	{`{"ids":[],"metadata":null}`,
		xpe("[bulk_update_api_key_request] metadata doesn't support values of type: VALUE_NULL")},
	// Restrictions.
	{`{"ids":"ID","role_descriptors":{"a":{"restriction":{"workflows":["search_application_query"]}},"b":{"restriction":{"workflows":["search_application_query"]}}}}`,
		iae("more than one role descriptor with restriction is not supported")},
	{`{"ids":"ID","role_descriptors":{"a":{"restriction":{"workflows":["search_application_query"]}},"b":{"cluster":["all"]}}}`,
		iae("combining role descriptors with and without restriction is not supported")},
}

// Ensures that every body that Elasticsearch refuses is refused as there, whole: nothing is written, and the key is as
// it was.
func TestBulkUpdate_Refused(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	id, _ := w.newKeyOf(bob,
		`{"name":"kept","metadata":{"a":1},"expiration":"9d","role_descriptors":{"x":{"cluster":["monitor"]}}}`)
	before := w.shownKeys(bob, id)
	for _, c := range bulkRefused {
		w.refuses(http.MethodPost, bulkURL, strings.ReplaceAll(c.body, "ID", id), c.want, bob)
		if w.shownKeys(bob, id) != before {
			t.Fatalf("%s changes the key", c.body)
		}
	}
}

// noUnit is how a time value without a unit is refused.
func noUnit(value string) string {
	return "failed to parse setting [expiration] with value [" + value +
		"] as a time value: unit is missing or unrecognized"
}

// Ensures that expirations which cannot be read, or lie in the past, are refused as in Elasticsearch.
func TestBulkUpdate_ExpirationRefused(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	id, _ := w.newKeyOf(bob, `{"name":"kept","expiration":"9d"}`)
	before := w.shownKeys(bob, id)
	for value, want := range map[string]string{
		"":                            noUnit(""),
		" ":                           noUnit(""),
		"1":                           noUnit("1"),
		"-2":                          noUnit("-2"),
		"1w":                          noUnit("1w"),
		"1M":                          noUnit("1M"),
		"1y":                          noUnit("1y"),
		"1 ":                          noUnit("1"),
		"d1":                          noUnit("d1"),
		"1q":                          noUnit("1q"),
		"1weeks2":                     noUnit("1weeks2"),
		"1.5d":                        "failed to parse [1.5d], fractional time values are not supported",
		"0.5s":                        "failed to parse [0.5s], fractional time values are not supported",
		"-2s":                         "…[-2s]…negative durations are not supported",
		"-1d":                         "…[-1d]…negative durations are not supported",
		"-1ms":                        "…[-1ms]…negative durations are not supported",
		"1month":                      "failed to parse [1month]",
		"d":                           "failed to parse [d]",
		"xd":                          "failed to parse [xd]",
		"1 d":                         "failed to parse [1 d]",
		"+1d":                         "failed to parse [+1d]",
		"1dd":                         "failed to parse [1dd]",
		"1d1h":                        "failed to parse [1d1h]",
		"9223372036854775807d":        "failed to parse [9223372036854775807d]…",
		"9223372036854775808nanos":    "failed to parse [9223372036854775808nanos]…",
		"99999999999999999999999999s": "failed to parse [99999999999999999999999999s]…",
	} {
		w.refuses(http.MethodPost, bulkURL, `{"ids":"`+id+`","expiration":`+asJSON(value)+`}`,
			expirationInvalid(bulkParser, want), bob)
	}

	for _, value := range []string{"0", "000", "0s", "0d", "0nanos", "-1", "-01", " -1 "} {
		w.refuses(http.MethodPost, bulkURL, `{"ids":"`+id+`","expiration":"`+value+`"}`,
			arv("API key expiration must be in the future"), bob)
	}

	if w.shownKeys(bob, id) != before {
		t.Error("the key has changed")
	}
}
