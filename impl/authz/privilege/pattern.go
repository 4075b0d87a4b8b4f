package privilege

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/sallyport/sallyport/impl/platform/admission/wildcard"
)

// maxPatternBytes bounds a pattern. Index names have at most 255 bytes.
const maxPatternBytes = 1024

// anyRune matches one character of a name, in Go's syntax. Two control characters are excluded from names: apart
// separates the sides of a box, and mark starts the name of an application privilege.
const (
	anyRune = `[^\x00\x01]`
	apart   = "\x00"
	mark    = "\x01"
)

// pattern is a set of names: a wildcard pattern (* is any text, ? any character, \ escapes the next character), or a
// Lucene regular expression between slashes. It matches whole names and is case-sensitive.
type pattern struct {
	text string
	// source is the pattern in Go's syntax, not anchored.
	source string
	// head is a literal prefix of every name in the set, not necessarily the longest one.
	head string
	// exact means that the only name is head, open that head followed by anything matches.
	exact, open bool
	// states is the approximate number of instructions, at least 1.
	states int
	// glob matches wildcard patterns that are neither exact nor open. Regular expressions have a syntax tree and an
	// expression, which is compiled at first use: most are only compared with others, which does not need it.
	glob       *wildcard.Pattern
	tree       *syntax.Regexp
	expression func() *regexp.Regexp
}

// parse compiles a pattern. The error's text is suitable for a caller.
func parse(text string) (*pattern, error) {
	if err := check(text); err != nil {
		return nil, err
	}
	if !strings.HasPrefix(text, "/") {
		return parseWildcard(text), nil
	}
	if len(text) < 2 || !strings.HasSuffix(text, "/") {
		return nil, fmt.Errorf("the pattern [%s] begins with a slash like a regular expression, but does not end with one",
			text)
	}

	source, err := lucene(text[1 : len(text)-1])
	if err != nil {
		return nil, fmt.Errorf("the regular expression [%s]: %w", text, err)
	}

	tree, err := parseTree(source)
	if err != nil {
		return nil, fmt.Errorf("the regular expression [%s] is too complex", text)
	}

	compiled, err := syntax.Compile(tree)
	if err != nil {
		return nil, fmt.Errorf("the regular expression [%s] is too complex", text)
	}

	head, _ := compiled.Prefix()
	p := &pattern{
		text:   text,
		source: source,
		head:   head,
		tree:   tree,
		states: len(compiled.Inst),
	}
	p.expression = sync.OnceValue(func() *regexp.Regexp {
		// parseTree has accepted the source, and it is nested far less than Go allows.
		return regexp.MustCompile(`\A(?:` + source + `)\z`)
	})

	return p, nil
}

// CheckPattern returns an error if a text is not a valid pattern of names: an index, a user, a resource.
func CheckPattern(text string) error {
	_, err := parse(text)
	return err
}

// check validates the length and the characters of a pattern.
func check(text string) error {
	switch {
	case len(text) > maxPatternBytes:
		return fmt.Errorf("a pattern of %d bytes is too long; at most %d are accepted", len(text), maxPatternBytes)
	case !utf8.ValidString(text):
		return errors.New("a pattern is not UTF-8")
	case strings.ContainsAny(text, apart+mark):
		return errors.New("a pattern has a control character")
	}

	return nil
}

// name returns the pattern that matches exactly one name, whatever its characters.
func name(text string) *pattern {
	return &pattern{
		text:   text,
		source: regexp.QuoteMeta(text),
		head:   text,
		exact:  true,
		states: 1 + len(text),
	}
}

// parseWildcard parses a wildcard pattern. A backslash at the end is literal.
func parseWildcard(text string) *pattern {
	var source, head strings.Builder
	stars, marks, escaped := 0, 0, false
	for i, r := range text {
		switch {
		case !escaped && r == '\\' && i < len(text)-1:
			escaped = true
			continue
		case !escaped && r == '*':
			if !strings.HasSuffix(source.String(), anyRune+"*") {
				source.WriteString(anyRune + "*")
			}
			stars++
		case !escaped && r == '?':
			source.WriteString(anyRune)
			marks++
		default:
			source.WriteString(regexp.QuoteMeta(string(r)))
			if stars+marks == 0 {
				head.WriteRune(r)
			}
		}

		escaped = false
	}

	p := &pattern{
		text:   text,
		source: source.String(),
		head:   head.String(),
		exact:  stars+marks == 0,
		states: 1 + len(text),
	}
	p.open = marks == 0 && p.source == regexp.QuoteMeta(p.head)+anyRune+"*"
	if !p.exact && !p.open {
		p.glob = wildcard.Parse(text)
	}

	return p
}

// regular reports whether the pattern is a regular expression. Only these can match nothing at all.
func (p *pattern) regular() bool { return p.expression != nil }

// matches reports whether a name, which must be UTF-8, is in the set.
func (p *pattern) matches(name string) bool {
	switch {
	case p.exact:
		return name == p.head
	case p.open:
		return strings.HasPrefix(name, p.head)
	case p.glob != nil:
		matched, _ := p.glob.Match(name)
		return matched && !strings.ContainsAny(name, apart+mark)
	}

	return p.expression().MatchString(name)
}

// covers reports whether all names of q are in p, for the cases that need no search. False is inconclusive.
func (p *pattern) covers(q *pattern) bool {
	return p.text == q.text && p.source == q.source || p.open && strings.HasPrefix(q.head, p.head) || q.exact &&
		p.matches(q.head)
}

// disjoint reports whether the heads exclude a common name. False is inconclusive.
func (p *pattern) disjoint(q *pattern) bool {
	return !strings.HasPrefix(p.head, q.head) && !strings.HasPrefix(q.head, p.head)
}

// everything is the pattern *.
var everything = sync.OnceValue(func() *pattern { return must("*") })

// must parses a pattern that is known to be valid.
func must(text string) *pattern {
	p, err := parse(text)
	if err != nil {
		panic(err)
	}
	return p
}

func parseAll(texts []string) ([]*pattern, error) {
	patterns := make([]*pattern, len(texts))
	for i, text := range texts {
		p, err := parse(text)
		if err != nil {
			return nil, err
		}
		patterns[i] = p
	}

	return patterns, nil
}
