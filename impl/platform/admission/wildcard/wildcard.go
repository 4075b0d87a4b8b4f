// Package wildcard matches texts against patterns in which * is any text, in time that grows with the text alone.
package wildcard

import (
	"strings"
	"unicode/utf8"
)

// Pattern is a parsed pattern. It can be used any number of times, also at the same time.
type Pattern struct {
	// pieces are what stands between the asterisks; there is at least one.
	pieces []piece
}

// Parse reads a pattern in which * is any text, ? any one character, and \ takes the meaning of the character after it;
// at the end it stands for itself.
func Parse(pattern string) *Pattern {
	p := &builder{}
	escaped := false
	for _, r := range pattern {
		switch {
		case escaped:
			p.add(r, false)
			escaped = false
		case r == '\\':
			escaped = true
		case r == '*':
			p.end()
		default:
			p.add(r, r == '?')
		}
	}
	if escaped {
		p.add('\\', false)
	}
	return p.finish()
}

// ParseStars reads a pattern in which * is any text, and all other characters stand for themselves.
func ParseStars(pattern string) *Pattern {
	p := &Pattern{}
	for literal := range strings.SplitSeq(pattern, "*") {
		p.pieces = append(p.pieces, piece{literal: literal})
	}
	return p
}

// Match reports whether the pattern is all of a text, and about how many characters of the text it
// examined: the work of the match in units of package work.
//
// Each piece is looked for at the first place where it can be: what comes later can only gain by that, so no choice is
// ever taken back, and no character is searched twice.
func (p *Pattern) Match(text string) (matched bool, examined int) {
	first, last := &p.pieces[0], &p.pieces[len(p.pieces)-1]
	rest, ok := first.cutPrefix(text)
	examined = 1 + first.length()
	if !ok || len(p.pieces) == 1 {
		return ok && rest == "", examined
	}
	for i := 1; i < len(p.pieces)-1; i++ {
		var units int
		rest, units, ok = p.pieces[i].find(rest)
		examined += units
		if !ok {
			return false, examined
		}
	}
	return last.isSuffix(rest), examined + last.length()
}

// piece is a part of a pattern without asterisks: a literal, or if it has a ?, a sequence of characters.
type piece struct {
	literal string
	// marked pieces have characters, any of which may be anyRune, and no literal.
	marked *sequence
}

func (p *piece) length() int {
	if p.marked != nil {
		return len(p.marked.runes)
	}
	return len(p.literal)
}

func (p *piece) cutPrefix(text string) (rest string, ok bool) {
	if p.marked != nil {
		return p.marked.cutPrefix(text)
	}
	return strings.CutPrefix(text, p.literal)
}

// find returns what follows the first occurrence of the piece.
func (p *piece) find(text string) (rest string, units int, ok bool) {
	if p.marked != nil {
		return p.marked.find(text)
	}
	at := strings.Index(text, p.literal)
	if at < 0 {
		return "", len(text), false
	}
	return text[at+len(p.literal):], at + len(p.literal), true
}

func (p *piece) isSuffix(text string) bool {
	if p.marked != nil {
		return p.marked.isSuffix(text)
	}
	return strings.HasSuffix(text, p.literal)
}

// anyRune stands for ? in a sequence.
const anyRune rune = -1

// word is the number of characters of a sequence that are compared at once.
const word = 64

// sequence is characters of which some may be any. It is searched for by the Shift-And method: a bit for each beginning
// of the sequence says whether the text up to here ends with it.
type sequence struct {
	runes []rune
	// at has, for each character of the sequence, where it may stand, and anywhere where any character may.
	at       map[rune][]uint64
	anywhere []uint64
}

func newSequence(runes []rune) *sequence {
	s := &sequence{runes: runes, at: map[rune][]uint64{}, anywhere: make([]uint64, (len(runes)+word-1)/word)}
	for i, r := range runes {
		if r == anyRune {
			s.anywhere[i/word] |= 1 << (i % word)
		}
	}
	for i, r := range runes {
		if r == anyRune {
			continue
		}
		if s.at[r] == nil {
			s.at[r] = append([]uint64(nil), s.anywhere...)
		}
		s.at[r][i/word] |= 1 << (i % word)
	}
	return s
}

func (s *sequence) find(text string) (rest string, units int, ok bool) {
	beginnings := make([]uint64, len(s.anywhere))
	last := len(s.runes) - 1
	for len(text) > 0 {
		r, size := utf8.DecodeRuneInString(text)
		text = text[size:]
		units += len(beginnings)
		places, found := s.at[r]
		if !found {
			places = s.anywhere
		}
		carry := uint64(1)
		for w := range beginnings {
			shifted := beginnings[w]<<1 | carry
			carry = beginnings[w] >> (word - 1)
			beginnings[w] = shifted & places[w]
		}
		if beginnings[last/word]>>(last%word)&1 != 0 {
			return text, units, true
		}
	}
	return "", units, false
}

func (s *sequence) cutPrefix(text string) (rest string, ok bool) {
	for _, want := range s.runes {
		r, size := utf8.DecodeRuneInString(text)
		if size == 0 || want != anyRune && r != want {
			return "", false
		}
		text = text[size:]
	}
	return text, true
}

func (s *sequence) isSuffix(text string) bool {
	start := len(text)
	for range s.runes {
		_, size := utf8.DecodeLastRuneInString(text[:start])
		if size == 0 {
			return false
		}
		start -= size
	}
	rest, ok := s.cutPrefix(text[start:])
	return ok && rest == ""
}

// builder collects the pieces of a pattern.
type builder struct {
	pieces []piece
	runes  []rune
	marked bool
}

func (b *builder) add(r rune, mark bool) {
	if mark {
		r, b.marked = anyRune, true
	}
	b.runes = append(b.runes, r)
}

func (b *builder) end() {
	var next piece
	if b.marked {
		next.marked = newSequence(b.runes)
	} else {
		next.literal = string(b.runes)
	}
	b.pieces = append(b.pieces, next)
	b.runes, b.marked = nil, false
}

func (b *builder) finish() *Pattern {
	b.end()
	return &Pattern{b.pieces}
}
