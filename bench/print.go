package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// comparison is a row of the table of validation: the series of this server, the name of the exchange with the others,
// and the series of the server that checks responses, if there is one.
type comparison struct {
	name     string
	ours     string
	exchange string
	checking string
}

var comparisons = []comparison{
	{"GET account", key("ece", "Validation", "GET account", "compiled"), "GET account",
		key("ece", "Validation", "GET account", "responses")},
	{"login", key("ece", "Validation", "login", "compiled"), "login", key("ece", "Validation", "login", "responses")},
	{"bulk update of 2 kB, decoded", key("elastic", "Validation", "decoded", "compiled"), "bulk update", ""},
	{"… read to the domain's type", key("elastic", "Validation", "read", "compiled"), "bulk update", ""},
}

// The units of benchmarks.
const (
	ratio          = "ratio"
	allocs         = "allocs/request"
	allocsBaseline = "allocs/baseline"
)

// print prints all tables.
func (r results) print(out io.Writer) error {
	var text strings.Builder
	r.printValidation(&text)
	r.printRest(&text)
	for _, store := range []string{"SQLite", "PostgreSQL"} {
		r.printServed(&text, store)
	}
	r.printStarts(&text)
	_, err := io.WriteString(out, text.String())
	return err
}

// table begins a table.
func table(to *strings.Builder, columns ...string) {
	fmt.Fprintf(to, "\n| %s |\n|%s\n", strings.Join(columns, " | "), strings.Repeat("---|", len(columns)))
}

func row(to *strings.Builder, cells ...string) {
	fmt.Fprintf(to, "| %s |\n", strings.Join(cells, " | "))
}

func (r results) printValidation(to *strings.Builder) {
	fmt.Fprintf(to, "\n### The generated server without a store\n")
	table(to, "time", "÷ baseline", "÷ stock middleware", "÷ ogen", "÷ bare net/http", "responses checked ÷ not")
	for _, c := range comparisons {
		ours, cells := r.of(c.ours, ratio), []string{c.name}
		cells = append(cells, ours.spread("%.2f"))
		for _, other := range []string{"stock", "ogen", "bare"} {
			cells = append(cells, ours.over(r.of("others", "Validation", c.exchange, other, ratio)).spread("%.2f"))
		}
		row(to, append(cells, r.of(c.checking, ratio).spread("%.2f"))...)
	}

	table(to, "allocations", "this server", "baseline", "stock middleware", "ogen", "bare net/http")
	for _, c := range comparisons {
		cells := []string{c.name, r.of(c.ours, allocs).middle("%.0f"), r.of(c.ours, allocsBaseline).middle("%.0f")}
		for _, other := range []string{"stock", "ogen", "bare"} {
			cells = append(cells, r.of("others", "Validation", c.exchange, other, allocs).middle("%.0f"))
		}
		row(to, cells...)
	}
}

// printRest prints the ratios of benchmarks that the table of validation does not have.
func (r results) printRest(to *strings.Builder) {
	table(to, "other benchmark", "ratio", "allocations")
	for _, name := range slices.Sorted(maps.Keys(r)) {
		name, found := strings.CutSuffix(name, "/"+ratio)
		shown := func(c comparison) bool { return name == c.ours || name == c.checking }
		if found && !strings.HasPrefix(name, others.name+"/") && !slices.ContainsFunc(comparisons, shown) {
			row(to, name, r.of(name, ratio).spread("%.2f"), r.of(name, allocs).middle("%.0f"))
		}
	}
}

func (r results) printServed(to *strings.Builder, store string) {
	if r.of(store, reads[0].name, "ours", perSecond) == nil {
		return
	}
	fmt.Fprintf(to, "\n### The whole server on %s, %d connections\n", store, connections)
	table(to, "", "requests per second ÷ bare net/http", "requests per second", "… of the bare server",
		"50th, 99th percentile in ms", "… of the bare server")
	for _, read := range reads {
		of := func(kind, unit string) series { return r.of(store, read.name, kind, unit) }
		times := func(kind string) string {
			return of(kind, half).middle("%.2f") + ", " + of(kind, most).middle("%.1f")
		}
		row(to, read.name, of("ours", perSecond).over(of("bare", perSecond)).spread("%.2f"),
			of("ours", perSecond).middle("%.0f"), of("bare", perSecond).middle("%.0f"), times("ours"), times("bare"))
	}

	served := func(name string) series { return r.of(store, name, "ours", perSecond) }
	table(to, "", "requests per second ÷ "+reads[0].name)
	row(to, introspection, served(introspection).over(served(reads[0].name)).spread("%.2f"))
}

func (r results) printStarts(to *strings.Builder) {
	fmt.Fprintf(to, "\n### Start and idle memory\n")
	table(to, "", "median (lowest to highest)")
	for _, name := range []string{"serve", "dev"} {
		row(to, "`"+name+"`, time to the answer", r.of(name, "time").spread("%.0f")+" ms")
		row(to, "`"+name+"`, processor time", r.of(name, "processor time").spread("%.0f")+" ms")
	}
	row(to, "idle, resident", r.of("idle", "resident").middle("%.1f")+" MiB")
	row(to, "idle, resident without files", r.of("idle", "anonymous").middle("%.1f")+" MiB")
}
