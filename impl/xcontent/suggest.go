package xcontent

import "strings"

// maxGuessed is how long, in bytes, a name is that something like it is looked for.
const maxGuessed = 64

// hint asks for the name that was probably meant, as Elasticsearch does.
func hint(name string, known []string) string {
	if best := Suggest(name, known); best != "" {
		return " did you mean [" + best + "]?"
	}
	return ""
}

// Suggest returns the known name that is most like another, or "" if none is: less than half of the longer of the two would
// have to be written otherwise (Elasticsearch's measure).
func Suggest(name string, known []string) string {
	best, least := "", 1.0
	if len(name) > maxGuessed {
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

// distance is how many letters have to be put in, taken out or replaced to make one text another (Levenshtein's).
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
