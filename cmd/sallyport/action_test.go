package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"go.yaml.in/yaml/v3"
)

// action is what action.yml may have, of GitHub's syntax of composite actions.
type action struct {
	Name, Description string
	Inputs            map[string]struct{ Description, Default string }
	Outputs           map[string]struct{ Description, Value string }
	Runs              struct {
		Using string
		Steps []actionStep
	}
}

type actionStep struct {
	Name, ID, Shell, Run string
	WorkingDirectory     string `yaml:"working-directory"`
	Env                  map[string]string
}

func readAction(t *testing.T) action {
	t.Helper()
	var a action
	decoder := yaml.NewDecoder(strings.NewReader(deployed(t, "../action.yml")))
	decoder.KnownFields(true)
	if err := decoder.Decode(&a); err != nil {
		t.Fatal(err)
	}
	return a
}

// writtenOutput is a line of a script that writes an output.
var writtenOutput = regexp.MustCompile(`echo "([\w-]+)=.*" >> "\$GITHUB_OUTPUT"`)

// expression is a part of action.yml that the runner replaces.
var expression = regexp.MustCompile(`\$\{\{ ([\w.-]+) \}\}`)

// Ensures that the action is a composite one with steps for bash, that every input reaches a step, that no script has
// an expression, because its value would be run, and that every output is one of a step.
func TestAction_Syntax(t *testing.T) {
	t.Parallel()
	a := readAction(t)
	if a.Runs.Using != "composite" || a.Name == "" || a.Description == "" {
		t.Errorf("the action %q uses %q; want a described composite action", a.Name, a.Runs.Using)
	}
	used, written := map[string]bool{}, map[string]bool{}
	for _, step := range a.Runs.Steps {
		if step.Shell != "bash" || strings.Contains(step.Run, "${{") {
			t.Errorf("%s: the shell is %q, and the script may have an expression: %s", step.Name, step.Shell, step.Run)
		}
		for _, value := range step.Env {
			if found := expression.FindStringSubmatch(value); found != nil {
				used[found[1]] = true
			}
		}
		for _, output := range writtenOutput.FindAllStringSubmatch(step.Run, -1) {
			written["${{ steps."+step.ID+".outputs."+output[1]+" }}"] = true
		}
	}
	for name, input := range a.Inputs {
		if !used["inputs."+name] || input.Description == "" {
			t.Errorf("the input %s is not used, or not described", name)
		}
	}
	for name, output := range a.Outputs {
		if !written[output.Value] || output.Description == "" {
			t.Errorf("the output %s is %s, which no step writes, or is not described", name, output.Value)
		}
	}
	if len(used) != len(a.Inputs) || len(written) != len(a.Outputs) {
		t.Errorf("the steps use %v and write %v", used, written)
	}
}

// job is what the steps of a job share on a runner.
type job struct {
	t           *testing.T
	temporary   string
	environment []string
}

// jobRun is the result of an action.
type jobRun struct {
	log                string
	err                error
	variables, outputs map[string]string
}

// run runs steps as a runner does, and stops what they started at the end of the test.
func (j job) run(steps []actionStep, inputs map[string]string) jobRun {
	t := j.t
	t.Helper()
	files := t.TempDir()
	replace := func(text string) string {
		return expression.ReplaceAllStringFunc(text, func(found string) string {
			name := expression.FindStringSubmatch(found)[1]
			if name == "github.action_path" {
				return "../.."
			}
			return inputs[strings.TrimPrefix(name, "inputs.")]
		})
	}

	var r jobRun
	var log bytes.Buffer
	for i, step := range steps {
		script := filepath.Join(files, fmt.Sprintf("step-%d.sh", i))
		writeFile(t, script, step.Run)
		cmd := exec.CommandContext(t.Context(), "bash", "--noprofile", "--norc", "-e", "-o", "pipefail", script)
		cmd.Dir = cmp.Or(replace(step.WorkingDirectory), j.temporary)
		cmd.Env = append(os.Environ(), "RUNNER_TEMP="+j.temporary, "TMPDIR="+j.temporary, "SALLYPORT_ADMIN_LISTEN=",
			"GITHUB_ENV="+filepath.Join(files, "env"), "GITHUB_OUTPUT="+filepath.Join(files, "output"))
		cmd.Env = append(cmd.Env, j.environment...)
		for name, value := range step.Env {
			cmd.Env = append(cmd.Env, name+"="+replace(value))
		}
		cmd.Stdout, cmd.Stderr = &log, &log
		if r.err = j.runGroup(cmd); r.err != nil {
			break
		}
	}
	r.log = log.String()
	r.variables, r.outputs = commandFile(t, filepath.Join(files, "env")), commandFile(t, filepath.Join(files, "output"))
	return r
}

// runGroup runs a command. At the end of the test it stops what the command started, and waits for it.
func (j job) runGroup(cmd *exec.Cmd) error {
	j.t.Helper()
	// The pipe is at its end when no process has it any longer.
	ended, held, err := os.Pipe()
	if err != nil {
		j.t.Fatal(err)
	}
	cmd.ExtraFiles, cmd.SysProcAttr = []*os.File{held}, &syscall.SysProcAttr{Setpgid: true}
	err = cmd.Start()
	held.Close() //nolint:errcheck // it is the command's
	if err != nil {
		j.t.Fatal(err)
	}
	j.t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) // nothing may be left to stop
		_, _ = io.Copy(io.Discard, ended)
		ended.Close() //nolint:errcheck // it was only read
	})
	return cmd.Wait()
}

