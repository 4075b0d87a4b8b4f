package privilege

import (
	"regexp/syntax"
	"strings"
)

// automaton accepts the tuples of a box, written as one word: those that in accepts and no program of out does.
type automaton struct {
	in  *syntax.Prog
	out []*syntax.Prog
}

// Costs of building automata, in units of work. They reflect memory: parsing takes some hundreds of bytes per
// instruction, and compiling a tree some tens.
const (
	costOfInstruction = 12
	costOfCompiling   = 4
	costOfParsing     = 64
)

// automaton returns the cached automaton of a box, which must not change.
func (w *effort) automaton(b box) (*automaton, error) {
	if a, found := w.automata[&b[0]]; found {
		return a, nil
	}

	a, err := w.build(b)
	if err == nil {
		w.automata[&b[0]] = a
	}

	return a, err
}

// build creates the automaton of a box, if the budget allows it.
func (w *effort) build(b box) (*automaton, error) {
	sides := make([]*syntax.Regexp, len(b))
	for i, t := range b {
		var err error
		if sides[i], err = w.tree(t.in); err != nil {
			return nil, err
		}
	}

	in, err := w.program(sides)
	if err != nil {
		return nil, err
	}

	a := &automaton{in: in}
	for i, t := range b {
		if len(t.out) == 0 {
			continue
		}

		hole := make([]*syntax.Regexp, len(b))
		for side := range hole {
			hole[side] = anySide
		}

		if hole[i], err = w.tree(t.out); err != nil {
			return nil, err
		}

		out, err := w.program(hole)
		if err != nil {
			return nil, err
		}

		a.out = append(a.out, out)
	}

	return a, nil
}

var (
	anySide   = mustTree(`[^\x00]*`)
	separator = mustTree(apart)
)

// program compiles the syntax trees of a box's sides.
func (w *effort) program(sides []*syntax.Regexp) (*syntax.Prog, error) {
	var parts []*syntax.Regexp
	for i, side := range sides {
		if i > 0 {
			parts = append(parts, separator)
		}
		parts = append(parts, side)
	}

	compiled, err := syntax.Compile(&syntax.Regexp{Op: syntax.OpConcat, Sub: parts})
	if err != nil {
		return nil, err
	}

	return compiled, w.Spend(costOfParsing + costOfCompiling*len(compiled.Inst))
}

// alternatives identifies a list of patterns by its start and length. A name matches if any pattern does.
type alternatives struct {
	first **pattern
	count int
}

// tree returns the syntax tree of patterns as alternatives. It is cached, because the same patterns occur with other
// sides.
func (w *effort) tree(patterns []*pattern) (*syntax.Regexp, error) {
	key := alternatives{&patterns[0], len(patterns)}
	if tree, found := w.trees[key]; found {
		return tree, nil
	}

	var trees []*syntax.Regexp
	var sources []string
	units := costOfParsing
	for _, p := range patterns {
		if p.regular() {
			trees = append(trees, p.tree)
			continue
		}
		sources = append(sources, "(?:"+p.source+")")
		units += costOfInstruction * p.states
	}

	if err := w.Spend(units); err != nil {
		return nil, err
	}

	// Parsing them together factors out common prefixes.
	if len(sources) > 0 {
		tree, err := parseTree(strings.Join(sources, "|"))
		if err != nil {
			return nil, err
		}
		trees = append(trees, tree)
	}

	tree := trees[0]
	if len(trees) > 1 {
		tree = &syntax.Regexp{Op: syntax.OpAlternate, Sub: trees}
	}

	w.trees[key] = tree
	return tree, nil
}

// parseTree returns the simplified syntax tree of a pattern's source, as syntax.Compile requires it.
func parseTree(source string) (*syntax.Regexp, error) {
	tree, err := syntax.Parse(source, syntax.Perl)
	if err != nil {
		return nil, err
	}
	return tree.Simplify(), nil
}

func mustTree(source string) *syntax.Regexp {
	tree, err := parseTree(source)
	if err != nil {
		panic(err)
	}
	return tree
}
