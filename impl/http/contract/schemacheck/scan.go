package schemacheck

import (
	"bytes"
	"hash/maphash"
	"sync"
	"unicode/utf16"
	"unicode/utf8"
)

// scanner checks one text. Each method checks the next part of the text, moves behind it and returns true, or returns
// false.
type scanner struct {
	text []byte
	at   int
	// levels is the number of further levels that may be nested.
	levels int
	// names are the names of the members of all open objects that are no properties.
	names []span
	// reused is where names came from; nil if there have been none.
	reused *[]span
}

// scan reports whether the text is one value to which the rules apply.
func scan(text []byte, r *rules, maxDepth int) bool {
	s := scanner{text: text, levels: maxDepth}
	accepted := s.value(r) && s.ended()
	if s.reused != nil && cap(s.names) <= maxReused {
		*s.reused = s.names[:0]
		reusedNames.Put(s.reused)
	}
	return accepted
}

// reusedNames are slices for names. Most texts need none: the members of their objects are properties.
var reusedNames = sync.Pool{New: func() any { return new([]span) }}

// maxReused is the number of names up to which a slice is reused.
const maxReused = 1024

// record adds a name to those of the open objects.
func (s *scanner) record(name span) {
	if s.reused == nil {
		s.reused = reusedNames.Get().(*[]span)
		s.names = *s.reused
	}
	s.names = append(s.names, name)
}

// span is the part of the text with the name of a member.
type span struct {
	start, end int
	escaped    bool
}

// name returns the name in a span.
func (s *scanner) name(of span) []byte {
	name := s.text[of.start:of.end]
	if of.escaped {
		return unescape(name)
	}
	return name
}

// next skips white space, and returns the byte behind it; 0 at the end.
func (s *scanner) next() byte {
	for s.at < len(s.text) {
		c := s.text[s.at]
		if c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			return c
		}
		s.at++
	}
	return 0
}

// ended reports whether nothing but white space is left.
func (s *scanner) ended() bool { return s.next() == 0 && s.at == len(s.text) }

func (s *scanner) value(r *rules) bool {
	switch c := s.next(); {
	case c == '"':
		return r.kinds&textKind != 0 && s.string(r.text)
	case c == '{':
		return r.kinds&objectKind != 0 && s.object(r.object)
	case c == '[':
		return r.kinds&arrayKind != 0 && s.array(r.array)
	case c == '-' || isDigit(c):
		return r.kinds&numberKind != 0 && s.number(r.number)
	case c == 't':
		return r.kinds&booleanKind != 0 && s.literal("true")
	case c == 'f':
		return r.kinds&booleanKind != 0 && s.literal("false")
	case c == 'n':
		return r.kinds&nullKind != 0 && s.literal("null")
	}
	return false
}

func (s *scanner) literal(name string) bool {
	if len(s.text)-s.at < len(name) || string(s.text[s.at:s.at+len(name)]) != name {
		return false
	}
	s.at += len(name)
	return true
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func (s *scanner) number(r *numberRules) bool {
	start := s.at
	if s.text[s.at] == '-' {
		s.at++
	}
	if s.literal("0") || s.digits() {
		whole := s.at
		if !s.fraction() || !s.exponent() {
			return false
		}
		return r == nil || r.accepts(s.text[start:s.at], s.at == whole)
	}
	return false
}

// digits moves behind at least one digit.
func (s *scanner) digits() bool {
	start := s.at
	for s.at < len(s.text) && isDigit(s.text[s.at]) {
		s.at++
	}
	return s.at > start
}

func (s *scanner) fraction() bool { return !s.literal(".") || s.digits() }

func (s *scanner) exponent() bool {
	if !s.literal("e") && !s.literal("E") {
		return true
	}
	if !s.literal("+") {
		s.literal("-")
	}
	return s.digits()
}

func (s *scanner) string(r *textRules) bool {
	content, escaped, ok := s.quoted()
	if !ok || r == nil {
		return ok
	}
	if escaped {
		content = unescape(content)
	}
	return r.accepts(content)
}

// plain are the bytes that stand for themselves in a string.
var plain = func() (table [256]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		table[c] = c != '"' && c != '\\'
	}
	return table
}()

// quoted returns the text of a string between its quotes, and whether it has escapes.
func (s *scanner) quoted() (content []byte, escaped, ok bool) {
	start := s.at + 1
	for i := start; i < len(s.text); {
		c := s.text[i]
		switch {
		case plain[c]:
			i++
		case c == '"':
			s.at = i + 1
			return s.text[start:i], escaped, true
		case c == '\\':
			_, size := escape(s.text[i:])
			if size == 0 {
				return nil, false, false
			}
			escaped = true
			i += size
		case c < utf8.RuneSelf:
			return nil, false, false
		default:
			_, size := utf8.DecodeRune(s.text[i:])
			if size == 1 {
				return nil, false, false
			}
			i += size
		}
	}
	return nil, false, false
}

