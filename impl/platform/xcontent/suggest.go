package xcontent

import "strings"

// maxSuggestLength is the length in bytes above which no suggestion is made for a name. It bounds the cost of the
// comparison.
const maxSuggestLength = 64

// hint returns Elasticsearch's question for the name that was probably meant, or "".
func hint(name string, known []string) string {
	if best := Suggest(name, known); best != "" {
		return " did you mean [" + best + "]?"
	}
	return ""
}

// Suggest returns the known name that is most similar to name, or "". As in Elasticsearch, the edit distance must be
// less than half of the length of the longer of the two.
func Suggest(name string, known []string) string {
	best, least := "", 1.0
	if len(name) > maxSuggestLength {
		return best
	}

	for _, candidate := range known {
		a, b := strings.ToLower(name), strings.ToLower(candidate)
		difference := float64(distance(a, b)) / float64(max(len(a), len(b), 1))
		if difference < 0.5 && difference < least {
			best, least = candidate, difference
		}
	}
	return best
}

// distance returns the Levenshtein distance of two texts in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}

	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
