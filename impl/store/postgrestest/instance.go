package postgrestest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Instance is a test's own PostgreSQL server, with its data in a temporary folder. Unlike a shared one, it may be
// stopped.
type Instance struct {
	folder string
	// bin is the folder of PostgreSQL's programs.
	bin  string
	port int
	// owner is the user that the server runs as, nil for the current one. PostgreSQL refuses to run as root.
	owner  *syscall.Credential
	server *exec.Cmd
}

// NewInstance starts a server, which is stopped and removed when the test ends. If PostgreSQL's programs are not
// installed, the test is skipped, or fails if PostgreSQL is required.
func NewInstance(t testing.TB) *Instance {
	t.Helper()
	bin, err := programs()
	if err != nil && os.Getenv(Required) == "1" {
		t.Fatalf("PostgreSQL is required: %v", err)
	}
	if err != nil {
		t.Skipf("cannot start PostgreSQL for this test: %v", err)
	}

	i, err := initialize(bin)
	t.Cleanup(func() {
		if i.server != nil {
			i.Stop(t, Immediate)
		}
		if err := os.RemoveAll(i.folder); err != nil {
			t.Errorf("cannot remove the server's folder: %v", err)
		}
	})

	if err != nil {
		t.Fatal(err)
	}

	i.Start(t)
	return i
}

// programs returns the folder of PostgreSQL's programs: the one in PATH, else Debian's newest.
func programs() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path), nil
	}

	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err == nil && len(found) == 0 {
		err = errors.New("initdb is neither in PATH nor in /usr/lib/postgresql/*/bin")
	}
	if err != nil {
		return "", err
	}

	return filepath.Dir(found[len(found)-1]), nil
}

// initialize creates the data folder. With an error it returns the partial instance, to be removed.
func initialize(bin string) (*Instance, error) {
	i := &Instance{bin: bin}
	var err error
	if i.owner, err = owner(); err != nil {
		return i, err
	}
	if i.port, err = freePort(); err != nil {
		return i, err
	}
	if i.folder, err = os.MkdirTemp("", "sallyport-postgres-"); err != nil { // other users cannot enter t.TempDir
		return i, err
	}

	if i.owner != nil {
		if err := os.Chown(i.folder, int(i.owner.Uid), int(i.owner.Gid)); err != nil {
			return i, err
		}
	}

	out, err := i.command("initdb", "--pgdata", i.data(), "--username=postgres", "--auth=trust", "--encoding=UTF8",
		"--no-locale", "--no-sync").CombinedOutput()
	if err != nil {
		return i, fmt.Errorf("initdb: %w\n%s", err, out)
	}

	return i, nil
}

// owner returns the user to run a server as, nil for the current user. For root it is postgres, or else the least
// privileged account.
func owner() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}

	u, err := user.Lookup("postgres")
	if err != nil {
		if u, err = user.Lookup("nobody"); err != nil {
			return nil, err
		}
	}

	uid, uidErr := strconv.ParseUint(u.Uid, 10, 32)
	gid, gidErr := strconv.ParseUint(u.Gid, 10, 32)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, errors.Join(uidErr, gidErr)
}

// freePort returns a port below the range of outgoing connections, one of which could take the port while the server
// is stopped.
func freePort() (int, error) {
	for range 100 {
		port := 20_000 + rand.IntN(10_000) //nolint:gosec // it needs no secrecy
		l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			return port, l.Close()
		}
	}

	return 0, errors.New("no port is free")
}

func (i *Instance) data() string { return filepath.Join(i.folder, "data") }

func (i *Instance) command(name string, arguments ...string) *exec.Cmd {
	//nolint:gosec,noctx // it is a program of PostgreSQL, and Stop ends it
	cmd := exec.Command(filepath.Join(i.bin, name), arguments...)
	cmd.Dir = i.folder
	// an interrupt of the test does not stop the server first
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: i.owner, Setpgid: true}
	return cmd
}

// DSN returns the URL of the server's database.
func (i *Instance) DSN() string {
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres?sslmode=disable", i.port)
}

// Start starts the server and returns when it accepts connections. The address never changes.
func (i *Instance) Start(t testing.TB) {
	t.Helper()
	i.server = i.command("postgres", "-D", i.data(), "-p", strconv.Itoa(i.port), "-k", "",
		"-c", "listen_addresses=127.0.0.1",
		"-F") // without fsync: a server that crashes loses nothing, as long as the machine does not

	log, err := os.OpenFile(filepath.Join(i.folder, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}

	defer log.Close() //nolint:errcheck // the server has its own
	i.server.Stdout, i.server.Stderr = log, log
	if err := i.server.Start(); err != nil {
		t.Fatal(err)
	}

	deadline := time.Now().Add(patience)
	for err := i.ping(); err != nil; err = i.ping() {
		if time.Now().After(deadline) {
			t.Fatalf("PostgreSQL does not answer: %v\n%s", err, i.log())
		}
		time.Sleep(5 * time.Millisecond) // a process is awaited
	}
}

func (i *Instance) ping() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	connection, err := pgx.Connect(ctx, i.DSN())
	if err != nil {
		return err
	}

	return connection.Close(ctx)
}

func (i *Instance) log() string {
	text, err := os.ReadFile(filepath.Join(i.folder, "log"))
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// Signals that stop a server, with PostgreSQL's names.
const (
	// Fast aborts transactions and shuts down cleanly.
	Fast = syscall.SIGINT
	// Immediate is a crash: the next start recovers.
	Immediate = syscall.SIGQUIT
)

// Stop stops the server and returns when the process has ended.
func (i *Instance) Stop(t testing.TB, how syscall.Signal) {
	t.Helper()
	if err := i.server.Process.Signal(how); err != nil {
		t.Errorf("PostgreSQL cannot be stopped: %v", err)
	}
	if err := i.server.Wait(); err != nil && how == Fast {
		t.Errorf("PostgreSQL ended with %v\n%s", err, i.log())
	}

	i.server = nil
}
