package schemacheck_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/sallyport/sallyport/impl/http/contract/schemacheck"
)

// generator writes random values of schemas.
type generator struct {
	*rand.Rand

	direction schemacheck.Direction
	out       bytes.Buffer
}

func newGenerator(seed uint64, direction schemacheck.Direction) *generator {
	return &generator{Rand: rand.New(rand.NewPCG(seed, 0)), direction: direction}
}

// valid returns a random value of a schema, in random notation.
func (g *generator) valid(schema *openapi3.Schema) []byte {
	g.out.Reset()
	g.space()
	g.value(schema, 0)
	g.space()
	return bytes.Clone(g.out.Bytes())
}

func (g *generator) chance(percent int) bool { return g.IntN(100) < percent }

func (g *generator) space() {
	if g.chance(10) {
		g.out.WriteString([]string{" ", "\n", "\t", "\r\n  "}[g.IntN(4)])
	}
}

func (g *generator) value(s *openapi3.Schema, depth int) {
	if s.Nullable && g.chance(10) {
		g.out.WriteString("null")
		return
	}
	if choices := slices.Concat(s.OneOf, s.AnyOf, s.AllOf); len(choices) > 0 {
		g.value(choices[g.IntN(len(choices))].Value, depth)
		return
	}
	if len(s.Enum) > 0 {
		g.string(s.Enum[g.IntN(len(s.Enum))].(string))
		return
	}

	switch {
	case s.Type == nil && s.IsEmpty():
		g.free(depth, false)
	case s.Type == nil:
		g.numberOf(s)
	case s.Type.Is("string"):
		g.string(g.textOf(s))
	case s.Type.Is("boolean"):
		g.out.WriteString([]string{"true", "false"}[g.IntN(2)])
	case s.Type.Is("integer"), s.Type.Is("number"):
		g.numberOf(s)
	case s.Type.Is("array"):
		g.array(s, depth)
	case s.Type.Is("object"):
		g.object(s, depth)
	}
}

var integers = []string{"0", "-0", "1", "42", "-7", "10", "1700000000000", "9007199254740993",
	"1.0", "1e2", "-9223372036854775808"}

func (g *generator) number() {
	all := append([]string{"0.5", "-1.25e-3", "1E+10", "123456789012345678901234567890", "1e308", "1e-400"}, integers...)
	g.out.WriteString(all[g.IntN(len(all))])
}

// numberOf writes a number that a schema allows.
func (g *generator) numberOf(s *openapi3.Schema) {
	for {
		start := g.out.Len()
		g.number()
		if s.VisitJSON(json.Number(g.out.String()[start:])) == nil {
			return
		}
		g.out.Truncate(start)
	}
}

// textOf returns a random string that a schema allows: often the longest.
func (g *generator) textOf(s *openapi3.Schema) string {
	switch s.Format {
	case "date-time":
		return []string{
			"2026-11-28T12:00:00Z", "2026-12-01T23:59:59.5Z", "2024-02-29T23:59:60.123456789+14:00", "0000-01-01T00:00:00-00:00",
		}[g.IntN(4)]
	case "date":
		return "2026-11-28"
	case "byte":
		return "U2FsbHlwb3J0"
	}
	if s.Pattern != "" {
		return "abc" + strings.Repeat("a", max(0, int(s.MinLength)-3))
	}

	n := g.IntN(12)
	if s.MaxLength != nil {
		n = min(n, int(*s.MaxLength))
		if *s.MaxLength < 2000 && g.chance(10) {
			n = int(*s.MaxLength)
		}
	}
	n = max(n, int(s.MinLength))
	return g.text(n)
}

// text returns a random string of n characters.
func (g *generator) text(n int) string {
	const alphabet = "abcxyzABC019 _-./\\\"\n\t\x00\x1f\x7fäß€\u2028\uFFFD😀𝄞"
	runes := []rune(alphabet)
	var b strings.Builder
	for range n {
		b.WriteRune(runes[g.IntN(len(runes))])
	}
	return b.String()
}

