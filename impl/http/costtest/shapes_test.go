package costtest

import (
	"fmt"
	"strings"
)

// A shape makes a value of about n bytes. original is the text of what stands in that place in a valid request.
type shape struct {
	name string
	make func(n int, original string) string
}

// list joins what make returns for 0, 1 and so on, up to n bytes.
func list(n int, separator string, element func(i int) string) string {
	var text strings.Builder
	for i := 0; text.Len() < n; i++ {
		if i > 0 {
			text.WriteString(separator)
		}
		text.WriteString(element(i))
	}
	return text.String()
}

// nested puts pairs of brackets around each other, n bytes in all.
func nested(n int, opening, inner, closing string) string {
	depth := n / (len(opening) + len(closing))
	return strings.Repeat(opening, depth) + inner + strings.Repeat(closing, depth)
}

func array(n int, element func(i int) string) string { return "[" + list(n, ",", element) + "]" }

func text(n int, unit string) string { return `"` + strings.Repeat(unit, n/len(unit)) + `"` }

// jsonShapes are values of JSON.
var jsonShapes = []shape{
	{"deep arrays", func(n int, _ string) string { return nested(n, "[", "", "]") }},
	{"deep objects", func(n int, _ string) string { return nested(n, `{"a":`, "1", "}") }},
	{"deep original", func(n int, original string) string { return nested(n, "[", original, "]") }},
	{"deep distinct objects", func(n int, _ string) string { return nested(n, `[{"b":1,"a":`, "1", "}]") }},
	{"many numbers", func(n int, _ string) string { return array(n, func(int) string { return "1" }) }},
	{"many large numbers", func(n int, _ string) string { return array(n, func(int) string { return "1e308" }) }},
	{"long number", func(n int, _ string) string { return strings.Repeat("9", n) }},
	{"number with a large exponent", func(n int, _ string) string { return "1e" + strings.Repeat("9", min(n, 18)) }},
	{"many strings", func(n int, _ string) string {
		return array(n, func(i int) string {
			return fmt.Sprintf(`"s%d"`, i)
		})
	}},
	{"many equal strings", func(n int, _ string) string { return array(n, func(int) string { return `"read"` }) }},
	{"many objects", func(n int, _ string) string { return array(n, func(int) string { return "{}" }) }},
	{"many members", func(n int, _ string) string { return "{" + members(n, func(int) string { return "1" }) + "}" }},
	{"many objects as members", func(n int, _ string) string {
		return "{" + members(n, func(int) string { return "{}" }) + "}"
	}},
	{"long string", func(n int, _ string) string { return text(n, "a") }},
	{"long string of escapes", func(n int, _ string) string { return text(n, `\u0001`) }},
	{"long string of other letters", func(n int, _ string) string { return text(n, "ı̇") }},
	{"wildcard with one word", func(n int, _ string) string { return `"*` + strings.Repeat("a", n) + `b*"` }},
	{"wildcard with many words", func(n int, _ string) string { return `"` + strings.Repeat("*a", n/2) + `b"` }},
	{"wildcard with many characters", func(n int, _ string) string { return `"*` + strings.Repeat("?", n) + `b"` }},
	{"expression with alternatives", func(n int, _ string) string {
		return `"/` + strings.Repeat("(a|aa)*", n/7) + `b/"`
	}},
	{"expression with a repetition", func(int, string) string { return `"/.*a.{20}b.*/"` }},
	{"many expressions", func(n int, _ string) string {
		return array(n, func(i int) string { return fmt.Sprintf(`"/.*a.{20}%d.*/"`, i) })
	}},
	{"many wildcards", func(n int, _ string) string {
		return array(n, func(i int) string { return fmt.Sprintf(`"*a*b*%d"`, i) })
	}},
	{"simple query", func(n int, _ string) string { return text(n, `(a* | `) }},
	{"many originals", func(n int, original string) string { return array(n, func(int) string { return original }) }},
	{"many originals as members", func(n int, original string) string {
		return "{" + members(n, func(int) string { return original }) + "}"
	}},
	{"repeated element", func(n int, original string) string {
		inner, ok := element(original)
		if !ok {
			return original
		}
		return array(n, func(int) string { return inner })
	}},
}

// element is what stands between the brackets of an array.
func element(original string) (string, bool) {
	inner, opened := strings.CutPrefix(original, "[")
	inner, closed := strings.CutSuffix(inner, "]")
	return inner, opened && closed && inner != ""
}

// textShapes are values of parameters and headers, not escaped.
var textShapes = []shape{
	{"long text", func(n int, _ string) string { return strings.Repeat("a", n) }},
	{"list", func(n int, _ string) string { return list(n, ",", func(i int) string { return fmt.Sprintf("a%d", i) }) }},
	{"list of originals", func(n int, original string) string {
		return list(n, ",", func(int) string { return original })
	}},
	{"wildcard with many words", func(n int, _ string) string { return strings.Repeat("*a", n/2) + "b" }},
	{"wildcard with one word", func(n int, _ string) string { return "*" + strings.Repeat("a", n) + "b*" }},
	{"list of wildcards", func(n int, _ string) string {
		return list(n, ",", func(i int) string { return fmt.Sprintf("*a%d*", i) })
	}},
	{"expression with alternatives", func(n int, _ string) string {
		return "/" + strings.Repeat("(a|aa)*", n/7) + "b/"
	}},
	{"deep paths", func(n int, _ string) string { return list(n, ",", func(int) string { return "**.a.b" }) }},
	{"deep paths, distinct", func(n int, _ string) string {
		return list(n, ",", func(i int) string { return fmt.Sprintf("**.a%d", i) })
	}},
	{"deep path", func(n int, _ string) string { return strings.Repeat("**.a.", n/5) + "b" }},
	{"long path", func(n int, _ string) string { return strings.Repeat("*.", n/2) + "b" }},
	{"left out", func(n int, _ string) string { return list(n, ",", func(int) string { return "-**.a.b" }) }},
	{"left out, path", func(n int, _ string) string { return "-" + strings.Repeat("**.*a*.", n/7) + "b" }},
	{"semicolons", func(n int, _ string) string { return strings.Repeat("a=b; ", n/5) }},
	{"brackets", func(n int, _ string) string { return nested(n, "[", "", "]") }},
	{"dots and slashes", func(n int, _ string) string { return strings.Repeat("../", n/3) }},
}

// queryShapes are whole query strings.
var queryShapes = []shape{
	{"repeated parameter", func(n int, _ string) string { return list(n, "&", func(int) string { return "a=1" }) }},
	{"many parameters", func(n int, _ string) string {
		return list(n, "&", func(i int) string { return fmt.Sprintf("a%d=1", i) })
	}},
	{"pretty", func(int, string) string { return "pretty" }},
	{"pretty, deep paths", func(n int, _ string) string {
		return "pretty&filter_path=" + urlEscaped(list(n/2, ",", func(int) string { return "**.a.b" }))
	}},
	{"pretty, everything twice", func(n int, _ string) string {
		return "pretty&filter_path=" + urlEscaped(list(n/2, ",", func(int) string { return "**" }))
	}},
	{"escapes", func(n int, _ string) string { return "a=" + strings.Repeat("%61", n/3) }},
	{"ampersands", func(n int, _ string) string { return strings.Repeat("&", n) }},
}
