package user

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// latin replaces characters of other alphabets that many typefaces draw like those in the names of built-in users
// (Unicode Technical Standard 39), in lower case.
var latin = strings.NewReplacer(
	"а", "a", "α", "a", "ɑ", "a", "ᴀ", "a", "ꭺ", "a", "ꓮ", "a",
	"ԁ", "d", "ɗ", "d", "đ", "d", "ɖ", "d", "ᴅ", "d", "ꭰ", "d", "ꓓ", "d",
	"е", "e", "ε", "e", "ҽ", "e", "ɛ", "e", "ᴇ", "e", "ꭼ", "e", "ꓰ", "e",
	"і", "i", "ӏ", "i", "ι", "i", "ı", "i", "ɩ", "i", "ɪ", "i", "ǀ", "i", "ł", "i", "ʟ", "i", "ꓡ", "i", "ꓲ", "i", "ا", "i",
	"١", "i", "۱", "i",
	"м", "m", "μ", "m", "ɱ", "m", "ᴍ", "m", "ꮇ", "m", "ꓟ", "m",
	"п", "n", "η", "n", "ո", "n", "ɴ", "n", "ɲ", "n", "ŋ", "n", "ꓠ", "n",
	"о", "o", "ο", "o", "σ", "o", "օ", "o", "ᴏ", "o", "ø", "o", "ө", "o", "ꓳ", "o", "ס", "o", "٥", "o", "۵", "o",
	"г", "r", "ɼ", "r", "ɾ", "r", "ʀ", "r", "ꮢ", "r", "ꓣ", "r",
	"у", "y", "γ", "y", "υ", "y", "ү", "y", "ʏ", "y", "ꭹ", "y", "ꓬ", "y",
)

// lookalikes are characters that many typefaces draw alike, after the table of Unicode Technical Standard 39 as far as
// it is about printable ASCII, in lower case.
var lookalikes = strings.NewReplacer("rn", "m", "vv", "w", "cl", "d", "0", "o", "1", "i", "l", "i", "|", "i", "!", "i")

// skeleton returns a text that is the same for names that look alike, in any script: without case, accents and
// differences of form, such as full width.
func skeleton(name string) string {
	plain := strings.Map(func(r rune) rune {
		if unicode.Is(unicode.M, r) {
			return -1
		}
		return unicode.ToLower(r)
	}, norm.NFKD.String(strings.ToLower(name)))
	return lookalikes.Replace(latin.Replace(plain))
}
