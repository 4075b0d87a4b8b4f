package user

import (
	"strings"
	"testing"

	"github.com/sallyport/sallyport/impl/fault"
)

// Ensures which names users of identity providers can have, and in which spelling.
func TestExternalName(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"domain and name", `CORP\dave`, `CORP\dave`},
		{"composed", "Jos\u00e9", "Jos\u00e9"},
		{"decomposed", "Jose\u0301", "Jos\u00e9"},
		{"apostrophe", "o'neil", "o'neil"},
		{"colon", "urn:people:dave", "urn:people:dave"},
		{"spaces within", "Dave van der Berg", "Dave van der Berg"},
		{"e-mail address", "dave+x@example.com", "dave+x@example.com"},
		{"other scripts", "Ωμέγα Иванов 山田太郎 علي", "Ωμέγα Иванов 山田太郎 علي"},
		{"marks that do not compose", "q\u0323\u0307", "q\u0323\u0307"},
		{"symbols", `a%b"c<d>e;f=g*h?i#j&k€l😀`, `a%b"c<d>e;f=g*h?i#j&k€l😀`},
		{"507 bytes", strings.Repeat("é", 253) + "x", strings.Repeat("é", 253) + "x"},

		{"508 bytes", strings.Repeat("é", 254), ""},
		{"empty", "", ""},
		{"no UTF-8", "Jos\xe9", ""},
		{"slash", "a/b", ""},
		{"comma", "a,b", ""},
		{"line feed", "a\nb", ""},
		{"NUL", "a\x00b", ""},
		{"DEL", "a\x7fb", ""},
		{"C1 control", "a\u0085b", ""},
		{"blank before", " a", ""},
		{"blank after", "a ", ""},
		{"no-break space", "a\u00a0b", ""},
		{"ideographic space", "a\u3000b", ""},
		{"line separator", "a\u2028b", ""},
		{"zero-width space", "a\u200bb", ""},
		{"zero-width joiner", "a\u200db", ""},
		{"right-to-left override", "a\u202eb", ""},
		{"right-to-left isolate", "a\u2067b", ""},
		{"byte order mark", "\ufeffa", ""},
		{"soft hyphen", "a\u00adb", ""},
		{"tag", "a\U000e0041b", ""},
		{"variation selector", "a\ufe0fb", ""},
		{"combining grapheme joiner", "a\u034fb", ""},
		{"Hangul filler", "a\u3164b", ""},
		{"Braille blank", "a\u2800b", ""},
		{"private use", "a\ue000b", ""},
		{"not assigned", "a\u0378b", ""},
		{"mark first", "\u0301a", ""},
		{"the trail's own", "(system)", ""},
		{"reserved for Elastic", "_xpack", ""},
		{"path", "auth", ""},
		{"dots", "..", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := ExternalName(c.text)
			if c.want != "" && (err != nil || got != c.want) || c.want == "" && !fault.Has(err, fault.UserNameInvalid) {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
}

// Ensures that the name of a user of this server can be looked up like one of an identity provider.
func TestExternalName_IncludesNative(t *testing.T) {
	punctuation := "a!b\"#$%&'()*+-.;<=>?@[]^_`{|}~"
	for _, name := range []string{"a", "a b", "~", punctuation, strings.Repeat("x", maxName), Admin} {
		t.Run(name, func(t *testing.T) {
			if err := CheckName(name); err != nil {
				t.Fatal(err)
			}
			if err := checkExternal(name); err != nil {
				t.Error(err)
			}
		})
	}
}

// Ensures that a new user's name that reads as a built-in user's, in any alphabet, is refused, and other names are not.
func TestCheckNewName_Scripts(t *testing.T) {
	for _, name := range []string{
		"Admin", "ADMIN", "adrnin", "adm1n", "admln", "adm|n",
		"\u0430dmin", "\u0391dmin", "adm\u0131n", "adm\u0456n", "ádmín", "a\u0300dmin",
		"ａｄｍｉｎ", "𝐚𝐝𝐦𝐢𝐧", "ⓐdmin", "ꓮꓓꓟꓲꓠ", "\u0430\u0501\u043c\u0456\u043f",
		"ReadOnly", "read0nly", "rеadоnly", "readonIy", "re\u0430d\u03bfnly",
	} {
		t.Run(name, func(t *testing.T) {
			if err := checkNewName(name); !fault.Has(err, fault.UserNameInvalid) {
				t.Error(err)
			}
		})
	}
	for _, name := range []string{
		`CORP\admin`, "admin@example.com", "administrator", "José", "adman", "reader", "иванов", "山田",
	} {
		t.Run(name, func(t *testing.T) {
			if err := checkNewName(name); err != nil {
				t.Error(err)
			}
		})
	}
}