// commandFile reads a file of variables, as the runner does: name=value, or name<<end, lines, end.
func commandFile(t *testing.T, path string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]string{}
	for rest := string(text); rest != ""; {
		var line, value string
		line, rest, _ = strings.Cut(rest, "\n")
		name, end, several := strings.Cut(line, "<<")
		if !several {
			name, value, _ = strings.Cut(line, "=")
		} else {
			value, rest, _ = strings.Cut(rest, "\n"+end+"\n")
		}
		values[name] = value
	}
	return values
}

// Ensures that the action's steps, run as a runner runs them, build the program and start a server that the steps that
// follow can use, with secrets masked, and that a server that does not start fails the step and shows its log.
func TestAction(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip("bash is not installed")
	}
	a, temporary := readAction(t), t.TempDir()
	build, start := a.Runs.Steps[:1], a.Runs.Steps[1:]
	if r := (job{t: t, temporary: temporary}).run(build, nil); r.err != nil {
		t.Fatalf("%v: %s", r.err, r.log)
	}
	inputs := func(t *testing.T, changed map[string]string) map[string]string {
		seed := filepath.Join(t.TempDir(), "seed.yaml")
		writeFile(t, seed, deployed(t, "ci/seed.yaml"))
		values := map[string]string{"seed": seed, "listen": "127.0.0.1:0", "timeout": a.Inputs["timeout"].Default}
		maps.Copy(values, changed)
		return values
	}

	t.Run("seeded", func(t *testing.T) {
		t.Parallel()
		password := "100% of it's\nSALLYPORT_INJECTED=1"
		r := job{t, temporary, []string{"SALLYPORT_ADMIN_PASSWORD=" + password, "SALLYPORT_DEV_API_KEY_2=of another server"}}.
			run(start, inputs(t, nil))
		if r.err != nil {
			t.Fatalf("%v: %s", r.err, r.log)
		}
		key := base64.StdEncoding.EncodeToString([]byte("ci-pipeline:known-to-the-tests-of-ci"))
		want := map[string]string{
			"SALLYPORT_DEV_URL":               r.outputs["url"],
			"SALLYPORT_DEV_ADMIN_PASSWORD":    password,
			"SALLYPORT_DEV_READONLY_PASSWORD": r.variables["SALLYPORT_DEV_READONLY_PASSWORD"],
			"SALLYPORT_DEV_CONTROL_TOKEN":     r.variables["SALLYPORT_DEV_CONTROL_TOKEN"],
			"SALLYPORT_DEV_API_KEY":           key,
		}
		if !maps.Equal(r.variables, want) || r.outputs["api-key"] != key {
			t.Errorf("variables %q, outputs %q; want %q", r.variables, r.outputs, want)
		}
		wantMasked(t, r.log, password, key, r.variables["SALLYPORT_DEV_READONLY_PASSWORD"],
			r.variables["SALLYPORT_DEV_CONTROL_TOKEN"])
		wantServed(t, r.outputs["url"], "ApiKey "+key)
		wantServed(t, r.outputs["url"], person{"admin", password}.basic())
	})

	t.Run("without a seed", func(t *testing.T) {
		t.Parallel()
		r := job{t: t, temporary: temporary}.run(start, inputs(t, map[string]string{"seed": ""}))
		if r.err != nil {
			t.Fatalf("%v: %s", r.err, r.log)
		}
		v := r.variables
		wantMasked(t, r.log, v["SALLYPORT_DEV_ADMIN_PASSWORD"], v["SALLYPORT_DEV_API_KEY"], v["SALLYPORT_DEV_PASSWORD"],
			v["SALLYPORT_DEV_READONLY_PASSWORD"], v["SALLYPORT_DEV_CONTROL_TOKEN"])
		wantServed(t, v["SALLYPORT_DEV_URL"], person{v["SALLYPORT_DEV_USER"], v["SALLYPORT_DEV_PASSWORD"]}.basic())
		wantServed(t, v["SALLYPORT_DEV_URL"], "ApiKey "+r.outputs["api-key"])
	})

	for name, c := range map[string]struct {
		inputs map[string]string
		saying string
	}{
		"a seed that is missing": {map[string]string{"seed": "missing.yaml"}, "log: sallyport: --seed: open missing.yaml"},
		"no time to start":       {map[string]string{"timeout": "0"}, "within 0 seconds"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := job{t: t, temporary: temporary}.run(start, inputs(t, c.inputs))
			if r.err == nil || !strings.Contains(r.log, c.saying) || !strings.Contains(r.log, "::error::") ||
				len(r.outputs) != 0 {
				t.Errorf("%v, outputs %v: %s; want a failure with the log, and %q", r.err, r.outputs, r.log, c.saying)
			}
		})
	}
}

// wantMasked fails the test unless the log has commands that mask the secrets, and the secrets nowhere else.
func wantMasked(t *testing.T, log string, secrets ...string) {
	t.Helper()
	escape := strings.NewReplacer("%", "%25", "\n", "%0A")
	var want []string
	for _, secret := range secrets {
		want = append(want, "::add-mask::"+escape.Replace(secret))
	}
	got := strings.Split(strings.TrimSpace(log), "\n")
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("the log has %q; want %q", got, want)
	}
}

// wantServed fails the test unless the server knows the caller.
func wantServed(t *testing.T, url, authorization string) {
	t.Helper()
	request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, url+"/_security/_authenticate", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", authorization)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close() //nolint:errcheck // the status is all that is needed
	if answer.StatusCode != http.StatusOK {
		t.Errorf("status %d; want 200", answer.StatusCode)
	}
}
