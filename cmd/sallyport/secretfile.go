package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/sallyport/sallyport/impl/platform/secret"
)

// maxSecret is the size in bytes up to which a file with a secret is read.
const maxSecret = 64 << 10

// readSecretFile returns the secret that a file holds in its only line. The file must be one that no other user of the
// machine than those of its group can read or change.
func readSecretFile(path string) (string, error) {
	readable, err := secret.CheckFile(path)
	if err == nil && readable {
		err = fmt.Errorf("every user of this machine can read %s, which holds a secret: run chmod 600 on it", path)
	}
	if err != nil {
		return "", err
	}
	file, err := os.Open(path) //nolint:gosec // the operator names the file
	if err != nil {
		return "", err
	}
	defer file.Close() //nolint:errcheck // opened for reading
	text, err := readLine(file, path)
	if err == nil && text == "" {
		err = fmt.Errorf("%s is empty", path)
	}
	return text, err
}

// readLine reads a secret from the only line of a source. It has all bytes of the line but its end.
func readLine(in io.Reader, source string) (string, error) {
	data, err := io.ReadAll(io.LimitReader(in, maxSecret))
	if err != nil {
		return "", err
	}
	line, rest, _ := strings.Cut(string(data), "\n")
	if rest != "" {
		return "", fmt.Errorf("%s holds more than one line", source)
	}
	return strings.TrimSuffix(line, "\r"), nil
}
