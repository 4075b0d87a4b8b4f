package protocol

import (
	"errors"
	"strings"
	"testing"

	dsig "github.com/russellhaering/goxmldsig"
)

// tiny are limits that are reached soon.
var tiny = limits{
	bytes:      400,
	depth:      3,
	elements:   5,
	attributes: 3,
	bindings:   3,
	namespace:  8,
}

// Ensures that the gate accepts plain XML within the limits and refuses everything else with the right reason.
func TestGate(t *testing.T) {
	const ns = `xmlns="u"`
	for _, c := range []struct{ text, refused string }{
		{`<a ` + ns + `/>`, ""},
		{"<?xml version='1.0' encoding='utf-8' standalone=\"no\" ?>\n<p:a xmlns:p=\"u\" q='x'>t&lt;&#65;</p:a>\n", ""},
		{`<a ` + ns + `><b><c/></b><b/><b/></a>`, ""},
		{`<a ` + ns + ` b="1" c="2"/>`, ""},
		{`<a ` + ns + ` xml:lang="en"/>`, ""},
		{`<a ` + ns + `><b id="1"/><b id="2"/></a>`, ""},
		{`<a xmlns="u"><b xmlns="v"><c xmlns="w"/></b><b xmlns="v"/></a>`, ""},
		{`<a xmlns="` + strings.Repeat("u", 8) + `"/>`, ""},
		{`<a ` + ns + `>` + strings.Repeat(" ", 380) + `</a>`, ""},

		{`<a ` + ns + `>` + strings.Repeat(" ", 400) + `</a>`, reasonTooLarge},
		{"<a " + ns + ">\xff</a>", reasonEncoding},
		{"<a " + ns + ">\x00</a>", reasonEncoding},
		{`<?xml version="1.0" encoding="UTF-16"?><a ` + ns + `/>`, reasonEncoding},
		{`<?xml version="1.1"?><a ` + ns + `/>`, reasonEncoding},
		{` <?xml version="1.0"?><a ` + ns + `/>`, reasonMarkup},
		{`<a ` + ns + `/><?b c?>`, reasonMarkup},
		{`<a ` + ns + `><!----></a>`, reasonMarkup},
		{`<a ` + ns + `><![CDATA[x]]></a>`, reasonMarkup},
		{`<!DOCTYPE a><a ` + ns + `/>`, reasonMarkup},
		{``, reasonMalformed},
		{`<`, reasonMalformed},
		{`<a ` + ns + `>`, reasonMalformed},
		{`<a ` + ns + `></b>`, reasonMalformed},
		{`<a ` + ns + ` xmlns:p="u"></p:a>`, reasonMalformed},
		{`</a>`, reasonMalformed},
		{`<a ` + ns + `>&b;</a>`, reasonMalformed},
		{`<a ` + ns + `>&#0;</a>`, reasonMalformed},
		{`<a ` + ns + `>&#1;</a>`, reasonMalformed},
		{`<a ` + ns + ` b=c/>`, reasonMalformed},
		{`<a ` + ns + ` b/>`, reasonMalformed},
		{`<a ` + ns + ` b="<"/>`, reasonMalformed},
		{`<a ` + ns + `>]]></a>`, reasonMalformed},
		{`<a ` + ns + `/><a ` + ns + `/>`, reasonTrailing},
		{`<a ` + ns + `/>x`, reasonTrailing},
		{`<a ` + ns + `/>&#32;x`, reasonTrailing},
		{"\ufeff<a " + ns + `/>`, reasonTrailing},
		{`<a ` + ns + `><b><c><d/></c></b></a>`, reasonDepth},
		{`<a ` + ns + `><b/><b/><b/><b/><b/></a>`, reasonElements},
		{`<a ` + ns + `>` + strings.Repeat("<b/>", 50) + `</a>`, reasonElements},
		{`<a ` + ns + ` b="" c="" d=""/>`, reasonAttributes},
		{`<a ` + ns + strings.Repeat(` b=""`, 50) + `/>`, reasonAttributes},
		{`<a ` + ns + ` :b=""/>`, reasonName},
		{`<a ` + ns + ` b:=""/>`, reasonName},
		{`<:a ` + ns + `/>`, reasonName},
		{`<ä ` + ns + `/>`, reasonName},
		{`<a/>`, reasonNamespaces},
		{`<p:a ` + ns + `/>`, reasonNamespaces},
		{`<a ` + ns + ` p:b=""/>`, reasonNamespaces},
		{`<xml:a ` + ns + `/>`, reasonNamespaces},
		{`<xmlns:a ` + ns + `/>`, reasonNamespaces},
		{`<a ` + ns + `><b xmlns=""/></a>`, reasonNamespaces},
		{`<a ` + ns + ` xmlns:p=""/>`, reasonNamespaces},
		{`<a ` + ns + ` xmlns:xml="u"/>`, reasonNamespaces},
		{`<a ` + ns + ` xmlns:xmlns="u"/>`, reasonNamespaces},
		{`<a ` + ns + `><b xmlns:p="u"/><p:b/></a>`, reasonNamespaces},
		{`<a ` + ns + `><b xmlns:p="u" xmlns:q="u"><c xmlns:r="u"/></b></a>`, reasonNamespaces},
		{`<a xmlns="` + strings.Repeat("u", 9) + `"/>`, reasonNamespaces},
		{`<a ` + ns + ` b="" b=""/>`, reasonDuplicate},
		{`<a ` + ns + ` ` + ns + `/>`, reasonDuplicate},
		{`<a ` + ns + `><b ID="1"/><b Id="1"/></a>`, reasonDuplicateID},
		{`<a ` + ns + ` id="1"><b xml:id="1"/></a>`, reasonDuplicateID},
	} {
		root, err := parse([]byte(c.text), tiny)
		if got := reasonOf(t, err); got != c.refused || (root == nil) != (err != nil) {
			t.Errorf("%q: refused because %q, not because %q", c.text, got, c.refused)
		}
	}
}

