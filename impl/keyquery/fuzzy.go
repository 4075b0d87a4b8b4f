package keyquery

import "unicode/utf8"

const (
	// maxDistance is how many characters a text may differ in.
	maxDistance = 2
	// longestFuzzy is the length of the longest word, in bytes, for which texts may differ at all.
	longestFuzzy = 256
)

// newFuzzy returns a test for texts that become the word by at most so many changes: a character more, less or another,
// or two neighbours swapped.
func newFuzzy(word string, distance int) func(string) bool {
	want := []rune(word)
	return func(text string) bool {
		if text == word {
			return true
		}
		if len(word) > longestFuzzy || len(text) > utf8.UTFMax*(longestFuzzy+distance) {
			return false
		}
		given := []rune(text)
		return len(given)-len(want) <= distance && len(want)-len(given) <= distance && near(want, given, distance)
	}
}

// near fills the table of distances between the beginnings of two words row by row, and of each row only the cells near
// the diagonal: all others are too far.
func near(a, b []rune, distance int) bool {
	far := distance + 1
	before, last, row := newLine(len(b), far), newLine(len(b), far), newLine(len(b), far)
	for j := range min(len(b), distance) + 1 {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := range row {
			row[j] = far
		}
		if i <= distance {
			row[0] = i
		}
		for j := max(1, i-distance); j <= min(len(b), i+distance); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost, far)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)] <= distance
}

func newLine(length, far int) []int {
	line := make([]int, length+1)
	for j := range line {
		line[j] = far
	}
	return line
}
