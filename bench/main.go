package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

// plan says how long the run is.
type plan struct {
	rounds int
	// load is how long each server is under load in a round.
	load time.Duration
	// ratios is the number of ratios of a benchmark in a round: -benchtime, such as 60x.
	ratios string
	// postgres is the URL of a database in which a schema can be created; "" for none.
	postgres string
}

func main() {
	var p plan
	flag.IntVar(&p.rounds, "rounds", 5, "rounds of which the medians are printed")
	flag.DurationVar(&p.load, "load", time.Second, "how long each server is under load in a round")
	flag.StringVar(&p.ratios, "ratios", "60x", "ratios of each benchmark in a round, as for go test -benchtime")
	flag.StringVar(&p.postgres, "postgres", os.Getenv("SALLYPORT_TEST_POSTGRES"),
		"URL of a PostgreSQL database; none if empty")
	address := flag.String("bare", "", "address at which to serve the answers on the standard input without a framework")
	flag.Parse()

	run := func() error { return serveBare(*address, os.Stdin) }
	if *address == "" {
		run = func() error { return measure(p) }
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// measure prints what a run finds. It needs a temporary folder.
func measure(p plan) (err error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	folder, err := os.MkdirTemp("", "sallyport-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder) //nolint:errcheck // the system cleans its folder for temporary files

	before, began := loadAverage(), time.Now()
	b := &bench{
		plan:       p,
		folder:     folder,
		program:    filepath.Join(folder, "sallyport"),
		benchmarks: []benchmark{ece, elastic, others},
		results:    results{},
	}
	defer func() { err = errors.Join(err, b.close(context.WithoutCancel(ctx))) }()
	if err := b.prepare(ctx); err != nil {
		return err
	}
	for round := range p.rounds {
		fmt.Fprintf(os.Stderr, "round %d of %d\n", round+1, p.rounds)
		if err := b.round(ctx); err != nil {
			return err
		}
	}
	if err := b.measureMemory(); err != nil {
		return err
	}

	fmt.Printf("Medians of %d rounds (lowest to highest) in %s, with %s on %d processors; load average %s, then %s.\n",
		p.rounds, time.Since(began).Round(time.Second), runtime.Version(), runtime.NumCPU(), before, loadAverage())
	return b.results.print(os.Stdout)
}

func loadAverage() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	return strings.Join(strings.Fields(string(text))[:3], " ")
}

// bench is a run.
type bench struct {
	plan
	folder, program string
	benchmarks      []benchmark
	stores          []*served
	starts          []start
	// idle is a server that gets no requests, of which the memory is measured at the end.
	idle    *child
	results results
}

// prepare builds what is measured, and starts the servers.
func (b *bench) prepare(ctx context.Context) error {
	if _, err := output(ctx, "..", "go", "build", "-trimpath", "-o", b.program, "./cmd/sallyport"); err != nil {
		return err
	}
	for i, of := range b.benchmarks {
		if _, err := output(ctx, of.module, "go", "test", "-c", "-o", of.binary(b.folder), of.path); err != nil {
			return fmt.Errorf("%s: %w", b.benchmarks[i].path, err)
		}
	}

	existing := newFile(b.folder, "existing.db")
	b.starts = []start{{"serve", &existing}, {"dev", nil}}
	if err := b.starts[0].measure(ctx, b.program, b.folder, results{}); err != nil {
		return err
	}
	// Configured passwords would be compared at each start, which costs a hash each.
	configured := func(setting string) bool { return strings.Contains(setting, "_PASSWORD=") }
	existing.settings = slices.DeleteFunc(existing.settings, configured)

	// A server on a database of its own, because a start reads what another one has written.
	idle := newFile(b.folder, "idle.db")
	var err error
	if b.idle, _, err = (start{"idle", &idle}).begin(ctx, b.program, b.folder); err != nil {
		return err
	}

	stores := []database{newFile(b.folder, "load.db")}
	if b.postgres != "" {
		schema, err := newSchema(ctx, b.postgres)
		if err != nil {
			return err
		}
		stores = append(stores, schema)
	}
	for _, store := range stores {
		s := &served{store: store}
		b.stores = append(b.stores, s)
		if err := s.begin(ctx, b.program, b.folder); err != nil {
			return fmt.Errorf("%s: %w", store.name, err)
		}
	}
	return nil
}

// round measures everything once.
func (b *bench) round(ctx context.Context) error {
	for _, of := range b.benchmarks {
		if err := of.run(ctx, b.folder, b.ratios, b.results); err != nil {
			return fmt.Errorf("%s: %w", of.path, err)
		}
	}
	for _, s := range b.stores {
		if err := s.measure(ctx, b.load, b.results); err != nil {
			return fmt.Errorf("%s: %w", s.store.name, err)
		}
	}
	for range startsPerRound {
		for _, s := range b.starts {
			if err := s.measure(ctx, b.program, b.folder, b.results); err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
		}
	}
	return nil
}

// A start is short, and its time varies more than others.
const startsPerRound = 3

func (b *bench) measureMemory() error {
	resident, anonymous, err := b.idle.memory()
	b.results.add(resident, "idle", "resident")
	b.results.add(anonymous, "idle", "anonymous")
	return err
}

// close stops all servers.
func (b *bench) close(ctx context.Context) error {
	failed := b.idle.stop()
	for _, s := range b.stores {
		failed = errors.Join(failed, s.stop(ctx))
	}
	return failed
}