// escape returns the character that an escape stands for, and the size of the escape; 0 for an invalid one. The two
// escapes of a UTF-16 pair are one.
func escape(text []byte) (rune, int) {
	if len(text) < 2 {
		return 0, 0
	}
	switch text[1] {
	case '"', '\\', '/':
		return rune(text[1]), 2
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	}

	first, ok := codeUnit(text)
	if !ok || !utf16.IsSurrogate(first) {
		return first, size(ok, unitSize)
	}
	second, ok := codeUnit(text[unitSize:])
	pair := utf16.DecodeRune(first, second)
	return pair, size(ok && pair != utf8.RuneError, 2*unitSize)
}

func size(valid bool, n int) int {
	if valid {
		return n
	}
	return 0
}

// unitSize is the size of an escaped UTF-16 code unit.
const unitSize = len(`\u0000`)

// codeUnit returns the code unit of the escape \uXXXX at the beginning of a text, if there is one.
func codeUnit(text []byte) (rune, bool) {
	if len(text) < unitSize || text[0] != '\\' || text[1] != 'u' {
		return 0, false
	}
	var unit rune
	for _, c := range text[2:unitSize] {
		switch {
		case isDigit(c):
			unit = unit<<4 | rune(c-'0')
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			unit = unit<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, false
		}
	}
	return unit, true
}

// unescape returns the value of a string with escapes.
func unescape(content []byte) []byte {
	value := make([]byte, 0, len(content))
	for len(content) > 0 {
		i := bytes.IndexByte(content, '\\')
		if i < 0 {
			return append(value, content...)
		}
		r, size := escape(content[i:])
		value = utf8.AppendRune(append(value, content[:i]...), r)
		content = content[i+size:]
	}
	return value
}

func (s *scanner) array(r *arrayRules) bool {
	items, least, most := anything, 0, len(s.text)
	if r != nil {
		items, least, most = r.items, r.min, r.max
	}
	if s.levels == 0 {
		return false
	}

	s.levels--
	s.at++
	n := 0
	if s.next() != ']' {
		for {
			n++
			if n > most || !s.value(items) {
				return false
			}
			if s.next() != ',' {
				break
			}
			s.at++
		}
	}

	s.levels++
	return s.next() == ']' && s.skip() && n >= least
}

// skip moves behind one byte.
func (s *scanner) skip() bool {
	s.at++
	return true
}

func (s *scanner) object(r *objectRules) bool {
	if s.levels == 0 {
		return false
	}

	s.levels--
	s.at++
	m := members{rules: r, first: len(s.names)}
	if s.next() != '}' {
		for {
			if !s.member(&m) {
				return false
			}
			if s.next() != ',' {
				break
			}
			s.at++
		}
	}

	s.levels++
	s.names = s.names[:m.first]
	return s.next() == '}' && s.skip() && m.complete()
}

// members are those of one object that were checked.
type members struct {
	rules *objectRules
	// seen has the bits of the properties.
	seen  uint64
	count int
	// first is the position of the object's first name in scanner.names.
	first int
	// slots is a hash table of these names with linear probing: their position plus 1, or 0. It is nil if they are few.
	slots []int
}

func (m *members) complete() bool {
	r := m.rules
	return r == nil || m.seen&r.required == r.required && between(m.count, r.min, r.max)
}

// member checks a member of an object.
func (s *scanner) member(m *members) bool {
	if s.next() != '"' {
		return false
	}
	name, escaped, ok := s.quoted()
	at := span{s.at - 1 - len(name), s.at - 1, escaped}
	if !ok || s.next() != ':' {
		return false
	}
	s.at++
	if escaped {
		name = unescape(name)
	}

	m.count++
	i := m.rules.find(name)
	if i < 0 {
		others := anything
		if m.rules != nil {
			others = m.rules.others
		}
		return others != nil && s.note(m, name, at) && s.value(others)
	}

	p := &m.rules.properties[i]
	bit := uint64(1) << i
	if p.forbidden || m.seen&bit != 0 {
		return false
	}
	m.seen |= bit
	return s.value(p.rules)
}

// maxUnhashed is the number of names up to which they are compared one after the other.
const maxUnhashed = 8

// note adds a name to those of an object, unless it is there.
func (s *scanner) note(m *members, name []byte, at span) bool {
	if len(s.names)-m.first < maxUnhashed {
		for _, each := range s.names[m.first:] {
			if bytes.Equal(s.name(each), name) {
				return false
			}
		}
	} else if !s.insert(m, name) {
		return false
	}
	s.record(at)
	return true
}

var seed = maphash.MakeSeed()

// insert adds the next name of an object to its hash table, unless it is there.
func (s *scanner) insert(m *members, name []byte) bool {
	names := s.names[m.first:]
	if 2*len(names) >= len(m.slots) {
		m.slots = make([]int, 8*len(names))
		for i, each := range names {
			m.slots[s.slot(m, s.name(each))] = i + 1
		}
	}
	slot := s.slot(m, name)
	if m.slots[slot] != 0 {
		return false
	}
	m.slots[slot] = len(names) + 1
	return true
}

// slot returns the slot of a name, or the free one where it belongs.
func (s *scanner) slot(m *members, name []byte) int {
	slots := uint64(len(m.slots))
	for i := maphash.Bytes(seed, name) % slots; ; i = (i + 1) % slots {
		if m.slots[i] == 0 || bytes.Equal(s.name(s.names[m.first+m.slots[i]-1]), name) {
			return int(i) //nolint:gosec // less than the number of slots
		}
	}
}