// string writes a string in random notation.
func (g *generator) string(value string) {
	g.out.WriteByte('"')
	for _, r := range value {
		switch {
		case r == '"' || r == '\\' || r < ' ' || g.chance(5):
			g.escape(r)
		default:
			g.out.WriteRune(r)
		}
	}
	g.out.WriteByte('"')
}

func (g *generator) escape(r rune) {
	short := map[rune]string{'"': `\"`, '\\': `\\`, '/': `\/`, '\b': `\b`, '\f': `\f`, '\n': `\n`, '\r': `\r`, '\t': `\t`}
	if text, known := short[r]; known && g.chance(50) {
		g.out.WriteString(text)
		return
	}
	format := []string{`\u%04x`, `\u%04X`}[g.IntN(2)]
	if r > 0xFFFF {
		fmt.Fprintf(&g.out, format+format, 0xD800+(r-0x10000)>>10, 0xDC00+(r-0x10000)&0x3FF)
		return
	}
	fmt.Fprintf(&g.out, format, r)
}

func (g *generator) array(s *openapi3.Schema, depth int) {
	n := g.IntN(4)
	if depth > 4 {
		n = 0
	}
	if s.MaxItems != nil {
		n = min(n, int(*s.MaxItems))
		if *s.MaxItems < 100 && g.chance(10) {
			n = int(*s.MaxItems)
		}
	}
	n = max(n, int(s.MinItems))

	g.out.WriteByte('[')
	for i := range n {
		g.comma(i)
		if s.Items == nil {
			g.free(depth+1, true)
		} else {
			g.value(s.Items.Value, depth+1)
		}
		g.space()
	}
	g.out.WriteByte(']')
}

func (g *generator) comma(i int) {
	if i > 0 {
		g.out.WriteByte(',')
	}
	g.space()
}

