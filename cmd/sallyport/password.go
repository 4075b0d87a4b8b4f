package main

import (
	"errors"
	"io"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/sallyport/sallyport/impl/platform/printable"
)

// newPassword holds the flags that say where a new password is read: a terminal unless one of them is given.
type newPassword struct {
	fromStdin bool
	file      string
}

// add adds the flags to a command.
func (p *newPassword) add(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&p.fromStdin, "password-stdin", false,
		"read the password from standard input instead of asking for it on the terminal")
	cmd.Flags().StringVar(&p.file, "password-file", "", "read the password from a file, which has no other line")
}

// read reads the password. On a terminal it must be entered twice.
func (p *newPassword) read(cmd *cobra.Command, user string) (string, error) {
	switch in := cmd.InOrStdin(); {
	case p.fromStdin && p.file != "":
		return "", usageErrorf("--password-stdin and --password-file: set one of them")
	case p.fromStdin:
		text, err := readLine(in, "standard input")
		return text, usageError(err)
	case p.file != "":
		text, err := readSecretFile(p.file)
		if err != nil {
			return "", usageErrorf("--password-file: %w", err)
		}
		return text, nil
	case isTerminal(in):
		return askTwice(cmd, "New password of "+user)
	}
	return "", usageErrorf("without a terminal a password is not asked for: add --password-stdin, and pipe it in, " +
		"or --password-file")
}

// askTwice asks for a new password on the terminal, without an echo.
func askTwice(cmd *cobra.Command, prompt string) (string, error) {
	first, err := ask(cmd, prompt)
	if err != nil {
		return "", err
	}
	second, err := ask(cmd, "The same again")
	if err != nil {
		return "", err
	}
	if first != second {
		return "", usageErrorf("the two passwords differ")
	}
	return first, nil
}

// ask asks for a secret on the terminal, without an echo. The prompt is not part of the output. A signal that ends the
// program meanwhile restores the terminal.
func ask(cmd *cobra.Command, prompt string) (string, error) {
	file, ok := cmd.InOrStdin().(*os.File)
	if !ok {
		return "", errors.New("standard input is not a terminal")
	}
	// The echo is off before the prompt shows, so that none of what is typed at once is shown.
	before, err := term.MakeRaw(int(file.Fd()))
	if err != nil {
		return "", err
	}
	restore := func() error { return term.Restore(int(file.Fd()), before) }

	type line struct {
		text string
		err  error
	}
	entered := make(chan line, 1)
	go func() {
		terminal := term.NewTerminal(struct {
			io.Reader
			io.Writer
		}{file, cmd.ErrOrStderr()}, "")
		text, err := terminal.ReadPassword(printable.Text(prompt) + ": ")
		entered <- line{text, err}
	}()
	select {
	case l := <-entered:
		if errors.Is(l.err, io.EOF) { // Ctrl-C and Ctrl-D
			l.err = errors.New("nothing was entered")
		}
		return l.text, errors.Join(l.err, restore())
	case <-cmd.Context().Done():
		err := restore()
		note(cmd, "") // ends the line of the prompt
		return "", errors.Join(cmd.Context().Err(), err)
	}
}
