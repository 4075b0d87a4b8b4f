package main

import (
	"fmt"
	"slices"
	"strings"
)

// results are the values of each series, one or more per round. All series that are compared have the same number of
// values, and values of the same position were measured next to each other.
type results map[string]series

type series []float64

func key(name ...string) string { return strings.Join(name, "/") }

func (r results) add(value float64, name ...string) { r[key(name...)] = append(r[key(name...)], value) }

func (r results) of(name ...string) series { return r[key(name...)] }

// over returns the ratios of the values of each round.
func (s series) over(other series) series {
	var ratios series
	for i := range min(len(s), len(other)) {
		ratios = append(ratios, s[i]/other[i])
	}
	return ratios
}

func (s series) median() float64 {
	sorted := slices.Sorted(slices.Values(s))
	return (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
}

// spread returns the median, and the lowest and highest value, in a format of fmt.
func (s series) spread(format string) string {
	if len(s) == 0 {
		return ""
	}
	each := strings.ReplaceAll("# (# to #)", "#", format)
	return fmt.Sprintf(each, s.median(), slices.Min(s), slices.Max(s))
}

// middle returns the median in a format of fmt.
func (s series) middle(format string) string {
	if len(s) == 0 {
		return ""
	}
	return fmt.Sprintf(format, s.median())
}
