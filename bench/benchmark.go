package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// output runs a command in a folder, and returns what it writes.
func output(ctx context.Context, folder, name string, arguments ...string) (string, error) {
	command := exec.CommandContext(ctx, name, arguments...) //nolint:gosec // Go, or what it has built
	command.Dir = folder
	out, err := command.Output()
	if exit, failed := errors.AsType[*exec.ExitError](err); failed {
		return "", fmt.Errorf("%s: %w\n%s%s", name, err, out, exit.Stderr)
	}
	return string(out), err
}

// benchmark is the test program of a package with benchmarks that report ratios. Each alternates with what it compares
// with, in many short rounds of its own.
type benchmark struct{ name, module, path string }

var (
	ece     = benchmark{"ece", "..", "./impl/http/ece"}
	elastic = benchmark{"elastic", "..", "./impl/http/elastic"}
	// others are the servers that this one is compared with.
	others = benchmark{"others", ".", "."}
)

// binary returns the path of the test program.
func (b benchmark) binary(folder string) string { return filepath.Join(folder, b.name+".test") }

// benchmarkLine is a line of a test program's output: the name without the number of processors, and the values.
var benchmarkLine = regexp.MustCompile(`(?m)^Benchmark(\S+?)(?:-\d+)?\s+\d+\s(.*)$`)

// run adds the values of each benchmark, named by package, benchmark and unit.
func (b benchmark) run(ctx context.Context, folder, ratios string, to results) error {
	arguments := []string{"-test.run", "^$", "-test.bench", ".", "-test.benchtime", ratios}
	out, err := output(ctx, b.module, b.binary(folder), arguments...)
	if err != nil {
		return err
	}
	lines := benchmarkLine.FindAllStringSubmatch(out, -1)
	if lines == nil {
		return fmt.Errorf("no benchmark in %s", b.path)
	}
	for _, line := range lines {
		values := strings.Fields(line[2])
		for i := 0; i+1 < len(values); i += 2 {
			value, err := strconv.ParseFloat(values[i], 64)
			if err != nil {
				return fmt.Errorf("%q: %w", line[0], err)
			}
			to.add(value, b.name, strings.ReplaceAll(line[1], "_", " "), values[i+1])
		}
	}
	return nil
}
