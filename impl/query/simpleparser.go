package query

import (
	"cmp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// simpleParser parses the operators + | - "…" * ( ) ~ and \. They have no precedence: everything read so far is the
// left side of the next operator. An operator without a meaning in its place is ignored, and the end of the text
// closes open groups.
type simpleParser struct {
	words simpleWords
	text  string
	// at is the offset in text of the next character.
	at int
	// operators are the enabled operator characters.
	operators string
	// fallback is the operator between words without one.
	fallback byte
	atLeast  any
}

// group is a parenthesized list of queries, combined by one operator.
type group struct {
	parts    []query
	operator byte
	// next is the operator before the next query, 0 if there is none yet.
	next    byte
	negated bool
}

// add appends a query. A change of operator makes the queries so far one operand.
func (g *group) add(part query, fallback byte) {
	if g.negated {
		part = part.negated()
	}

	operator := cmp.Or(g.next, fallback)
	if len(g.parts) > 1 && operator != g.operator {
		g.parts = []query{g.query()}
	}

	g.parts, g.operator = append(g.parts, part), operator
	g.next, g.negated = 0, false
}

// query combines the queries of the group.
func (g *group) query() query {
	parts := g.parts
	if g.operator == '+' && len(parts) > 0 {
		return allOf(parts)
	}
	return anyOf(parts)
}

// all parses the whole text. minimum_should_match applies to the outermost group only.
func (p *simpleParser) all() (query, error) {
	g, err := p.group(0)
	if err != nil {
		return query{}, err
	}
	if g.operator != '|' {
		return g.query(), nil
	}

	needed, err := requiredMatches(p.atLeast, len(g.parts), true)
	return atLeast(g.parts, needed), err
}

// group parses up to the closing parenthesis or the end of the text.
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
		case p.operator(&g), p.skipBlank():
		default:
			if err := p.part(&g); err != nil {
				return g, err
			}
		}
	}

	return g, nil
}

// take consumes an enabled operator if it comes next.
func (p *simpleParser) take(operator byte) bool {
	if p.at >= len(p.text) || p.text[p.at] != operator || strings.IndexByte(p.operators, operator) < 0 {
		return false
	}
	p.at++
	return true
}

// operator consumes -, + or | and applies it to the group.
func (p *simpleParser) operator(g *group) bool {
	switch {
	case p.take('-'):
		g.negated = !g.negated
	case p.take('+'):
		g.setOperator('+')
	case p.take('|'):
		g.setOperator('|')
	default:
		return false
	}

	return true
}

// setOperator sets the operator before the next query; of several in a row, the first counts.
func (g *group) setOperator(operator byte) {
	if g.next == 0 && len(g.parts) > 0 {
		g.next = operator
	}
}

// skipBlank consumes one white space character.
func (p *simpleParser) skipBlank() bool {
	r, size := utf8.DecodeRuneInString(p.text[p.at:])
	if !unicode.IsSpace(r) || strings.IndexByte(p.operators, ' ') < 0 {
		return false
	}
	p.at += size
	return true
}

// part parses a phrase or a word.
func (p *simpleParser) part(g *group) error {
	var text string
	var prefix bool
	distance := 0
	if p.take('"') {
		var closed bool
		if text, closed = p.readPhrase(); !closed {
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
