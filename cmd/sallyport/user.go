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
	cmd := &cobra.Command{Use: "user", Short: "Manage users, also while a server runs on the same store", Args: cobra.NoArgs, RunE: help}
	cmd.AddCommand(
		newUserAdd(), newUserList(), newUserPasswd(), newUserUnlock(), newUserTOTP(),
		newUserSwitch("enable", "Let a user sign in again", true),
		newUserSwitch("disable", "End a user's sessions, stop the API keys, and refuse sign-ins", false),
	)
	return cmd
}

// userCommand is a command that works on the users of a store, which only the first one of add makes.
func userCommand(use, short string, args cobra.PositionalArgs, run func(*cobra.Command, *user.Service, []string) error) *cobra.Command {
	return storeCommand(use, short, args, func(cmd *cobra.Command, r records, args []string) error { return run(cmd, r.users(), args) })
}

// oneName is for commands about one user.
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
			return say(cmd, "added the user %s", n.Name)
		})
	cmd.Flags().StringSliceVar(&n.Roles, "role", nil, "a role of the user, may be repeated: "+strings.Join(roleNames(), ", "))
	cmd.Flags().StringVar(&n.FullName, "full-name", "", "the user's full name")
	cmd.Flags().StringVar(&n.Email, "email", "", "the user's e-mail address")
	addPasswordFlag(cmd, &fromStdin)
	return cmd
}

func roleNames() []string {
	var names []string
	for _, role := range identity.Roles {
		names = append(names, string(role))
	}
	return names
}

func newUserPasswd() *cobra.Command {
	var fromStdin bool
	cmd := userCommand("passwd NAME --password-stdin", "Give a user a new password and end the user's sessions", oneName,
		func(cmd *cobra.Command, users *user.Service, args []string) error {
			password, err := readPassword(cmd.InOrStdin(), fromStdin)
			if err != nil {
				return err
			}
			if err := users.SetPassword(cmd.Context(), args[0], password); err != nil {
				return err
			}
			return say(cmd, "the user %s has a new password; all sessions have ended", args[0])
		})
	addPasswordFlag(cmd, &fromStdin)
	return cmd
}

func newUserSwitch(verb, short string, enabled bool) *cobra.Command {
	return userCommand(verb+" NAME", short, oneName, func(cmd *cobra.Command, users *user.Service, args []string) error {
		if err := users.SetEnabled(cmd.Context(), args[0], enabled); err != nil {
			return err
		}
		return say(cmd, "%sd the user %s", verb, args[0])
	})
}

func newUserUnlock() *cobra.Command {
	return userCommand("unlock NAME", "Forget a user's wrong guesses, so that the user can sign in at once", oneName,
		func(cmd *cobra.Command, users *user.Service, args []string) error {
			if err := users.Unlock(cmd.Context(), identity.Principal{}, args[0]); err != nil {
				return err
			}
			return say(cmd, "the wrong guesses of %s are forgotten", args[0])
		})
}

func newUserList() *cobra.Command {
	return userCommand("list", "List all users", cobra.NoArgs, func(cmd *cobra.Command, users *user.Service, _ []string) error {
		list, err := users.List(cmd.Context(), true)
		if err != nil {
			return err
		}
		table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
		if _, err := fmt.Fprintln(table, "NAME\tENABLED\tBUILT IN\tSECOND FACTOR\tROLES\tFULL NAME\tE-MAIL"); err != nil {
			return err
		}
		for _, u := range list {
			var roles []string
			for _, role := range u.Roles {
				roles = append(roles, string(role))
			}
			if _, err := fmt.Fprintf(table, "%s\t%t\t%t\t%t\t%s\t%s\t%s\n", u.Name, u.Enabled, u.Builtin, u.HasTOTP, strings.Join(roles, ","), printable(u.FullName), printable(u.Email)); err != nil {
				return err
			}
		}
		return table.Flush()
	})
}

func say(cmd *cobra.Command, format string, args ...any) error {
	_, err := fmt.Fprintf(cmd.OutOrStdout(), format+"\n", args...)
	return err
}

// printable keeps what would move the terminal's cursor out of a table.
func printable(text string) string {
	if text == "" {
		return "-"
	}
	quoted := strconv.Quote(text)
	return quoted[1 : len(quoted)-1]
}

func addPasswordFlag(cmd *cobra.Command, fromStdin *bool) {
	cmd.Flags().BoolVar(fromStdin, "password-stdin", false, "read the password from standard input (required: elsewhere others could see it)")
}

// readPassword reads the first line.
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
