package samltest

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"encoding/binary"
	"strings"
	"unicode/utf16"
)

// badXML returns documents that are dangerous to parse or that parsers interpret differently.
func badXML() []Case {
	before := func(name, prolog string) Case {
		return craftedCase(name, func(m *message) string { return prolog + m.xml() })
	}

	atStatus := func(name, with string) Case {
		return craftedCase(name, func(m *message) string { return replaceOnce(m.xml(), "<samlp:Status>", with) })
	}

	return []Case{
		craftedCase("XXE", func(m *message) string {
			return `<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>` +
				replaceOnce(m.xml(), m.assertion.subject.nameID, "&x;")
		}),
		craftedCase("XXE in a parameter entity", func(m *message) string {
			return `<!DOCTYPE r [<!ENTITY % x SYSTEM "http://elsewhere.example.com/x.dtd"> %x;]>` + m.xml()
		}),
		craftedCase("billion laughs", func(m *message) string {
			var laughs strings.Builder
			laughs.WriteString(`<!ENTITY a0 "ha">`)
			for i := '1'; i <= '9'; i++ {
				laughs.WriteString("<!ENTITY a" + string(i) + ` "` + strings.Repeat("&a"+string(i-1)+";", 10) + `">`)
			}
			return `<!DOCTYPE r [` + laughs.String() + `]>` + replaceOnce(m.xml(), m.assertion.subject.nameID, "&a9;")
		}),
		before("empty DOCTYPE", "<!DOCTYPE r>"),
		before("DOCTYPE with an external subset", `<!DOCTYPE r SYSTEM "http://elsewhere.example.com/x.dtd">`),
		before("DOCTYPE in lower case", "<!doctype r>"),
		craftedCase("unknown entity",
			func(m *message) string { return replaceOnce(m.xml(), m.assertion.subject.nameID, "&nbsp;") }),
		before("processing instruction before the root", `<?xml-stylesheet href="x"?>`),
		atStatus("colon trick: empty prefix", `<:x/><samlp:Status>`),
		atStatus("colon trick: empty local name", `<samlp:/><samlp:Status>`),
		atStatus("colon trick: two colons", `<samlp:a:b/><samlp:Status>`),
		atStatus("colon trick: attribute", `<samlp:Status :x="">`),
		atStatus("colon trick: namespace declaration", `<samlp:Status xmlns:="x">`),
		craftedCase("trailing root", func(m *message) string { return m.xml() + m.response.xml("", m.evil().xml("")) }),
		craftedCase("trailing garbage", func(m *message) string { return m.xml() + "garbage" }),
		before("leading garbage", "garbage"),
		craftedCase("line break in an attribute's value that was signed as a reference", func(m *message) string {
			m.assertion.authentication.sessionIndex = "_a\nb"
			return replaceOnce(m.xml(), "_a&#xA;b", "_a\nb")
		}),
		craftedCase("truncated", func(m *message) string { return m.xml()[:len(m.xml())/2] }),
		atStatus("attribute twice", `<samlp:Status a="1" a="2">`),
		atStatus("attribute twice under two prefixes", `<samlp:Status xmlns:a="urn:x" xmlns:b="urn:x" a:c="1" b:c="2">`),
		atStatus("prefix that is not declared", `<other:x/><samlp:Status>`),
		atStatus("namespace taken back", `<x xmlns=""/><samlp:Status>`),
		atStatus("prefix xml declared again", `<samlp:Status xmlns:xml="urn:x">`),
		before("other encoding", `<?xml version="1.0" encoding="ISO-8859-1"?>`),
		before("bytes that are not UTF-8", "\xff"),
		craftedCase("UTF-16", func(m *message) string { return inUTF16(m.xml(), binary.LittleEndian, true) }),
		craftedCase("UTF-16 without a byte order mark",
			func(m *message) string { return inUTF16(m.xml(), binary.BigEndian, false) }),
		craftedCase("20,000 levels", func(m *message) string {
			return m.wrap(strings.Repeat("<saml:a>", 20_000) + strings.Repeat("</saml:a>", 20_000))
		}),
		craftedCase("400,000 elements", func(m *message) string {
			return replaceOnce(m.xml(), "<samlp:Status>", strings.Repeat("<a/>", 400_000)+"<samlp:Status>")
		}),
		craftedCase("200,000 elements in less than 1 MiB", func(m *message) string {
			return replaceOnce(m.xml(), "<samlp:Status>", strings.Repeat("<a/>", 200_000)+"<samlp:Status>")
		}),
		craftedCase("100,000 attributes", func(m *message) string {
			return replaceOnce(m.xml(), "<samlp:Status>", "<samlp:Status"+strings.Repeat(` a=""`, 100_000)+">")
		}),
		craftedCase("20 MB", func(m *message) string { return m.xml() + strings.Repeat(" ", 20_000_000) }),
		craftedCase("no response", func(*message) string { return "<Response/>" }),
		craftedCase("nothing", func(*message) string { return "" }),
	}
}

func inUTF16(text string, order binary.ByteOrder, mark bool) string {
	if mark {
		text = "\ufeff" + text
	}
	var b bytes.Buffer
	// Writing to a buffer never fails.
	_ = binary.Write(&b, order, utf16.Encode([]rune(text)))
	return b.String()
}

// badForms returns form fields that are not XML in standard base64. The messages in them are valid.
func badForms() []Case {
	form := func(name string, write func(xml string) string) Case {
		return Case{Name: name, Make: func(idp *IdP, r Request) string {
			m := newMessage(idp, r)
			m.assertion.attributes = map[string][]string{"sure to have both alphabets' differences": {"??????>>>>>>"}}
			xml := m.xml()
			// The blanks make the base64 end with padding.
			return write(xml + strings.Repeat(" ", (4-len(xml)%3)%3))
		}}
	}

	return []Case{
		form("deflated POST", func(xml string) string { return base64.StdEncoding.EncodeToString(deflate(xml)) }),
		form("base64url", func(xml string) string { return base64.URLEncoding.EncodeToString([]byte(xml)) }),
		form("XML without base64", func(xml string) string { return xml }),
		form("base64 without padding", func(xml string) string { return base64.RawStdEncoding.EncodeToString([]byte(xml)) }),
	}
}

func deflate(xml string) []byte {
	var b bytes.Buffer
	w := must(flate.NewWriter(&b, flate.BestCompression))
	// Writing to a buffer never fails.
	_, _ = w.Write([]byte(xml))
	_ = w.Close()
	return b.Bytes()
}
