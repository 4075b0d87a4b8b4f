package privilege

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// maxStates bounds the size of an expression with its repetitions expanded.
const maxStates = 5000

// maxNesting bounds the nesting of groups and repetitions.
const maxNesting = 100

// lucene translates a Lucene regular expression to Go's syntax, which matches in time linear in the name. The grammar
// is that of Elasticsearch's reference, "Regular expression syntax": the operators . ? + * | {} [] () "" and \, and
// of the optional ones @ (any string) and # (no string). The other optional operators, ~ & and <>, have no
// translation, except for exclusion's forms, and are refused, like any reserved character that is not an operator in
// its place. ^ and $ are ordinary characters.
func lucene(text string) (string, error) {
	whole, err := translate(text)
	return whole.source, err
}

// translate is lucene with the size of the translation.
func translate(text string) (piece, error) {
	t := &translator{rest: []rune(text)}
	if text == "" {
		return piece{}, nil
	}
	if whole, found, err := exclusion(text); found {
		return whole, err
	}

	whole, err := t.union(0)
	if err != nil {
		return piece{}, err
	}
	if len(t.rest) > 0 {
		return piece{}, fmt.Errorf("%q has no opening counterpart", t.rest[0])
	}

	return whole, nil
}

// translator reads an expression from left to right.
type translator struct{ rest []rune }

// piece is a part of the translation that can be followed by an operator.
type piece struct {
	source string
	states int
	// nesting is the depth of its groups.
	nesting int
}

func (t *translator) peek(r rune) bool { return len(t.rest) > 0 && t.rest[0] == r }

func (t *translator) skip(r rune) bool {
	found := t.peek(r)
	if found {
		t.rest = t.rest[1:]
	}
	return found
}

func (t *translator) next() rune {
	r := t.rest[0]
	t.rest = t.rest[1:]
	return r
}

// until consumes the text up to and including r, and returns it without r.
func (t *translator) until(r rune) (string, error) {
	for i, c := range t.rest {
		if c == r {
			taken := string(t.rest[:i])
			t.rest = t.rest[i+1:]
			return taken, nil
		}
	}

	return "", fmt.Errorf("%q is missing", r)
}

// union reads alternatives.
func (t *translator) union(depth int) (piece, error) {
	whole, err := t.sequence(depth)
	for err == nil && t.skip('|') {
		var more piece
		more, err = t.sequence(depth)
		whole = piece{whole.source + "|" + more.source, whole.states + more.states + 1, max(whole.nesting, more.nesting)}
	}

	return group(whole), err
}

func group(p piece) piece { return piece{"(?:" + p.source + ")", p.states, p.nesting + 1} }

// sequence reads one alternative.
func (t *translator) sequence(depth int) (piece, error) {
	var whole piece
	for len(t.rest) > 0 && !t.peek('|') && !t.peek(')') {
		p, err := t.repeated(depth)
		if err != nil {
			return piece{}, err
		}

		whole = piece{whole.source + p.source, whole.states + p.states, max(whole.nesting, p.nesting)}
		if whole.states > maxStates || whole.nesting > maxNesting {
			return piece{}, errors.New("it is too complex")
		}
	}

	if whole.source == "" {
		return piece{}, errors.New("an alternative is empty")
	}

	return whole, nil
}

// repeated reads an atom and its repetitions. Each repetition becomes a group, because two in a row have another
// meaning in Go.
func (t *translator) repeated(depth int) (piece, error) {
	p, err := t.atom(depth)
	for err == nil && len(t.rest) > 0 && strings.ContainsRune("?*+{", t.rest[0]) {
		operator := string(t.next())
		times := 1
		if operator == "{" {
			if operator, times, err = t.times(); err != nil {
				return piece{}, err
			}
		}

		p = group(piece{p.source + operator, (p.states + 1) * times, p.nesting})
		if p.states > maxStates || p.nesting > maxNesting {
			return piece{}, errors.New("it is too complex")
		}
	}

	return p, err
}

