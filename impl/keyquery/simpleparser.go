package keyquery

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// simpleParser reads + | - "…" * ( ) ~ and \. Operators have no precedence: what is there so far is one side of the next
// one. An operator that makes no sense where it is does nothing, and what is left open is closed by the end.
type simpleParser struct {
	words simpleWords
	text  string
	// at is the place in text of what is read next.
	at int
	// operators are the characters that have a meaning.
	operators string
	// fallback is the operator between words that have none.
	fallback byte
	atLeast  any
}

// group is what was read between two parentheses: parts with one operator between all of them.
type group struct {
	parts    []query
	operator byte
	// next is the operator before the next part, 0 if there was none.
	next    byte
	negated bool
}

// add takes one more part.
func (g *group) add(part query, fallback byte) {
	if g.negated {
		positive := part
		part = func(r *row) bool { return !positive(r) }
	}
	operator := g.next
	if operator == 0 {
		operator = fallback
	}
	if len(g.parts) > 1 && operator != g.operator {
		g.parts = []query{g.query()}
	}
	g.parts, g.operator = append(g.parts, part), operator
	g.next, g.negated = 0, false
}

func (g *group) query() query {
	parts := g.parts
	if g.operator == '+' && len(parts) > 0 {
		return func(r *row) bool { return all(parts, r) }
	}
	return anyOf(parts)
}

func (p *simpleParser) all() (query, error) {
	g, err := p.group(0)
	if err != nil {
		return nil, err
	}
	if g.operator != '|' {
		return g.query(), nil
	}
	needed, err := neededOf(p.atLeast, len(g.parts), true)
	return func(r *row) bool { return atLeastOf(g.parts, needed, r) }, err
}

func (p *simpleParser) group(depth int) (group, error) {
	var g group
	if depth > maxDepth {
		return g, illegal("The nested depth of the query exceeds the maximum of [%d]", maxDepth)
	}
	for p.at < len(p.text) {
		switch {
		case p.take(')'):
			if depth > 0 {
				return g, nil
			}
		case p.take('('):
			inner, err := p.group(depth + 1)
			if err != nil {
				return g, err
			}
			if len(inner.parts) > 0 {
				g.add(inner.query(), p.fallback)
			}
		case p.operator(&g), p.blank():
		default:
			if err := p.part(&g); err != nil {
				return g, err
			}
		}
	}
	return g, nil
}

// take moves on if an operator comes next.
func (p *simpleParser) take(operator byte) bool {
	if p.at >= len(p.text) || p.text[p.at] != operator || strings.IndexByte(p.operators, operator) < 0 {
		return false
	}
	p.at++
	return true
}

func (p *simpleParser) operator(g *group) bool {
	switch {
	case p.take('-'):
		g.negated = !g.negated
	case p.take('+'):
		g.follow('+')
	case p.take('|'):
		g.follow('|')
	default:
		return false
	}
	return true
}

// follow remembers an operator; of several at one place, the first counts.
func (g *group) follow(operator byte) {
	if g.next == 0 && len(g.parts) > 0 {
		g.next = operator
	}
}

func (p *simpleParser) blank() bool {
	r, size := utf8.DecodeRuneInString(p.text[p.at:])
	if !unicode.IsSpace(r) || strings.IndexByte(p.operators, ' ') < 0 {
		return false
	}
	p.at += size
	return true
}

// part reads a phrase or a word.
func (p *simpleParser) part(g *group) error {
	var text string
	var prefix bool
	distance := 0
	if p.take('"') {
		var closed bool
		if text, closed = p.phrase(); !closed {
			return nil
		}
	} else {
		text, prefix, distance = p.word()
	}
	if text == "" && !prefix {
		return nil
	}
	q, err := p.words.word(text, prefix, distance)
	if err != nil {
		return err
	}
	g.add(q, p.fallback)
	return nil
}
