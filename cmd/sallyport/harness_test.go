package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is the time limit of each wait in a test. It is generous, because machines are busy.
const patience = 90 * time.Second

// program is the path of the program under test.
var program string

// programVariable is the environment variable with this path, for a test that runs in its own process.
const programVariable = "SALLYPORT_TEST_PROGRAM"

func TestMain(m *testing.M) { os.Exit(buildAndRun(m)) }

func buildAndRun(m *testing.M) int {
	if program = os.Getenv(programVariable); program != "" {
		return m.Run()
	}
	// Temporary files may be in memory, where a program cannot always be executed.
	folder, err := os.MkdirTemp(os.Getenv("GOTMPDIR"), "sallyport-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(folder) //nolint:errcheck // the system cleans its folder for temporary files
	program = filepath.Join(folder, "sallyport")
	arguments := []string{"build", "-buildvcs=false", "-o", program}
	if raceDetector {
		arguments = append(arguments, "-race")
	}
	if out, err := exec.Command("go", append(arguments, ".")...).CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// invocation describes how the program is started.
type invocation struct {
	args  []string
	stdin string
	// env is added to an environment without settings, except that it disables the admin listener, which would have
	// the same address in all processes.
	env []string
	// dir is the working directory; a new one if empty.
	dir string
	// program is the program's path; that of the program under test if empty.
	program string
}

func (i invocation) command(ctx context.Context, t *testing.T) *exec.Cmd {
	cmd := exec.CommandContext(ctx, cmp.Or(i.program, program), i.args...)
	ours := func(variable string) bool { return strings.HasPrefix(variable, "SALLYPORT_") }
	inherited := slices.DeleteFunc(os.Environ(), ours)
	// the race detector waits for a second else
	cmd.Env = slices.Concat([]string{"GORACE=atexit_sleep_ms=0", "SALLYPORT_ADMIN_LISTEN="}, inherited, i.env)
	cmd.Stdin = strings.NewReader(i.stdin)
	cmd.Dir = i.dir
	if cmd.Dir == "" {
		cmd.Dir = t.TempDir()
	}
	return cmd
}

// outcome is the result of a program that has exited.
type outcome struct {
	code           int
	stdout, stderr string
}

// run runs the program until it exits.
func run(t *testing.T, i invocation) outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := i.command(ctx, t)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) || ctx.Err() != nil {
		t.Fatalf("%v: %v", i.args, errors.Join(err, ctx.Err()))
	}
	checkSound(t, stderr.String())
	return outcome{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// checkSound fails the test if the program panicked or the race detector found a race.
func checkSound(t *testing.T, output string) {
	t.Helper()
	for _, sign := range []string{"DATA RACE", "panic:", "goroutine 1 ["} {
		if strings.Contains(output, sign) {
			t.Errorf("the program wrote %q:\n%s", sign, output)
		}
	}
}

// process is a running program.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	output *transcript
	exited chan struct{}
	// url is the base URL that it serves.
	url string
}

// start starts a program that serves, and waits for the line with its URL: the group of the pattern.
func start(t *testing.T, i invocation, where *regexp.Regexp) *process {
	t.Helper()
	p := launch(t, i)
	p.url = p.waitFor(where)
	return p
}

// launch starts the program without waiting.
func launch(t *testing.T, i invocation) *process {
	t.Helper()
	return supervise(t, i.command(context.Background(), t)) // the context of t is done before its cleanups
}

// supervise starts a command, and stops it at the end of the test.
func supervise(t *testing.T, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{t: t, cmd: cmd, output: &transcript{changed: make(chan struct{}, 1)}, exited: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = p.output, p.output
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.cmd.Wait() //nolint:errcheck // the exit code is read from the state
		close(p.exited)
	}()
	t.Cleanup(p.end)
	return p
}

func (p *process) end() {
	p.signal(syscall.SIGKILL)
	<-p.exited
	checkSound(p.t, p.output.String())
	if p.t.Failed() {
		p.t.Logf("%v wrote:\n%s", p.cmd.Args[1:], p.output)
	}
}

// waitFor waits until the program writes a text that matches, and returns the last group of the match.
func (p *process) waitFor(pattern *regexp.Regexp) string {
	p.t.Helper()
	deadline := time.After(patience)
	for {
		over := p.over()
		if found := pattern.FindStringSubmatch(p.output.String()); found != nil {
			return found[len(found)-1]
		}
		if over {
			p.t.Fatalf("the program ended without writing %q", pattern)
		}
		select {
		case <-p.output.changed:
		case <-p.exited:
		case <-deadline:
			p.t.Fatalf("the program does not write %q", pattern)
		}
	}
}

// over reports whether the program has exited and its whole output is in the transcript.
func (p *process) over() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

func (p *process) signal(s os.Signal) {
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.t.Errorf("signal %v: %v", s, err)
	}
}

// wait waits for the exit, and returns the exit code: -1 after a signal that the program does not handle.
func (p *process) wait() int {
	p.t.Helper()
	select {
	case <-p.exited:
	case <-time.After(patience):
		p.t.Fatal("the program does not end")
	}
	return p.cmd.ProcessState.ExitCode()
}

// stop sends SIGTERM, and fails the test unless the exit code is 0.
func (p *process) stop() {
	p.t.Helper()
	p.signal(syscall.SIGTERM)
	if code := p.wait(); code != 0 {
		p.t.Errorf("exit code %d after SIGTERM; want 0", code)
	}
}

// transcript is the output of a program so far. It is safe for concurrent use.
type transcript struct {
	mu      sync.Mutex
	text    strings.Builder
	changed chan struct{}
	// without matches lines that are omitted; nil if none are.
	without *regexp.Regexp
	line    []byte // the incomplete last line, if lines are omitted
}

// leaveOut omits matching lines from now on.
func (t *transcript) leaveOut(lines *regexp.Regexp) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.without = lines
}

// Write implements io.Writer.
func (t *transcript) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.keep(p)
	select {
	case t.changed <- struct{}{}:
	default:
	}
	return len(p), nil
}

func (t *transcript) keep(p []byte) {
	if t.without == nil {
		t.text.Write(p)
		return
	}
	for part := range bytes.Lines(p) {
		if t.line = append(t.line, part...); !bytes.HasSuffix(part, []byte("\n")) {
			return // the line is not complete yet
		}
		if !t.without.Match(t.line) {
			t.text.Write(t.line)
		}
		t.line = t.line[:0]
	}
}

// String implements fmt.Stringer.
func (t *transcript) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String()
}
