package interop

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

var (
	// program is the program under test, and scratch a folder for temporary files.
	program, scratch string
	// served is the server under test, which all tests share: they use different names.
	served server
)

// server is a running program and its first user, which has all privileges.
type server struct{ url, user, password string }

func TestMain(m *testing.M) { os.Exit(serveAndRun(m)) }

func serveAndRun(m *testing.M) int {
	var err error
	if scratch, err = os.MkdirTemp("", "sallyport-interop-"); err != nil {
		return refuse(err)
	}
	defer os.RemoveAll(scratch) //nolint:errcheck // it lies in the system's folder for temporary files
	program = filepath.Join(scratch, "sallyport")
	if err := build(); err != nil {
		return refuse(err)
	}
	p, err := startDev()
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

// build builds the program from the surrounding module.
func build() error {
	arguments := []string{"build", "-buildvcs=false", "-o", program}
	if raceDetector {
		arguments = append(arguments, "-race")
	}
	cmd := exec.Command("go", append(arguments, "./cmd/sallyport")...)
	cmd.Dir = ".."
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	return nil
}

// newServer prepares a run of the program. The race detector would wait for a second at its end.
func newServer(environment []string, arguments ...string) *process {
	return newProcess(append(environment, "GORACE=atexit_sleep_ms=0"), program, arguments...)
}

// greeting matches the output of dev when it serves.
const greeting = `database at (\S+) (?s:.*)demo user +(\S+) +(\S+) (?s:.*)demo API key +\S+\n`

// startDev starts the server that the tests share, with its own database, and waits until it serves.
func startDev() (*process, error) {
	p := newServer(nil, "dev", "--listen", "127.0.0.1:0")
	found, err := p.start(p.out.listen(greeting))
	if err == nil {
		served = server{url: found[1], user: found[2], password: found[3]}
	}
	return p, err
}
