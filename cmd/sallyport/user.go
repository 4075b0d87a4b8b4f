package main

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/config"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/identity"
	"github.com/sallyport/sallyport/impl/secret"
	"github.com/sallyport/sallyport/impl/store"
	"github.com/sallyport/sallyport/impl/user"
)

func newUser() *cobra.Command {
	cmd := &cobra.Command{Use: "user", Short: "Manage users, also while a server runs on the same store", Args: cobra.NoArgs, RunE: help}
	cmd.AddCommand(
		newUserAdd(), newUserList(), newUserPasswd(),
		newUserSwitch("enable", "Let a user sign in again", true),
		newUserSwitch("disable", "End a user's sessions, stop the API keys, and refuse sign-ins", false),
	)
	return cmd
}

// oneName is for commands about one user.
func oneName(cmd *cobra.Command, args []string) error {
	if len(args) == 1 {
		return nil
	}
	return fmt.Errorf("this takes one NAME: %s", cmd.UseLine())
}

// userCommand is a command that works on the users of a store, which only the first one of add makes.
func userCommand(use, short string, args cobra.PositionalArgs, run func(*cobra.Command, *user.Service, []string) error) *cobra.Command {
	var flags configFlags
	cmd := &cobra.Command{Use: use, Short: short, Args: args, RunE: func(cmd *cobra.Command, args []string) error {
		c, err := config.Load(flags.sources(cmd))
		if err != nil {
			return err
		}
		ctx := audit.WithOrigin(cmd.Context(), audit.Origin{Actor: audit.CommandLine})
		cmd.SetContext(ctx)
		return forPeople(withUsers(cmd, c.Store, func(users *user.Service) error { return run(cmd, users, args) }))
	}}
	flags.add(cmd, "store")
	return cmd
}

func withUsers(cmd *cobra.Command, dsn string, f func(*user.Service) error) error {
	path := databaseFile(dsn)
	if path == "" {
		return fmt.Errorf("--store %s keeps no users", dsn)
	}
	isNew := !exists(path)
	if isNew && cmd.Name() != "add" {
		return fmt.Errorf("there is no database %s; name another with --store sqlite:PATH", path)
	}
	st, err := store.Open(cmd.Context(), dsn, time.Now)
	if err != nil {
		return err
	}
	if isNew {
		cmd.PrintErrf("made the database %s\n", path)
	}
	return errors.Join(f(user.NewService(st, secret.NewHasher(secret.DefaultCost))), st.Close())
}

// forPeople leaves the code out of a fault's text, and keeps the cause.
func forPeople(err error) error {
	var f *fault.Error
	if !errors.As(err, &f) {
		return err
	}
	if cause := f.Unwrap(); cause != nil {
		return fmt.Errorf("%s: %w", f.Message, cause)
	}
	return errors.New(f.Message)
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
			if err := users.Add(cmd.Context(), n); err != nil {
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

func newUserList() *cobra.Command {
	return userCommand("list", "List all users", cobra.NoArgs, func(cmd *cobra.Command, users *user.Service, _ []string) error {
		list, err := users.List(cmd.Context())
		if err != nil {
			return err
		}
		table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
		if _, err := fmt.Fprintln(table, "NAME\tENABLED\tBUILT IN\tROLES\tFULL NAME\tE-MAIL"); err != nil {
			return err
		}
		for _, u := range list {
			var roles []string
			for _, role := range u.Roles {
				roles = append(roles, string(role))
			}
			if _, err := fmt.Fprintf(table, "%s\t%t\t%t\t%s\t%s\t%s\n", u.Name, u.Enabled, u.Builtin, strings.Join(roles, ","), printable(u.FullName), printable(u.Email)); err != nil {
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
	return strings.Trim(strconv.Quote(text), `"`)
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
