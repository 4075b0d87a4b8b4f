package interop

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience is how long the server may take to start. It is generous, because machines are busy.
const patience = 90 * time.Second

// served is the server under test, which all tests share: they keep out of each other's way by their names.
var served server

// server is where the program serves, and the user it was made with: one who may do everything.
type server struct{ url, user, password string }

func TestMain(m *testing.M) { os.Exit(serveAndRun(m)) }

func serveAndRun(m *testing.M) int {
	folder, err := os.MkdirTemp("", "sallyport-interop-")
	if err != nil {
		return refuse(err)
	}
	defer os.RemoveAll(folder) //nolint:errcheck // it lies in the system's folder for temporary files
	program := filepath.Join(folder, "sallyport")
	if err := build(program); err != nil {
		return refuse(err)
	}
	p, err := start(program, folder)
	if err != nil {
		return refuse(err)
	}
	code := m.Run()
	if err := p.stop(); err != nil {
		return refuse(err)
	}
	if code != 0 {
		fmt.Fprintf(os.Stderr, "the server wrote:\n%s", &p.log)
	}
	return code
}

func refuse(err error) int {
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// build builds the program from the module that this one is nested in.
func build(program string) error {
	arguments := []string{"build", "-buildvcs=false", "-o", program}
	if raceDetector {
		arguments = append(arguments, "-race")
	}
	cmd := exec.Command("go", append(arguments, "./cmd/sallyport")...)
	cmd.Dir = "../.."
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	return nil
}

// process is a server that runs.
type process struct {
	cmd *exec.Cmd
	log bytes.Buffer
}

// greeting is what dev prints once it serves.
var greeting = regexp.MustCompile(`database at (\S+) (?s:.*)demo user +(\S+) +(\S+) (?s:.*)demo API key +\S+\n`)

// start starts a server with a database of its own in the folder, and waits until it serves.
func start(program, folder string) (*process, error) {
	p := &process{cmd: exec.Command(program, "dev", "--listen", "127.0.0.1:0")}
	p.cmd.Env = append(os.Environ(), "TMPDIR="+folder, "GORACE=atexit_sleep_ms=0") // the race detector waits for a second else
	p.cmd.Stderr = &p.log
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	late := time.AfterFunc(patience, func() { p.cmd.Process.Kill() }) //nolint:errcheck // the greeting is missed then
	defer late.Stop()
	var printed strings.Builder
	for buffer := make([]byte, 4096); ; {
		n, err := out.Read(buffer)
		printed.Write(buffer[:n])
		if found := greeting.FindStringSubmatch(printed.String()); found != nil {
			served = server{url: found[1], user: found[2], password: found[3]}
			return p, nil
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("the server does not start: %w\n%s", err, &printed), p.stop())
		}
	}
}

// stop ends the server, and returns an error if it does not end well, or has panicked or raced.
func (p *process) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	late := time.AfterFunc(patience, func() { p.cmd.Process.Kill() }) //nolint:errcheck // the exit code tells
	defer late.Stop()
	err := p.cmd.Wait()
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