func (g *generator) object(s *openapi3.Schema, depth int) {
	names := g.properties(s, depth)
	g.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })

	if open := s.AdditionalProperties.Has == nil || *s.AdditionalProperties.Has; open && depth <= 4 {
		for range g.IntN([]int{1, 4, 40}[g.IntN(3)]) / (1 + depth) {
			name := g.text(1 + g.IntN(4))
			if s.Properties[name] == nil && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	if s.MaxProps != nil {
		names = names[:min(len(names), int(*s.MaxProps))]
	}

	g.out.WriteByte('{')
	for i, name := range names {
		g.comma(i)
		g.string(name)
		g.space()
		g.out.WriteByte(':')
		g.space()
		g.member(s, name, depth+1)
		g.space()
	}
	g.out.WriteByte('}')
}

// properties returns the names of the properties that an object will have.
func (g *generator) properties(s *openapi3.Schema, depth int) []string {
	names := slices.Clone(s.Required)
	for name := range s.Properties {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)

	return slices.DeleteFunc(names, func(name string) bool {
		if p := s.Properties[name]; p != nil {
			if g.direction == schemacheck.Request && p.Value.ReadOnly ||
				g.direction == schemacheck.Response && p.Value.WriteOnly {
				return true
			}
		}
		return !slices.Contains(s.Required, name) && (depth > 4 || g.chance(50))
	})
}

func (g *generator) member(s *openapi3.Schema, name string, depth int) {
	switch {
	case s.Properties[name] != nil:
		g.value(s.Properties[name].Value, depth)
	case s.AdditionalProperties.Schema != nil:
		g.value(s.AdditionalProperties.Schema.Value, depth)
	default:
		g.free(depth, true)
	}
}

// free writes any value.
func (g *generator) free(depth int, nullable bool) {
	kinds := 6
	if depth > 5 {
		kinds = 4
	}
	switch kind := g.IntN(kinds); {
	case kind == 0 && nullable:
		g.out.WriteString("null")
	case kind <= 1:
		g.string(g.text(g.IntN(8)))
	case kind == 2:
		g.out.WriteString([]string{"true", "false"}[g.IntN(2)])
	case kind == 3:
		g.number()
	case kind == 4:
		g.array(&openapi3.Schema{}, depth)
	default:
		g.object(&openapi3.Schema{}, depth)
	}
}

// fragments are inserted into texts: most make them invalid, or almost.
var fragments = []string{
	`"`, `\`, `{`, `}`, `[`, `]`, `,`, `:`, `null`, `true`, `0`, `-`, `.`, `e`, `1e999`, `1.5`, `01`, `+1`, `""`, `{}`, `[]`, ` `, "\x00",
	"\xff", "\xed\xa0\x80", "\xc0\x80", "\xf4\x90\x80\x80", `\ud800`, `\udc00`, `\uD83D\uDE00`, `\ud83d\ud83d`, `\u00e4`, `\x`, `\u12`,
	`"\ud800"`, `"a":1,`, `"a":1,"a":1,`, `,"extra":null`, "\xef\xbb\xbf", "\v", "/*", "NaN", "Infinity", "truex",
}

// changed returns a text that a few changes have made from another.
func (g *generator) changed(text []byte) []byte {
	text = bytes.Clone(text)
	for range 1 + g.IntN(2) {
		at := g.IntN(len(text) + 1)
		to := min(len(text), at+g.IntN(6))
		switch g.IntN(5) {
		case 0:
			text = slices.Delete(text, at, to)
		case 1:
			text = slices.Insert(text, at, text[at:to]...)
		case 2:
			text = slices.Insert(text, at, []byte(fragments[g.IntN(len(fragments))])...)
		case 3:
			text = slices.Replace(text, at, to, []byte(fragments[g.IntN(len(fragments))])...)
		case 4:
			if at < len(text) {
				text[at] ^= 1 << g.IntN(8)
			}
		}
	}
	return text
}

// replacements are values in the place of others.
var replacements = []any{
	nil, true, false, "", "a", "true", "A", json.Number("0"), json.Number("1.5"), json.Number("1e999"), json.Number("-1"),
	json.Number("9223372036854775808"), []any{}, []any{nil}, []any{"a", "a"}, map[string]any{}, map[string]any{"a": nil},
}

// altered returns the text of a value after a change in one place.
func (g *generator) altered(value any) []byte {
	text, _ := json.Marshal(g.alter(value))
	return text
}

func (g *generator) alter(value any) any {
	if g.chance(20) {
		return replacements[g.IntN(len(replacements))]
	}
	switch v := value.(type) {
	case []any:
		return g.alterArray(v)
	case map[string]any:
		return g.alterObject(v)
	case string:
		return g.alterText(v)
	}
	return replacements[g.IntN(len(replacements))]
}

func (g *generator) alterArray(v []any) any {
	if len(v) == 0 || g.chance(10) {
		return append(v, replacements[g.IntN(len(replacements))])
	}
	i := g.IntN(len(v))
	if g.chance(20) {
		return slices.Concat(v, slices.Repeat(v[i:i+1], 1+g.IntN(20)))
	}
	v[i] = g.alter(v[i])
	return v
}

func (g *generator) alterObject(v map[string]any) any {
	names := make([]string, 0, len(v))
	for name := range v {
		names = append(names, name)
	}
	if len(names) == 0 || g.chance(15) {
		v["extra"] = replacements[g.IntN(len(replacements))]
		return v
	}

	slices.Sort(names)
	name := names[g.IntN(len(names))]
	switch {
	case g.chance(20):
		delete(v, name)
	case g.chance(20):
		v[strings.ToUpper(name)] = v[name]
		delete(v, name)
	default:
		v[name] = g.alter(v[name])
	}
	return v
}

func (g *generator) alterText(v string) any {
	if g.chance(50) {
		n := utf8.RuneCountInString(v)
		return v + strings.Repeat("ä", []int{1, 64 - n%64, 512 - n%512, 1025}[g.IntN(4)])
	}
	return strings.ToUpper(v)
}
