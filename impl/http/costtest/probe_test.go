package costtest

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// probedPackages are the packages with counted basic blocks: those that process input of callers.
const probedPackages = "github.com/sallyport/sallyport/impl/...,github.com/sallyport/sallyport/gen/ece," +
	"github.com/getkin/kin-openapi/...,github.com/labstack/echo/...,github.com/oapi-codegen/runtime/...," +
	"github.com/beevik/etree,github.com/russellhaering/goxmldsig/...,github.com/golang-jwt/jwt/..."

// program is the probe's path and what came of building it, once for all tests.
var program struct {
	once sync.Once
	path string
	err  error
}

func TestMain(m *testing.M) {
	code := m.Run()
	_ = os.RemoveAll(filepath.Dir(program.path))
	os.Exit(code)
}

// built returns the path of the probe. It is never built with the race detector, which would change every figure.
func built(tb testing.TB) string {
	tb.Helper()
	program.once.Do(func() {
		// Temporary files may be in memory, where a program cannot always be executed.
		//nolint:usetesting // the program outlives the test that builds it
		directory, err := os.MkdirTemp(os.Getenv("GOTMPDIR"), "costtest")
		if err != nil {
			program.err = err
			return
		}
		program.path = filepath.Join(directory, "probe")
		out, err := exec.CommandContext(context.Background(), "go", "build", "-cover", "-covermode=atomic",
			"-coverpkg="+probedPackages, "-o", program.path, "./probe").CombinedOutput()
		if err != nil {
			program.err = fmt.Errorf("go build: %w\n%s", err, out)
		}
	})
	if program.err != nil {
		tb.Fatal(program.err)
	}
	return program.path
}

// probe is a process that serves requests and reports their cost.
type probe struct {
	tb       testing.TB
	in       *json.Encoder
	out      *json.Decoder
	path     string // of the database
	template string // what the database is reset to
}

// startProbe starts a probe on a database, which may not exist yet.
func startProbe(tb testing.TB, database string) *probe {
	tb.Helper()
	command := exec.CommandContext(tb.Context(), built(tb), "-store", "sqlite:"+database)
	command.Env = append(os.Environ(), "GOCOVERDIR="+tb.TempDir())
	command.Stderr = os.Stderr
	in, err := command.StdinPipe()
	if err != nil {
		tb.Fatal(err)
	}
	out, err := command.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := command.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		_ = in.Close()
		_ = command.Wait()
	})
	p := &probe{tb: tb, in: json.NewEncoder(in), out: json.NewDecoder(bufio.NewReader(out)), path: database}
	p.do(Request{Open: true})
	return p
}

// do has the probe serve a request.
func (p *probe) do(r Request) Response {
	p.tb.Helper()
	if err := p.in.Encode(r); err != nil {
		p.tb.Fatalf("%s %.200s: the probe has ended: %v", r.Method, r.Target, err)
	}
	var answer Response
	if err := p.out.Decode(&answer); err != nil {
		p.tb.Fatalf("%s %.200s %.200s: the probe has ended: %v", r.Method, r.Target, r.Body, err)
	}
	return answer
}

// must serves a request that has to succeed, and returns the members of the answer.
func (p *probe) must(method, target string, header http.Header, body string) map[string]any {
	p.tb.Helper()
	answer := p.do(Request{Method: method, Target: target, Header: asJSON(header), Body: []byte(body), Keep: true})
	var members map[string]any
	if err := json.Unmarshal(answer.Body, &members); answer.Status >= http.StatusBadRequest || err != nil {
		p.tb.Fatalf("%s %s: %d %.500s (%v)", method, target, answer.Status, answer.Body, err)
	}
	return members
}

// asJSON returns a header that says that the body is JSON.
func asJSON(header http.Header) http.Header {
	header = header.Clone()
	if header == nil {
		header = http.Header{}
	}
	header.Set("Content-Type", "application/json")
	return header
}

// save makes what the database holds now that to which reset returns.
func (p *probe) save(edit func(path string)) {
	p.tb.Helper()
	p.do(Request{Close: true})
	edit(p.path)
	p.template = p.path + ".template"
	p.copy(p.path, p.template)
	p.do(Request{Open: true})
}

// reset gives the database back what save found, so that what one operation leaves behind does not change what
// another costs.
func (p *probe) reset() {
	p.tb.Helper()
	p.do(Request{Close: true})
	for _, rest := range []string{"-wal", "-shm"} {
		_ = os.Remove(p.path + rest)
	}
	p.copy(p.template, p.path)
	p.do(Request{Open: true})
}

func (p *probe) copy(from, to string) {
	p.tb.Helper()
	source, err := os.Open(from)
	if err != nil {
		p.tb.Fatal(err)
	}
	defer source.Close() //nolint:errcheck // it was read
	target, err := os.Create(to)
	if err != nil {
		p.tb.Fatal(err)
	}
	if _, err := io.Copy(target, source); err != nil {
		p.tb.Fatal(err)
	}
	if err := target.Close(); err != nil {
		p.tb.Fatal(err)
	}
}

// size words a number of bytes or blocks.
func size(n int64) string {
	switch {
	case n >= 10<<20:
		return fmt.Sprintf("%dM", n>>20)
	case n >= 10<<10:
		return fmt.Sprintf("%dK", n>>10)
	}
	return fmt.Sprint(n)
}
