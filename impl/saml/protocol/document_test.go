package protocol

import (
	"strings"
	"testing"
	"time"
)

var testBounds = bounds{
	bytes:    1 << 20,
	depth:    8,
	elements: 100,
	comments: true,
}

// Ensures that names with their namespaces, attributes, text and the order of children are read.
func TestReadXML(t *testing.T) {
	root, err := readXML([]byte(`<?xml version="1.0" encoding="UTF-8"?>
<!-- terms of use --><a:r xmlns:a="urn:a" xmlns="urn:b" x="1" a:y="2"><c> one &amp;<![CDATA[ < two]]> </c><!-- between --><c/><a:c/></a:r>`), testBounds)
	if err != nil {
		t.Fatal(err)
	}
	if !root.is("urn:a", "r") || root.attributes["x"] != "1" || root.attributes["y"] != "" || len(root.children) != 3 {
		t.Errorf("%+v", root)
	}

	if found := root.childrenNamed("urn:b", "c"); len(found) != 2 {
		t.Errorf("%d children", len(found))
	} else if text, err := found[0].value(); err != nil || text != "one & < two" {
		t.Errorf("%q, %v", text, err)
	}

	if _, err := root.onlyChild("urn:b", "c"); err == nil {
		t.Error("one of two was taken")
	}
	if _, err := root.onlyChild("urn:a", "c"); err != nil {
		t.Error(err)
	}
	if _, err := root.value(); err == nil {
		t.Error("children were taken for text")
	}
}

// Ensures that documents that are ambiguous or too costly are refused.
func TestReadXML_Refused(t *testing.T) {
	for name, c := range map[string]struct{ document, want string }{
		"nothing":                 {"", "empty"},
		"blanks":                  {" \n", "empty"},
		"no XML":                  {"hello", "outside of its root"},
		"not closed":              {"<a>", "well-formed"},
		"closed twice":            {"<a></a></a>", "well-formed"},
		"wrong end":               {"<a></b>", "well-formed"},
		"prefixes change":         {`<x:a xmlns:x="u"></a>`, "well-formed"},
		"two roots":               {"<a/><b/>", "two roots"},
		"text after the root":     {"<a/>b", "outside of its root"},
		"document type":           {"<!DOCTYPE a><a/>", "document type"},
		"document type within":    {"<a><!DOCTYPE a></a>", "document type"},
		"external entity":         {`<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>`, "document type"},
		"billion laughs":          {`<!DOCTYPE a [<!ENTITY x "ha"><!ENTITY y "&x;&x;">]><a>&y;</a>`, "document type"},
		"unknown entity":          {"<a>&nbsp;</a>", "well-formed"},
		"processing instruction":  {"<a><?php exit ?></a>", "processing instruction"},
		"instruction in front":    {`<?xml-stylesheet href="x"?><a/>`, "processing instruction"},
		"late declaration":        {`<a/><?xml version="1.0"?>`, "processing instruction"},
		"declaration after blank": {` <?xml version="1.0"?><a/>`, "processing instruction"},
		"comment in text":         {"<a>adm<!-- -->in</a>", "beside text"},
		"comment before text":     {"<a><!-- -->admin</a>", "beside text"},
		"comment among children":  {"<a><b/><!-- -->admin</a>", "beside text"},
		"attribute twice":         {`<a b="1" b="2"/>`, "attribute twice"},
		"attribute twice by name": {`<a xmlns:x="u" xmlns:y="u" x:b="1" y:b="2"/>`, "attribute twice"},
		"other encoding":          {`<?xml version="1.0" encoding="ISO-8859-1"?><a/>`, "well-formed"},
		"UTF-16":                  {"\xfe\xff\x00<\x00a\x00/\x00>", "well-formed"},
		"no UTF-8":                {"<a>\xff</a>", "well-formed"},
		"control character":       {"<a>&#0;</a>", "well-formed"},
		"three colons":            {`<a:b:c xmlns:a="u"/>`, "well-formed"},
		"deep":                    {strings.Repeat("<a>", 9) + strings.Repeat("</a>", 9), "levels"},
		"deep without an end":     {strings.Repeat("<a>", 300_000), "levels"},
		"wide":                    {"<a>" + strings.Repeat("<b/>", 100) + "</a>", "elements"},
		"long":                    {"<a>" + strings.Repeat("b", 1<<20) + "</a>", "bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := readXML([]byte(c.document), testBounds)
			wantError(t, err, c.want)
		})
	}

	if _, err := readXML([]byte("<a><!-- --></a>"), bounds{bytes: 100, depth: 8, elements: 8}); err == nil {
		t.Error("a comment was taken")
	}
	if _, err := readXML([]byte(strings.Repeat("<a>", 8)+strings.Repeat("</a>", 8)), testBounds); err != nil {
		t.Errorf("8 levels: %v", err)
	}
}

// Ensures that the cost of text in many tokens is linear in its length.
func TestReadXML_ManyTextChunks(t *testing.T) {
	document := []byte("<a>" + strings.Repeat(strings.Repeat("b", 40)+"<b/>", 20_000) + "</a>")
	begin := time.Now()
	if _, err := readXML(document, bounds{bytes: 1 << 20, depth: 2, elements: 20_001}); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begin); took > 2*time.Second {
		t.Errorf("%s", took)
	}
}