// times reads the rest of {n}, {n,} or {n,m}. It returns Go's syntax and the number of copies of the atom.
func (t *translator) times() (string, int, error) {
	text, err := t.until('}')
	if err != nil {
		return "", 0, err
	}

	low, high, ranged := strings.Cut(text, ",")
	least, err := strconv.ParseUint(low, 10, 9) // up to 511
	if err != nil {
		return "", 0, fmt.Errorf("{%s} is not a number of times up to 511", text)
	}
	if !ranged || high == "" {
		return "{" + text + "}", int(least) + 1, nil
	}

	most, err := strconv.ParseUint(high, 10, 9)
	if err != nil || most < least {
		return "", 0, fmt.Errorf("{%s} is not a number of times up to 511", text)
	}

	return "{" + text + "}", int(most) + 1, nil
}

// atom reads a character, a class, a group or a quoted string.
func (t *translator) atom(depth int) (piece, error) {
	switch r := t.next(); r {
	case '.':
		return piece{anyRune, 1, 0}, nil
	case '@':
		return piece{"(?:" + anyRune + "*)", 2, 1}, nil
	case '#':
		return piece{`[^\x00-\x{10FFFF}]`, 1, 0}, nil
	case '(':
		return t.group(depth + 1)
	case '[':
		return t.class()
	case '"':
		text, err := t.until('"')
		return literal(text), err
	case '\\':
		return t.escaped()
	case '~', '&', '<':
		return piece{}, fmt.Errorf("the operator %q is not supported", r)
	case '?', '*', '+', '{', ')', ']', '}', '>', '|':
		return piece{}, fmt.Errorf("%q is out of place; a literal one is written \\%c", r, r)
	default:
		return literal(string(r)), nil
	}
}

// literal returns a text as one group, so that it can be repeated as a whole.
func literal(text string) piece {
	var source strings.Builder
	for _, r := range text {
		source.WriteString(quote(r))
	}
	return group(piece{source.String(), len(text), 0})
}

// quote escapes a character for Go's syntax, inside or outside of a class.
func quote(r rune) string { return fmt.Sprintf(`\x{%X}`, r) }

func (t *translator) group(depth int) (piece, error) {
	if depth > maxNesting {
		return piece{}, errors.New("it is too complex")
	}
	// () is the empty string.
	if t.skip(')') {
		return piece{"(?:)", 1, 1}, nil
	}

	p, err := t.union(depth)
	if err == nil && !t.skip(')') {
		err = errors.New("')' is missing")
	}

	return p, err
}

// shorthands are Lucene's letter classes, all of them ASCII. A capital letter is the complement.
var shorthands = map[rune]string{
	'd': `[0-9]`,
	'w': `[0-9A-Za-z_]`,
	's': `[\t\n\r ]`,
	'D': `[^\x00\x{01}0-9]`,
	'W': `[^\x00\x{01}0-9A-Za-z_]`,
	'S': `[^\x00\x{01}\t\n\r ]`,
}

// escaped reads the character after a backslash.
func (t *translator) escaped() (piece, error) {
	if len(t.rest) == 0 {
		return piece{}, errors.New("it ends with a backslash")
	}

	r := t.next()
	if source, found := shorthands[r]; found {
		return piece{source, 1, 0}, nil
	}

	return literal(string(r)), nil
}

// class reads the rest of [abc], [a-z] or [^abc].
func (t *translator) class() (piece, error) {
	var source strings.Builder
	source.WriteByte('[')
	if t.skip('^') {
		source.WriteString(`^\x00\x01`)
	}

	for first := true; first || !t.skip(']'); first = false {
		low, err := t.member()
		if err != nil {
			return piece{}, err
		}

		high := low
		if t.skip('-') {
			if high, err = t.member(); err != nil {
				return piece{}, err
			}
		}

		if high < low {
			return piece{}, fmt.Errorf("the range %c-%c ends before it starts", low, high)
		}

		source.WriteString(quote(low) + "-" + quote(high))
	}

	source.WriteByte(']')
	return piece{source.String(), 1, 0}, nil
}

// member reads one character of a class.
func (t *translator) member() (rune, error) {
	if len(t.rest) == 0 {
		return 0, errors.New("']' is missing")
	}

	r := t.next()
	if r == ']' || r == '[' {
		return 0, fmt.Errorf("%q is out of place; a literal one is written \\%c", r, r)
	}
	if r != '\\' {
		return r, nil
	}
	if len(t.rest) == 0 {
		return 0, errors.New("it ends with a backslash")
	}

	r = t.next()
	if _, found := shorthands[r]; found {
		return 0, fmt.Errorf("\\%c in a class is not supported", r)
	}

	return r, nil
}
