package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"github.com/sallyport/sallyport/impl/platform/printable"
)

// printer prints what a command lists or shows, in the format of --output.
type printer struct{ format string }

// add adds --output to a command.
func (p *printer) add(cmd *cobra.Command) {
	addOutput(cmd, &p.format, "format", "table", "json", "yaml")
}

// addText adds --output to a command that prints text where others print a table.
func (p *printer) addText(cmd *cobra.Command) {
	addOutput(cmd, &p.format, "format", "text", "json", "yaml")
}

// What commands print comes from databases and servers, in which others choose names and messages. So every text that
// a command prints goes through a function of this file, which escapes what could control the terminal.

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
		_, err := io.WriteString(w, printable.JSON(text.String()))
		return err
	}

	// JSON is YAML: the document keeps its members' order.
	var document yaml.Node
	if err := yaml.Unmarshal([]byte(printable.YAML(text.String())), &document); err != nil {
		return err
	}
	asBlock(&document)
	text.Reset()
	block := yaml.NewEncoder(&text)
	block.SetIndent(2)
	if err := errors.Join(block.Encode(&document), block.Close()); err != nil {
		return err
	}
	_, err := io.WriteString(w, printable.YAML(text.String()))
	return err
}

// asBlock makes YAML write a node that was read from JSON in lines of its own. Text with characters to escape stays in
// quotes.
func asBlock(node *yaml.Node) {
	escaped := node.Kind == yaml.ScalarNode && printable.Lines(node.Value) != node.Value
	if len(node.Content) > 0 || node.Kind == yaml.ScalarNode && !escaped {
		node.Style = 0
	}
	for _, inner := range node.Content {
		asBlock(inner)
	}
}

// printLine prints a line to standard output.
func printLine(cmd *cobra.Command, format string, args ...any) error {
	_, err := fmt.Fprintln(cmd.OutOrStdout(), printable.Text(fmt.Sprintf(format, args...)))
	return err
}

// printLines prints text of several lines, each of which ends.
func printLines(w io.Writer, format string, args ...any) error {
	_, err := io.WriteString(w, printable.Lines(fmt.Sprintf(format, args...)))
	return err
}

// note prints a line to standard error.
func note(cmd *cobra.Command, format string, args ...any) {
	cmd.PrintErrln(printable.Text(fmt.Sprintf(format, args...)))
}

// warn prints a warning to standard error.
func warn(cmd *cobra.Command, format string, args ...any) {
	text := printable.Lines(fmt.Sprintf(format, args...))
	cmd.PrintErrln(styleOf(cmd.ErrOrStderr()).warning("warning:"), text)
}

// printError prints the error of a command.
func printError(w io.Writer, err error) {
	//nolint:errcheck // there is no other place to report an error to
	fmt.Fprintln(w, styleOf(w).failure("sallyport:"), printable.Lines(describe(err)))
}

// printTitled prints a table with a row of titles, and "-" in empty cells.
func printTitled(w io.Writer, rows [][]string) error {
	for _, row := range rows {
		for i, cell := range row {
			row[i] = cmp.Or(cell, "-")
		}
	}
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
		cells := make([]string, len(row))
		for i, cell := range row {
			cells[i] = printable.Text(cell)
		}
		if _, err := fmt.Fprintln(table, strings.Join(cells, "\t")); err != nil {
			return err
		}
	}
	return table.Flush()
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

// quantity returns a number with a noun, which is in the plural unless the number is 1.
func quantity(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// orEmpty returns a list that JSON does not show as null.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
