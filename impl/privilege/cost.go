package privilege

import "strings"

// MaxCost bounds what roles that are sent together may cost. It is enough for tens of thousands of names, and for thousands
// of wildcard patterns; what is made of roles at the bound takes some megabytes, for as long as it is remembered.
const MaxCost = 50_000

const (
	costOfName = 1
	// costOfExpression is what a pattern costs that needs an expression, beside its length.
	costOfExpression = 16
	costOfEntry      = 4
	costOfRole       = 8
)

// Cost returns about how much time and memory it takes to compile the role. It is found without compiling anything, because
// a short regular expression can stand for a large automaton.
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

// CostOfPattern is what one pattern adds to the cost of a role.
func CostOfPattern(text string) int {
	if check(text) != nil {
		return costOfName // it is refused before anything is made of it
	}
	if inner, regular := strings.CutPrefix(text, "/"); regular {
		p, err := translate(strings.TrimSuffix(inner, "/"))
		if err != nil {
			return costOfExpression
		}
		size := 1
		if strings.Contains(inner, "[") { // an instruction has room for the ranges of a class
			size += len(inner) / 64
		}
		return costOfExpression + p.states*size
	}
	if wild := strings.IndexAny(text, "*?"); wild < 0 || wild == len(text)-1 && text[wild] == '*' {
		return costOfName
	}
	return costOfExpression + len(text)
}

// Cost is that of the roles that the set was compiled from.
func (s *Set) Cost() int { return s.cost }
