package conformance

import (
	"encoding/json"
	"encoding/xml"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/impl/platform/printable"
)

// Ensures that a report names each difference with its page in all formats, what was not run with the reason, and what
// was left behind.
func TestReport_Print(t *testing.T) {
	t.Parallel()
	source := Source{"Reference", "1 to 2", "https://example.org/page"}
	r := &Report{
		Target: "http://127.0.0.1",
		Results: []Result{
			{Case: "a/works", Family: ECE, Version: "4.2", Status: Same, Source: source},
			{Case: "a/fails", Family: ECE, Version: "4.2", Status: Different, Source: source, Details: []string{"<x>\x1b[2J\u009b"}},
			{Case: "b/skips", Family: Elasticsearch, Version: "9.5", Status: NotRun, Source: source, Details: []string{"why"}},
		},
		Left: []string{"the user u"},
	}
	printed := func(format string) string {
		var b strings.Builder
		if err := r.Print(&b, format); err != nil {
			t.Fatal(err)
		}
		if printable.Lines(b.String()) != b.String() {
			t.Errorf("the %s has control characters: %q", format, b.String())
		}
		return b.String()
	}

	want := "DIFFERENT  a/fails (4.2)\n    <x>\\x1b[2J\\u009b\n    Reference, 1 to 2: https://example.org/page\n" +
		"NOT RUN    1: why\n    b/skips\nLEFT       the user u could not be removed\n" +
		"1 cases are as published, 1 differ, 1 were not run\n"
	if got := printed("text"); got != want {
		t.Errorf("the text is\n%s\nwant\n%s", got, want)
	}

	var read Report
	if err := json.Unmarshal([]byte(printed("json")), &read); err != nil || len(read.Results) != 3 ||
		read.Results[1].Source != source || read.Left == nil {
		t.Errorf("the JSON has %+v, %v", read, err)
	}

	var suites struct {
		Suites []suite `xml:"testsuite"`
	}
	err := xml.Unmarshal([]byte(printed("junit")), &suites)
	if err != nil || len(suites.Suites) != 2 || suites.Suites[0].Failures != 1 || suites.Suites[0].Tests != 2 ||
		suites.Suites[1].Skipped != 1 || suites.Suites[0].Cases[1].Failure.Message != source.Page {
		t.Errorf("the XML has %+v, %v", suites, err)
	}
}

// Ensures that versions are compared by their numbers, and that an unknown one has all operations.
func TestBefore(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		version, since string
		want           bool
	}{
		"earlier":      {"8.19", "9.4", true},
		"as a number":  {"9.4", "9.10", true},
		"same":         {"9.4", "9.4", false},
		"later":        {"10.0", "9.4", false},
		"always there": {"8.19", "", false},
		"unknown":      {"", "9.4", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := before(c.version, c.since); got != c.want {
				t.Errorf("before is %t", got)
			}
		})
	}
}

// Ensures that a published member covers what is below it, and nothing beside it.
func TestWithin(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		pattern, member string
		want            bool
	}{
		"itself":    {"/a/b", "/a/b", true},
		"below":     {"/a", "/a/b/c", true},
		"any":       {"/*/b", "/a/b", true},
		"above":     {"/a/b", "/a", false},
		"beside":    {"/a/b", "/a/c", false},
		"beginning": {"/a", "/ab", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := within(c.pattern, c.member); got != c.want {
				t.Errorf("within is %t", got)
			}
		})
	}
}

// Ensures that only the address of a server is a target: other parts of a URL may hold secrets.
func TestCheckTarget(t *testing.T) {
	t.Parallel()
	for target, valid := range map[string]bool{
		"https://a.example": true, "http://127.0.0.1:9200/": true, "http://a.example/below": true,
		"": false, "a.example:9200": false, "ftp://a.example": false, "http://user:secret@a.example": false,
		"http://a.example?token=secret": false, "http://a.example#secret": false,
	} {
		t.Run(target, func(t *testing.T) {
			t.Parallel()
			err := CheckTarget(target)
			if (err == nil) != valid || err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("the error is %v", err)
			}
		})
	}
}
