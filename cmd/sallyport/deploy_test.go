package main

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/config"
)

func deployed(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("../../deploy", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// Ensures that the unit's command starts a server with the configuration beside it, and that systemd's stop timeout
// is longer than the server's drain time.
func TestService(t *testing.T) {
	t.Parallel()
	unit := deployed(t, "sallyport.service")
	words := strings.Fields(regexp.MustCompile(`(?m)^ExecStart=(.*)$`).FindStringSubmatch(unit)[1])
	settings := filepath.Join(t.TempDir(), "sallyport.yaml")
	writeFile(t, settings, deployed(t, "sallyport.yaml"))
	i := slices.Index(words, "/etc/sallyport/sallyport.yaml")
	if i < 0 {
		t.Fatalf("the command is %q", words)
	}
	words[i] = settings
	args := append(words[1:], "--listen", "127.0.0.1:0", "--store", newStore(t))
	s := start(t, invocation{args: args, env: []string{"SALLYPORT_ADMIN_PASSWORD=chosen by hand"}}, servingAt)
	s.wantAuth(http.StatusOK, person{"admin", "chosen by hand"}.basic())
	s.stop()

	seconds, err := strconv.Atoi(regexp.MustCompile(`(?m)^TimeoutStopSec=(\d+)$`).FindStringSubmatch(unit)[1])
	if err != nil || time.Duration(seconds)*time.Second <= drainTime+adminDrainTime+flushTime {
		t.Errorf("systemd waits for %d seconds (%v)", seconds, err)
	}
}

// Ensures that the unit limits memory, disables core dumps, and allows enough file descriptors for all connections.
func TestService_Limits(t *testing.T) {
	t.Parallel()
	_, settings, _ := strings.Cut(deployed(t, "sallyport.service"), "[Service]")
	for _, line := range []string{"MemoryMax=2G", "LimitCORE=0", "LimitNOFILE=65536", "UMask=0077",
		"StateDirectoryMode=0700", "NoNewPrivileges=yes"} {
		if !strings.Contains(settings, "\n"+line+"\n") {
			t.Errorf("the unit has no line %q", line)
		}
	}
	if public, admin := connectionLimits(65536); public != publicConnections || admin != adminConnections {
		t.Errorf("the file descriptors allow %d and %d connections", public, admin)
	}
}

// Ensures that the unit reads the environment file named in the documentation, and starts without it.
func TestService_Environment(t *testing.T) {
	t.Parallel()
	path, found := regexp.MustCompile(`(?m)^EnvironmentFile=-(.*)$`).FindStringSubmatch(deployed(t, "sallyport.service")),
		false
	if path != nil {
		found = strings.Contains(deployed(t, "../docs/how-to/deploy-with-systemd.md"), "`"+path[1]+"`")
	}
	if !found {
		t.Errorf("the unit has %q, and its documentation does not", path)
	}
}

// Ensures that systemd accepts every line of the unit.
func TestService_Verified(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Skip("systemd-analyze is not installed")
	}
	// systemd checks that the program exists
	unit := strings.Replace(deployed(t, "sallyport.service"), "/usr/local/bin/sallyport", program, 1)
	path := filepath.Join(t.TempDir(), "sallyport.service")
	writeFile(t, path, unit)
	out, err := exec.CommandContext(t.Context(), "systemd-analyze", "verify", "--man=no", "--recursive-errors=no",
		path).CombinedOutput()
	if err != nil || strings.Contains(string(out), path+":") {
		t.Errorf("%v: %s", err, out)
	}
}

// Ensures that the image has nothing but what is copied, runs as an unprivileged user, has a health check, and
// configures the server.
func TestDockerfile(t *testing.T) {
	t.Parallel()
	text := deployed(t, "Dockerfile")
	for _, line := range []string{"FROM scratch", "USER 65532:65532", `ENTRYPOINT ["/sallyport"]`} {
		if strings.Count(text, "\n"+line+"\n") != 1 {
			t.Errorf("the line %q is not there once", line)
		}
	}
	if !regexp.MustCompile(`(?m)^HEALTHCHECK .*CMD \["/sallyport", "health"\]$`).MatchString(text) {
		t.Error("there is no health check")
	}
	for _, name := range regexp.MustCompile(`SALLYPORT_[A-Z_]+`).FindAllString(text, -1) {
		if !slices.ContainsFunc(config.Settings, func(s config.Setting) bool { return s.Env() == name }) {
			t.Errorf("there is no setting %s", name)
		}
	}
}
