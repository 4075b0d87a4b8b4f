package interop

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"time"
)

// patience is the time limit for a process to start or stop. It is generous, because machines are busy.
const patience = 90 * time.Second

// process is a process that the tests start and stop.
type process struct {
	cmd *exec.Cmd
	// out and log are its standard output and standard error.
	out, log ear
	ended    chan error
}

// newProcess prepares a process with additional environment variables.
func newProcess(environment []string, name string, arguments ...string) *process {
	p := &process{cmd: exec.Command(name, arguments...), ended: make(chan error, 1)}
	p.cmd.Env = append(os.Environ(), "TMPDIR="+scratch)
	p.cmd.Env = append(p.cmd.Env, environment...)
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.log
	return p
}

// ear is a writer that collects output and finds the first match of a pattern.
type ear struct {
	heard  bytes.Buffer
	wanted *regexp.Regexp
	found  chan []string
}

func (e *ear) listen(wanted string) <-chan []string {
	e.wanted, e.found = regexp.MustCompile(wanted), make(chan []string, 1)
	return e.found
}

// String returns the whole output. The process must have exited.
func (e *ear) String() string { return e.heard.String() }

// Write implements io.Writer.
func (e *ear) Write(text []byte) (int, error) {
	e.heard.Write(text)
	if e.wanted != nil {
		if found := e.wanted.FindStringSubmatch(e.heard.String()); found != nil {
			e.found <- found
			e.wanted = nil
		}
	}
	return len(text), nil
}

// start starts the process, and returns the match of the pattern in its output.
func (p *process) start(heard <-chan []string) ([]string, error) {
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { p.ended <- p.cmd.Wait() }()
	late := time.AfterFunc(patience, p.kill)
	defer late.Stop()
	select {
	case found := <-heard:
		return found, nil
	case err := <-p.ended:
		return nil, fmt.Errorf("%s does not start: %w\n%s\n%s", p.cmd.Path, err, &p.out, &p.log)
	}
}

func (p *process) kill() { p.cmd.Process.Kill() } //nolint:errcheck // it may have ended

// stop stops a server, and returns an error if its exit code is not 0, or if it panicked or raced.
func (p *process) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	late := time.AfterFunc(patience, p.kill)
	defer late.Stop()
	err := <-p.ended
	for _, sign := range []string{"DATA RACE", "panic", "goroutine "} {
		if strings.Contains(p.log.String(), sign) {
			err = errors.Join(err, errors.New("the server wrote "+sign))
		}
	}
	if err != nil {
		return fmt.Errorf("the server: %w\n%s", err, &p.log)
	}
	return nil
}
