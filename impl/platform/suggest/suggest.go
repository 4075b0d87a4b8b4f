// Package suggest finds the name that a user probably meant.
package suggest

import (
	"strings"
	"unicode/utf8"
)

// Nearest returns the name that differs least from the given one, or "" if all differ too much for a typing error: by
// more than a third of the given characters, rounded down, but at least one, or by more than three.
func Nearest(given string, names []string) string {
	best, least := "", min(3, max(1, utf8.RuneCountInString(given)/3))+1
	for _, name := range names {
		if d := distance(given, name); d < least {
			best, least = name, d
		}
	}
	return best
}

// Hint returns the end of an error's text that names the nearest name, or "" without one.
func Hint(given string, names []string) string { return HintAfter("", given, names) }

// HintAfter is Hint for names that all begin with a prefix, which does not count as a part of them.
func HintAfter(prefix, given string, names []string) string {
	rests := make([]string, len(names))
	for i, name := range names {
		rests[i] = strings.TrimPrefix(name, prefix)
	}
	if name := Nearest(strings.TrimPrefix(given, prefix), rests); name != "" {
		return "; did you mean " + prefix + name + "?"
	}
	return ""
}

// distance returns the number of characters to insert, delete, replace, or swap with the next, that turn a into b.
func distance(a, b string) int {
	from, to := []rune(a), []rune(b)
	table := make([][]int, len(from)+1)
	for i := range table {
		table[i] = make([]int, len(to)+1)
		table[i][0] = i
	}
	for j := range table[0] {
		table[0][j] = j
	}

	for i := 1; i <= len(from); i++ {
		for j := 1; j <= len(to); j++ {
			replaced := table[i-1][j-1]
			if from[i-1] != to[j-1] {
				replaced++
			}
			table[i][j] = min(table[i-1][j]+1, table[i][j-1]+1, replaced)
			if i > 1 && j > 1 && from[i-1] == to[j-2] && from[i-2] == to[j-1] {
				table[i][j] = min(table[i][j], table[i-2][j-2]+1)
			}
		}
	}
	return table[len(from)][len(to)]
}
