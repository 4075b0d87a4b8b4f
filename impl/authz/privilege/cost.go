package privilege

import "strings"

// MaxCost bounds the cost of roles in one request. It allows tens of thousands of names or thousands of wildcard
// patterns. Compiled roles at the bound take some megabytes while they are cached.
const MaxCost = 50_000

const (
	costOfName = 1
	// costOfExpression is the cost of a pattern with an expression, in addition to its length.
	costOfExpression = 16
	costOfEntry      = 4
	costOfRole       = 8
)

// Cost estimates the time and memory to compile the role. It compiles nothing, because a short regular expression can
// describe a large automaton.
func (r Role) Cost() int {
	cost := costOfRole + costs(r.Cluster) + costs(r.RunAs)
	for _, entry := range r.Indices {
		cost += costOfEntry + costs(entry.Names) + costs(entry.Privileges)
	}

	for _, entry := range r.Applications {
		cost += costOfEntry + CostOfPattern(entry.Application) + costs(entry.Privileges) + costs(entry.Resources)
	}

	return cost
}

func costs(patterns []string) int {
	sum := 0
	for _, p := range patterns {
		sum += CostOfPattern(p)
	}
	return sum
}

// CostOfPattern returns what one pattern adds to the cost of a role.
func CostOfPattern(text string) int {
	if check(text) != nil {
		// An invalid pattern is refused before it is compiled.
		return costOfName
	}

	if inner, regular := strings.CutPrefix(text, "/"); regular {
		p, err := translate(strings.TrimSuffix(inner, "/"))
		if err != nil {
			return costOfExpression
		}

		size := 1
		// The ranges of a class are stored in one instruction.
		if strings.Contains(inner, "[") {
			size += len(inner) / 64
		}

		return costOfExpression + p.states*size
	}

	if wild := strings.IndexAny(text, "*?"); wild < 0 || wild == len(text)-1 && text[wild] == '*' {
		return costOfName
	}

	return costOfExpression + len(text)
}

// Cost returns the cost of the roles from which the set was compiled.
func (s *Set) Cost() int { return s.cost }
