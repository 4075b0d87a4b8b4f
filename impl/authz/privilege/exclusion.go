package privilege

import (
	"errors"
	"slices"
	"strings"
)

// exclusion translates the one use of Lucene's operators ~ and & in the built-in roles of Elasticsearch: all names, or
// those with a prefix, except the names that begin with one of some texts. Its forms are ~(EXCEPT.*) and
// PREFIX.*&~(EXCEPT.*), where EXCEPT is a text or (TEXT|TEXT). It reports whether the expression has this form.
func exclusion(expression string) (whole piece, found bool, err error) {
	start, except, found := strings.Cut(expression, "~(")
	if !found || !strings.HasSuffix(except, ".*)") {
		return piece{}, false, nil
	}
	except = strings.TrimSuffix(except, ".*)")
	if inner, grouped := strings.CutPrefix(except, "("); grouped {
		if except, grouped = strings.CutSuffix(inner, ")"); !grouped {
			return piece{}, false, nil
		}
	}

	var prefix string
	if start != "" {
		if start, found = strings.CutSuffix(start, ".*&"); !found {
			return piece{}, false, nil
		}
		prefixes, plain := plainTexts(start)
		if !plain || len(prefixes) != 1 {
			return piece{}, false, nil
		}
		prefix = prefixes[0]
	}

	texts, plain := plainTexts(except)
	if !plain {
		return piece{}, false, nil
	}
	whole, err = without(prefix, texts)
	return whole, true, err
}

// plainTexts splits alternatives. It reports whether each is a text that is not empty: characters that are no
// operators, or escaped, or alone in a class.
func plainTexts(alternatives string) (texts []string, plain bool) {
	t := &translator{rest: []rune(alternatives)}
	var text strings.Builder
	for len(t.rest) > 0 {
		switch r := t.next(); {
		case r == '|':
			texts = append(texts, text.String())
			text.Reset()
		case r == '\\' && len(t.rest) > 0 && shorthands[t.rest[0]] == "":
			text.WriteRune(t.next())
		case r == '[' && len(t.rest) > 1 && t.rest[1] == ']' && !strings.ContainsRune(`^\[]`, t.rest[0]):
			text.WriteRune(t.next())
			t.next()
		case strings.ContainsRune(`.?+*|{}[]()"\#@&<>~`, r):
			return nil, false
		default:
			text.WriteRune(r)
		}
	}
	texts = append(texts, text.String())
	return texts, !slices.Contains(texts, "")
}

// without returns the names that begin with a prefix, but with none of the texts.
func without(prefix string, texts []string) (piece, error) {
	var rest [][]rune
	for _, text := range texts {
		switch {
		case strings.HasPrefix(prefix, text):
			return piece{}, errors.New("it matches no name")
		case strings.HasPrefix(text, prefix):
			rest = append(rest, []rune(strings.TrimPrefix(text, prefix)))
		}
	}

	suffix, err := beginningWithNone(rest, 1)
	if err != nil || prefix == "" {
		return suffix, err
	}
	start := literal(prefix)
	return piece{start.source + suffix.source, start.states + suffix.states, suffix.nesting + 1}, nil
}

// beginningWithNone returns the texts that begin with none of the given ones, which are not empty: the empty text,
// those that begin with another character, and those that begin with the same one and continue differently.
func beginningWithNone(texts [][]rune, nesting int) (piece, error) {
	if nesting > maxNesting {
		return piece{}, errors.New("it is too complex")
	}

	continued := map[rune][][]rune{}
	var firsts []rune
	for _, text := range texts {
		if continued[text[0]] == nil {
			firsts = append(firsts, text[0])
		}
		continued[text[0]] = append(continued[text[0]], text[1:])
	}

	others, whole := strings.TrimSuffix(anyRune, "]"), piece{states: 2, nesting: 1}
	var alternatives strings.Builder
	for _, first := range firsts {
		others += quote(first)
		whole.states++
		if slices.ContainsFunc(continued[first], func(text []rune) bool { return len(text) == 0 }) {
			continue
		}

		next, err := beginningWithNone(continued[first], nesting+1)
		if err != nil {
			return piece{}, err
		}
		alternatives.WriteString("|" + quote(first) + next.source)
		whole.states += next.states
		whole.nesting = max(whole.nesting, next.nesting+1)
	}
	whole.source = "(?:|" + others + "]" + anyRune + "*" + alternatives.String() + ")"
	return whole, nil
}