// Ensures that an attribute repeated under two prefixes of one namespace is refused.
func TestGate_AttributeUnderTwoPrefixes(t *testing.T) {
	_, err := parse([]byte(`<a xmlns="u" xmlns:p="v" xmlns:q="v" p:b="" q:b=""/>`), responseLimits)
	if reasonOf(t, err) != reasonDuplicate {
		t.Error(err)
	}
}

func reasonOf(t *testing.T, err error) string {
	t.Helper()
	var refusal *Refusal
	if err != nil && !errors.As(err, &refusal) {
		t.Fatalf("not a refusal: %v", err)
	}
	if refusal == nil {
		return ""
	}

	return refusal.Reason
}

// Ensures that no text breaks the gate, and that what passes it is the same after it was written in canonical form and
// read again.
func FuzzGate(f *testing.F) {
	for _, seed := range []string{
		`<a xmlns="u"/>`, `<?xml version="1.0"?><p:a xmlns:p="u" b="1">x<c xmlns="v" xmlns:p="w" p:d="&#xD;">&amp;</c></p:a>`,
		`<!DOCTYPE a>`, `<a:b:c/>`,
		"<a xmlns='u' b='\t\r\n\"'>\r\n&#13;</a>",
	} {
		f.Add([]byte(seed))
	}

	f.Fuzz(func(t *testing.T, data []byte) {
		root, err := parse(data, responseLimits)
		if reasonOf(t, err) != "" {
			return
		}

		first, err := canonicalize(root, nil, "")
		if err != nil {
			t.Fatalf("not to be canonicalized: %v", err)
		}

		again, err := parse(first, signedLimits())
		if err != nil {
			t.Fatalf("%q becomes %q: %v", data, first, err)
		}

		second, err := dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("").Canonicalize(again)
		if err != nil || string(second) != string(first) {
			t.Fatalf("%q becomes %q, then %q: %v", data, first, second, err)
		}
	})
}
