package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// onTerminal starts the program with a terminal as its standard streams, and returns it with the other side.
func onTerminal(t *testing.T, env []string, args ...string) (*process, *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("there are no terminals: %v", err)
	}
	t.Cleanup(func() { master.Close() }) //nolint:errcheck // the program has ended
	number, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	terminal, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}

	cmd := invocation{args: args, env: append([]string{"TERM=xterm"}, env...)}.command(context.Background(), t)
	p := &process{t: t, cmd: cmd, output: &transcript{changed: make(chan struct{}, 1)}, exited: make(chan struct{})}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = terminal, terminal, terminal
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if err := terminal.Close(); err != nil {
		t.Fatal(err)
	}
	go func() {
		text := make([]byte, 4096)
		for {
			n, err := master.Read(text)
			p.output.Write(text[:n]) //nolint:errcheck // it returns none
			if err != nil {          // the program has closed its side
				break
			}
		}
		cmd.Wait() //nolint:errcheck // the exit code is read from the state
		close(p.exited)
	}()
	t.Cleanup(p.end)
	return p, master
}

func enter(t *testing.T, terminal *os.File, text string) {
	t.Helper()
	if _, err := terminal.WriteString(text + "\n"); err != nil {
		t.Fatal(err)
	}
}

// Ensures that a new password is asked for twice on a terminal, without an echo.
func TestPassword_Terminal(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		second string
		code   int
		saying string
	}{
		"the same": {"a secret password", 0, "added the user bob"},
		"another":  {"another password", exitUsage, "the two passwords differ"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, terminal := onTerminal(t, nil, "user", "add", "bob", "--role", "ece_platform_viewer")
			p.waitFor(regexp.MustCompile("New password of bob: "))
			enter(t, terminal, "a secret password")
			p.waitFor(regexp.MustCompile("The same again: "))
			enter(t, terminal, c.second)
			if code := p.wait(); code != c.code || !strings.Contains(p.output.String(), c.saying) {
				t.Errorf("exit code %d: %s", code, p.output)
			}
			wantSilence(t, p.output.String(), "a secret password", "another password")
		})
	}
}

// Ensures that a signal ends the question for a password, and that the terminal has its echo again.
func TestPassword_Interrupted(t *testing.T) {
	t.Parallel()
	p, terminal := onTerminal(t, nil, "user", "add", "bob", "--role", "ece_platform_viewer")
	p.waitFor(regexp.MustCompile("New password of bob: "))
	p.signal(syscall.SIGTERM)
	const want = ": \r\n\x1b[31msallyport:\x1b[0m interrupted\r\n"
	if code := p.wait(); code != exitInterrupted || !strings.Contains(p.output.String(), want) {
		t.Errorf("exit code %d: %q", code, p.output)
	}
	state, err := unix.IoctlGetTermios(int(terminal.Fd()), unix.TCGETS)
	if err != nil || state.Lflag&unix.ECHO == 0 {
		t.Errorf("the terminal has no echo (%v)", err)
	}
}

// Ensures that a long step shows the time that has passed, and removes it in the end, and that a short one shows
// nothing.
func TestShowProgress(t *testing.T) {
	t.Parallel()
	shown := &transcript{changed: make(chan struct{}, 1)}
	err := showProgress(shown, "backing up", time.Millisecond, func() error {
		<-shown.changed
		return os.ErrExist
	})
	if got := shown.String(); !errors.Is(err, os.ErrExist) || !strings.HasPrefix(got, "\rbacking up … ") ||
		!strings.HasSuffix(got, "\r\x1b[K") {
		t.Errorf("%v, %q", err, got)
	}
	short := &transcript{changed: make(chan struct{}, 1)}
	if err := showProgress(short, "x", time.Hour, func() error { return nil }); err != nil || short.String() != "" {
		t.Errorf("%v, %q", err, short)
	}
}

// Ensures that a terminal gets colours unless NO_COLOR is set, and that pipes never do.
func TestTerminal_Colours(t *testing.T) {
	t.Parallel()
	dsn := newStore(t)
	addUser(t, dsn, alice)
	p, _ := onTerminal(t, nil, "user", "list", "--store", dsn)
	p.wait()
	if got := p.output.String(); !strings.Contains(got, "\x1b[1mNAME") {
		t.Errorf("the output is %q", got)
	}
	p, _ = onTerminal(t, []string{"NO_COLOR=1"}, "user", "list", "--store", dsn)
	p.wait()
	if got := p.output.String(); strings.Contains(got, "\x1b[1m") {
		t.Errorf("the output is %q", got)
	}
	if o := runUser(t, dsn, "", "list"); strings.Contains(o.stdout+o.stderr, "\x1b") {
		t.Errorf("the output is %q, %q", o.stdout, o.stderr)
	}
}

// Ensures that the password of a server's user is asked for on a terminal.
func TestServerPassword_Terminal(t *testing.T) {
	t.Parallel()
	_, _, asAlice, _ := targets(t)
	p, terminal := onTerminal(t, []string{clientUsernameVariable + "=" + alice.name},
		append([]string{"key", "list", "--mine"}, asAlice.args...)...)
	p.waitFor(regexp.MustCompile("Password of alice: "))
	enter(t, terminal, alice.password)
	if code := p.wait(); code != 0 || !strings.Contains(p.output.String(), "LAST USED") {
		t.Errorf("exit code %d: %s", code, p.output)
	}
}
