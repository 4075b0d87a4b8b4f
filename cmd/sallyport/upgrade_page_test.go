package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// pageBlocks returns the code blocks of a page in a language, for which a marker stands on the line before; an empty
// marker stands for all blocks.
func pageBlocks(t *testing.T, page, marker, language string) (blocks []string) {
	t.Helper()
	pattern := "(?ms)^" + regexp.QuoteMeta(marker+"\n```"+language+"\n") + "(.*?)^```$"
	if marker == "" {
		pattern = "(?ms)^```" + language + "\n(.*?)^```$"
	}
	for _, block := range regexp.MustCompile(pattern).FindAllStringSubmatch(deployed(t, "../docs/how-to/"+page), -1) {
		blocks = append(blocks, block[1])
	}
	return blocks
}

// rolling is two servers of the previous version, each in a folder of its own with its configuration and the new
// program, as upgrade.md and high-availability.md describe them, and HAProxy in front.
type rolling struct {
	*testing.T
	folders, public, admin [2]string
	env                    []string
	socket                 string
}

// newRolling makes the folders, with the configuration of high-availability.md.
func newRolling(t *testing.T, old string) rolling {
	t.Helper()
	replicas := newReplicas(t)
	u := rolling{T: t, env: append(replicas.env, "DATABASE="+replicas.dsn)}
	configurations := pageBlocks(t, "high-availability.md", "", "yaml")
	if len(configurations) != 1 {
		t.Fatalf("high-availability.md has %d configurations", len(configurations))
	}
	for i := range u.folders {
		u.folders[i], u.public[i], u.admin[i] = t.TempDir(), freeAddress(t), freeAddress(t)
		writeFile(t, filepath.Join(u.folders[i], "sallyport.yaml"), replaceOnce(t, configurations[0], map[string]string{
			"10.0.0.11:12400": u.public[i], "10.0.0.11:12490": u.admin[i], "10.0.0.2/32": "127.0.0.0/8",
		}))
		for name, from := range map[string]string{"bin": old, "new": program} {
			folder := filepath.Join(u.folders[i], name)
			if err := os.Mkdir(folder, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(from, filepath.Join(folder, "sallyport")); err != nil {
				t.Fatal(err)
			}
		}
	}

	folder, err := os.MkdirTemp("", "haproxy") //nolint:usetesting // a socket's path has at most 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) }) //nolint:errcheck // a temporary folder
	u.socket = filepath.Join(folder, "admin.sock")
	return u
}

// proxy starts HAProxy with the configuration of high-availability.md.
func (u rolling) proxy() proxy {
	u.Helper()
	configurations := pageBlocks(u.T, "high-availability.md", "", "haproxy")
	if len(configurations) != 1 {
		u.Fatalf("high-availability.md has %d configurations of HAProxy", len(configurations))
	}
	server := func(i int) string {
		return u.public[i] + " port " + regexp.MustCompile(`\d+$`).FindString(u.admin[i])
	}
	return runProxyWith(u.T, configurations[0], map[string]string{
		"10.0.0.11:12400 port 12490": server(0), "10.0.0.12:12400 port 12490": server(1),
		"socket /run/haproxy/admin.sock": "socket " + u.socket, "log /dev/log local0": "log stdout format raw local0",
	})
}

// run runs commands of the page for a server in its folder, and returns what they print. A server that they start
// stays, until the test ends.
func (u rolling) run(server int, script string) string {
	u.Helper()
	script = strings.NewReplacer("10.0.0.11:12490", u.admin[server], "/run/haproxy/admin.sock", u.socket,
		"server-1", fmt.Sprintf("server-%d", server+1)).Replace(script)
	ctx, cancel := context.WithTimeout(u.Context(), pageTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-e", "-o", "pipefail", "-c", script)
	cmd.Dir = u.folders[server]
	inherited := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "SALLYPORT_") })
	cmd.Env = slices.Concat(inherited, u.env)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = time.Second // the server has the output of the shell
	var log strings.Builder
	cmd.Stderr = &log
	out, err := cmd.Output()
	group := cmd.Process.Pid
	u.Cleanup(func() { _ = syscall.Kill(-group, syscall.SIGKILL) }) // a server that was not replaced
	if !cmd.ProcessState.Success() {
		u.Fatalf("the commands failed: %v\n%s\n%s\n%s", err, script, out, &log)
	}
	return string(out)
}

// Ensures that the commands of upgrade.md replace two servers of the previous version, behind HAProxy with the
// configuration of high-availability.md, without a failed request.
func TestUpgradePage_Rolling(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"bash", "haproxy", "pg_dump", "socat"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("%s is not installed", name)
		}
	}
	commands := pageBlocks(t, "upgrade.md", "<!-- run by TestUpgradePage_Rolling -->", "sh")
	if len(commands) != 4 {
		t.Fatalf("upgrade.md has %d blocks for this test", len(commands))
	}
	before, replace, wait, status := commands[0], commands[1], commands[2], commands[3]
	_, startServer, _ := strings.Cut(replace, "sleep 0.2; done\n") // without the removal of the old one

	u := newRolling(t, programOf(t, previousCommit))
	for i := range u.folders {
		u.run(i, startServer)
	}
	p := u.proxy()
	for i := range u.folders {
		u.run(i, wait)
	}
	if got := u.run(0, status); got != "server-1,UP\nserver-2,UP\n" {
		t.Errorf("the servers before the upgrade are %q", got)
	}
	if got := u.run(0, before); !strings.Contains(got, "migrates it") {
		t.Errorf("the commands before the upgrade print %q", got)
	}
	if dump, err := os.Stat(filepath.Join(u.folders[0], "before.dump")); err != nil || dump.Size() == 0 {
		t.Errorf("there is no backup: %v", err)
	}

	stop, answered := p.askRepeatedly(person{"admin", "chosen by hand"}.basic())
	for i := range u.folders {
		u.run(i, replace)
		u.run(i, wait)
		if i == 0 { // the old server is not ready with the new schema
			u.run(i, `until [ "$(`+strings.TrimSpace(status)+`)" = $'server-1,UP\nserver-2,DOWN' ]; do sleep 0.2; done`)
		}
	}
	stop()
	t.Logf("%d requests were answered", answered.Load())
	if answered.Load() == 0 {
		t.Error("no request was answered")
	}
	for i := range u.folders {
		u.run(i, `cmp "/proc/$(cat sallyport.pid)/exe" new/sallyport`)
	}
}
