package main

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authn/user"
	"github.com/sallyport/sallyport/impl/platform/secret"
)

func newUser() *cobra.Command {
	return newGroup("user", "Manage users, also while a server runs on the same store",
		newUserAdd(), newUserList(), newUserPasswd(), newUserUnlock(), newUserTOTP(),
		newUserSwitch("enable", "Enable a user", true),
		newUserSwitch("disable", "Disable a user: end all sessions, and refuse API keys and sign-ins", false),
	)
}

// userCommand returns a command that works on the users of a store.
func userCommand(
	use, short string, args cobra.PositionalArgs, run func(*cobra.Command, *user.Service, []string) error,
) *cobra.Command {
	return storeCommand(use, short, args, func(cmd *cobra.Command, r records, args []string) error {
		return run(cmd, r.users(), args)
	})
}

// oneName accepts exactly one argument, the user's name.
func oneName(cmd *cobra.Command, args []string) error {
	if len(args) == 1 {
		return nil
	}
	return fmt.Errorf("this takes one NAME: %s", cmd.UseLine())
}

func newUserAdd() *cobra.Command {
	var n user.New
	var fromStdin bool
	cmd := userCommand("add NAME --role ROLE --password-stdin", "Add a user", oneName,
		func(cmd *cobra.Command, users *user.Service, args []string) error {
			password, err := readPassword(cmd.InOrStdin(), fromStdin)
			if err != nil {
				return err
			}
			n.Name, n.Password = args[0], password
			if _, err := users.Add(cmd.Context(), n); err != nil {
				return err
			}
			return printLine(cmd, "added the user %s", n.Name)
		})
	cmd.Flags().StringSliceVar(&n.Roles, "role", nil,
		"role of the user, may be repeated: "+strings.Join(identity.Names(identity.Roles), ", "))
	cmd.Flags().StringVar(&n.FullName, "full-name", "", "the user's full name")
	cmd.Flags().StringVar(&n.Email, "email", "", "the user's e-mail address")
	addPasswordFlag(cmd, &fromStdin)
	return cmd
}

func newUserPasswd() *cobra.Command {
	var fromStdin bool
	cmd := userCommand("passwd NAME --password-stdin", "Set a user's password and end the user's sessions", oneName,
		func(cmd *cobra.Command, users *user.Service, args []string) error {
			password, err := readPassword(cmd.InOrStdin(), fromStdin)
			if err != nil {
				return err
			}
			if err := users.SetPassword(cmd.Context(), args[0], password); err != nil {
				return err
			}
			return printLine(cmd, "set the password of the user %s, and ended all of the user's sessions", args[0])
		})
	addPasswordFlag(cmd, &fromStdin)
	return cmd
}

func newUserSwitch(verb, short string, enabled bool) *cobra.Command {
	return userCommand(verb+" NAME", short, oneName, func(cmd *cobra.Command, users *user.Service, args []string) error {
		if err := users.SetEnabled(cmd.Context(), args[0], enabled); err != nil {
			return err
		}
		return printLine(cmd, "%sd the user %s", verb, args[0])
	})
}

func newUserUnlock() *cobra.Command {
	return userCommand("unlock NAME", "Clear a user's failed attempts, so that the user can sign in immediately", oneName,
		func(cmd *cobra.Command, users *user.Service, args []string) error {
			if err := users.Unlock(cmd.Context(), identity.Principal{}, args[0]); err != nil {
				return err
			}
			return printLine(cmd, "unlocked the user %s", args[0])
		})
}

func newUserList() *cobra.Command {
	run := func(cmd *cobra.Command, users *user.Service, _ []string) error {
		list, err := users.List(cmd.Context(), true)
		if err != nil {
			return err
		}

		rows := [][]string{{"NAME", "ENABLED", "BUILT IN", "SECOND FACTOR", "ROLES", "FULL NAME", "E-MAIL"}}
		for _, u := range list {
			rows = append(rows, []string{
				u.Name, strconv.FormatBool(u.Enabled), strconv.FormatBool(u.Builtin), strconv.FormatBool(u.HasTOTP),
				strings.Join(identity.Names(u.Roles), ","), printable(u.FullName), printable(u.Email),
			})
		}
		return printTable(cmd.OutOrStdout(), rows)
	}
	return userCommand("list", "List all users", cobra.NoArgs, run)
}

func printLine(cmd *cobra.Command, format string, args ...any) error {
	_, err := fmt.Fprintf(cmd.OutOrStdout(), format+"\n", args...)
	return err
}

func printTable(w io.Writer, rows [][]string) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		if _, err := fmt.Fprintln(table, strings.Join(row, "\t")); err != nil {
			return err
		}
	}
	return table.Flush()
}

// printable escapes control characters, which could move the terminal's cursor.
func printable(text string) string {
	if text == "" {
		return "-"
	}
	quoted := strconv.Quote(text)
	return quoted[1 : len(quoted)-1]
}

func addPasswordFlag(cmd *cobra.Command, fromStdin *bool) {
	cmd.Flags().BoolVar(fromStdin, "password-stdin", false,
		"read the password from standard input (required: other users could see a password on the command line)")
}

// readPassword reads a password, which must be the only line.
func readPassword(in io.Reader, fromStdin bool) (string, error) {
	if !fromStdin {
		return "", errors.New("a password is read from standard input only: add --password-stdin, and pipe it in")
	}

	data, err := io.ReadAll(io.LimitReader(in, secret.MaxPassword+3))
	if err != nil {
		return "", err
	}
	password, rest, _ := strings.Cut(string(data), "\n")
	if rest != "" {
		return "", errors.New("standard input holds more than one line")
	}
	return strings.TrimSuffix(password, "\r"), nil
}
