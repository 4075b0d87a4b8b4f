package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// patience is how long a server may take to answer.
const patience = 60 * time.Second

// child is a running server.
type child struct {
	command *exec.Cmd
	log     *os.File
}

// command returns a command with an addition to an environment without settings.
func command(ctx context.Context, env []string, program string, arguments ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, program, arguments...) //nolint:gosec // what Go has built
	for _, each := range os.Environ() {
		if !strings.HasPrefix(each, "SALLYPORT_") {
			command.Env = append(command.Env, each)
		}
	}
	command.Env = append(command.Env, env...)
	return command
}

// spawn starts a server that writes its log to a file, as operators run it.
func spawn(command *exec.Cmd, log string) (*child, error) {
	file, err := os.Create(log) //nolint:gosec // a file in the temporary folder
	if err != nil {
		return nil, err
	}
	command.Stdout, command.Stderr = file, file
	if err := command.Start(); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &child{command, file}, nil
}

// stop ends the server. It may be called on nil.
func (c *child) stop() error {
	if c == nil {
		return nil
	}
	err := c.command.Process.Signal(syscall.SIGTERM)
	c.command.Wait() //nolint:errcheck,gosec // a server that is ended may say so with its exit code
	return errors.Join(err, c.log.Close())
}

// await waits until the server at an address answers that it is ready, or that it wants credentials.
func (c *child) await(ctx context.Context, address, path string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		status, err := get(ctx, "http://"+address+path)
		if err == nil && status < http.StatusInternalServerError {
			return nil
		}
		select {
		case <-ctx.Done():
			text, _ := os.ReadFile(c.log.Name())
			return fmt.Errorf("%s does not serve: status %d, %w\n%s", c.command.Path, status, err, text)
		case <-time.After(time.Millisecond / 2):
		}
	}
}

func get(ctx context.Context, url string) (int, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return 0, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	_, err = io.Copy(io.Discard, response.Body)
	return response.StatusCode, errors.Join(err, response.Body.Close())
}

// freeAddress returns an address of this machine at which nothing listens.
func freeAddress(ctx context.Context) (string, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

// processorTime returns the time that the threads of the server have run for.
func (c *child) processorTime() (time.Duration, error) {
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", c.command.Process.Pid))
	if err != nil {
		return 0, err
	}
	var sum time.Duration
	for _, file := range files {
		text, err := os.ReadFile(file) //nolint:gosec // a file of the kernel
		if err != nil {
			return 0, err
		}
		run, _, _ := strings.Cut(string(text), " ")
		nanoseconds, err := strconv.ParseInt(run, 10, 64)
		if err != nil {
			return 0, err
		}
		sum += time.Duration(nanoseconds)
	}
	return sum, nil
}

var memoryLine = regexp.MustCompile(`(?m)^(\w+): +(\d+) kB$`)

// memory returns the resident memory of the server in MiB, and how much of it is not in a file.
func (c *child) memory() (resident, anonymous float64, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", c.command.Process.Pid))
	if err != nil {
		return 0, 0, err
	}
	found := map[string]float64{}
	for _, line := range memoryLine.FindAllStringSubmatch(string(text), -1) {
		kibibytes, err := strconv.ParseFloat(line[2], 64)
		if err != nil {
			return 0, 0, err
		}
		found[line[1]] = kibibytes / 1024
	}
	return found["Rss"], found["Anonymous"], nil
}
