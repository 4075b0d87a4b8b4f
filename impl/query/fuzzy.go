package query

import "unicode/utf8"

const (
	// maxDistance is the largest edit distance of a fuzzy word.
	maxDistance = 2
	// maxFuzzyBytes is the length of the longest word, in bytes, that is matched fuzzily. Longer words must be equal.
	maxFuzzyBytes = 256
)

// newFuzzy returns a test for texts within an edit distance of a word. An edit inserts, deletes or replaces one
// character or swaps two neighbours. The test also returns the units of work that it took.
func newFuzzy(word string, distance int) func(string) (matched bool, units int) {
	want := []rune(word)
	return func(text string) (bool, int) {
		if text == word {
			return true, 0
		}
		if len(word) > maxFuzzyBytes || len(text) > utf8.UTFMax*(maxFuzzyBytes+distance) {
			return false, 0
		}

		given := []rune(text)
		if len(given)-len(want) > distance || len(want)-len(given) > distance {
			return false, len(text)
		}

		// A cell of the table takes longer than comparing a character.
		return withinDistance(want, given, distance), len(text) + 2*len(want)*(2*distance+1)
	}
}

// withinDistance computes the table of edit distances between the prefixes of two words row by row. It fills only the
// cells near the diagonal: all others exceed the distance.
func withinDistance(a, b []rune, distance int) bool {
	far := distance + 1
	before, last, row := newTableRow(len(b), far), newTableRow(len(b), far), newTableRow(len(b), far)
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

// newTableRow returns a row of cells that are all too far.
func newTableRow(length, far int) []int {
	line := make([]int, length+1)
	for j := range line {
		line[j] = far
	}
	return line
}
