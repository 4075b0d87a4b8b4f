package keyquery

import "unicode/utf8"

const (
	// maxDistance is how many characters a text may differ in.
	maxDistance = 2
	// longestFuzzy is the length of the longest word, in bytes, for which texts may differ at all.
	longestFuzzy = 256
)

// newFuzzy returns a test for texts that become the word by at most distance changes: a character more, less or another,
// or two neighbours swapped. The test returns the units of work that it took, too.
func newFuzzy(word string, distance int) func(string) (matched bool, units int) {
	want := []rune(word)
	return func(text string) (bool, int) {
		if text == word {
			return true, 0
		}
		if len(word) > longestFuzzy || len(text) > utf8.UTFMax*(longestFuzzy+distance) {
			return false, 0
		}
		given := []rune(text)
		if len(given)-len(want) > distance || len(want)-len(given) > distance {
			return false, len(text)
		}
		return near(want, given, distance), len(text) + 2*len(want)*(2*distance+1) // a cell of the table takes longer than a character
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
