package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"
)

// printer prints what a command lists or shows, in the format of --output.
type printer struct{ format string }

// add adds --output to a command.
func (p *printer) add(cmd *cobra.Command) {
	addChoice(cmd, &p.format, "output", "format", "table", "json", "yaml")
}

// print prints a value as JSON or YAML, or the rows of a table, of which the first has the titles.
func (p *printer) print(cmd *cobra.Command, value any, rows [][]string) error {
	if p.format == "table" {
		return printTitled(cmd.OutOrStdout(), rows)
	}
	return p.write(cmd.OutOrStdout(), value)
}

// write writes a value as JSON or YAML.
func (p *printer) write(w io.Writer, value any) error {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false) // users copy URLs
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(value); err != nil {
		return err
	}
	if p.format == "json" {
		_, err := text.WriteTo(w)
		return err
	}

	// JSON is YAML: the document keeps its members' order.
	var document yaml.Node
	if err := yaml.Unmarshal(text.Bytes(), &document); err != nil {
		return err
	}
	asBlock(&document)
	block := yaml.NewEncoder(w)
	block.SetIndent(2)
	if err := block.Encode(&document); err != nil {
		return err
	}
	return block.Close()
}

// asBlock makes YAML write a node that was read from JSON in lines of its own.
func asBlock(node *yaml.Node) {
	if len(node.Content) > 0 || node.Kind == yaml.ScalarNode {
		node.Style = 0
	}
	for _, inner := range node.Content {
		asBlock(inner)
	}
}

func printLine(cmd *cobra.Command, format string, args ...any) error {
	_, err := fmt.Fprintf(cmd.OutOrStdout(), format+"\n", args...)
	return err
}

// warn prints a warning to standard error.
func warn(cmd *cobra.Command, format string, args ...any) {
	cmd.PrintErrln(styleOf(cmd.ErrOrStderr()).warning("warning:"), fmt.Sprintf(format, args...))
}

// printTitled prints a table with a row of titles.
func printTitled(w io.Writer, rows [][]string) error {
	var text bytes.Buffer
	if err := printTable(&text, rows); err != nil {
		return err
	}
	titles, rest, _ := strings.Cut(text.String(), "\n")
	_, err := fmt.Fprintf(w, "%s\n%s", styleOf(w).title(titles), rest)
	return err
}

func printTable(w io.Writer, rows [][]string) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		if _, err := fmt.Fprintln(table, strings.Join(row, "\t")); err != nil {
			return err
		}
	}
	return table.Flush()
}

// printable escapes control characters, which could move the terminal's cursor.
func printable(text string) string {
	if text == "" {
		return "-"
	}
	quoted := strconv.Quote(text)
	return quoted[1 : len(quoted)-1]
}

// maxColumn is the length of a column's text in characters, above which abbreviate cuts it.
const maxColumn = 60

// abbreviate cuts a long text for a table; JSON and YAML have all of it.
func abbreviate(text string) string {
	characters := []rune(text)
	if len(characters) <= maxColumn {
		return text
	}
	return string(characters[:maxColumn-1]) + "…"
}

// formatTime formats a time for a table; the zero time is "-".
func formatTime(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(time.RFC3339)
}

// orEmpty returns a list that JSON does not show as null.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
