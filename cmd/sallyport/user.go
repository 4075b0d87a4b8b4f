package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authn/user"
)

func newUser() *cobra.Command {
	return newGroup("user", "Manage users, on the database or on a server",
		newUserAdd(), newUserDelete(), newUserList(), newUserShow(), newUserRole(), newUserPasswd(), newUserUnlock(),
		newUserTOTP(),
		newUserSwitch("enable", "Enable a user", true),
		newUserSwitch("disable", "Disable a user: end all sessions, and refuse API keys and sign-ins", false),
	)
}

// oneName accepts exactly one argument, the user's name.
func oneName(cmd *cobra.Command, args []string) error {
	if len(args) == 1 {
		return nil
	}
	return fmt.Errorf("this takes one NAME: %s", cmd.UseLine())
}

// namedUser makes a command work on one user.
func namedUser(cmd *cobra.Command, run func(*cobra.Command, directory, string) error) *cobra.Command {
	cmd.Args = oneName
	return targetCommand(completeNames(cmd, userNames), directories,
		func(cmd *cobra.Command, users directory, args []string) error { return run(cmd, users, args[0]) })
}

func newUserAdd() *cobra.Command {
	var n user.New
	var password newPassword
	users := directories
	users.create = func(cmd *cobra.Command, dsn string) error { return createDatabase(cmd, dsn, n.Check) }
	cmd := targetCommand(&cobra.Command{
		Use:   "add NAME --role ROLE",
		Short: "Add a user",
		Example: "  echo 'correct horse' | sallyport user add bob --role ece_deployment_viewer --password-stdin\n" +
			"  sallyport user add carol --role ece_platform_admin --full-name 'Carol C.' --password-file password",
		Args: oneName,
	}, users, func(cmd *cobra.Command, users directory, _ []string) error {
		if err := users.add(cmd.Context(), n); err != nil {
			return err
		}
		return printLine(cmd, "added the user %s", n.Name)
	})
	cmd.PreRunE = func(cmd *cobra.Command, args []string) (err error) {
		n.Name = args[0]
		n.Password, err = password.read(cmd, n.Name)
		return err
	}
	addRoles(cmd, &n.Roles, "role", "role of the user")
	cmd.Flags().StringVar(&n.FullName, "full-name", "", "the user's full name")
	cmd.Flags().StringVar(&n.Email, "email", "", "the user's e-mail address")
	password.add(cmd)
	return cmd
}

// addRoles adds a flag with platform roles.
func addRoles(cmd *cobra.Command, roles *[]string, name, about string) {
	cmd.Flags().StringSliceVar(roles, name, nil,
		about+", may be repeated: "+strings.Join(identity.Names(identity.Roles), ", "))
	completeFlag(cmd, name, platformRoles())
}

func newUserDelete() *cobra.Command {
	return namedUser(&cobra.Command{
		Use:     "delete NAME",
		Short:   "Delete a user with all sessions, API keys and the second factor",
		Example: "  sallyport user delete alice",
	}, func(cmd *cobra.Command, users directory, name string) error {
		if err := users.remove(cmd.Context(), name); err != nil {
			return err
		}
		return printLine(cmd, "deleted the user %s", name)
	})
}

func newUserPasswd() *cobra.Command {
	var password newPassword
	var text string
	cmd := namedUser(&cobra.Command{
		Use:     "passwd NAME",
		Short:   "Set a user's password and end the user's sessions",
		Example: "  echo 'another long password' | sallyport user passwd alice --password-stdin",
	}, func(cmd *cobra.Command, users directory, name string) error {
		if err := users.setPassword(cmd.Context(), name, text); err != nil {
			return err
		}
		return printLine(cmd, "set the password of the user %s, and ended all of the user's sessions", name)
	})
	cmd.PreRunE = func(cmd *cobra.Command, args []string) (err error) {
		text, err = password.read(cmd, args[0])
		return err
	}
	password.add(cmd)
	return cmd
}

func newUserSwitch(verb, short string, enabled bool) *cobra.Command {
	return namedUser(&cobra.Command{
		Use:     verb + " NAME",
		Short:   short,
		Example: "  sallyport user " + verb + " alice",
	}, func(cmd *cobra.Command, users directory, name string) error {
		if err := users.setEnabled(cmd.Context(), name, enabled); err != nil {
			return err
		}
		return printLine(cmd, "%sd the user %s", verb, name)
	})
}

func newUserUnlock() *cobra.Command {
	return namedUser(&cobra.Command{
		Use:     "unlock NAME",
		Short:   "Clear a user's failed attempts, so that the user can sign in immediately",
		Example: "  sallyport user unlock alice",
	}, func(cmd *cobra.Command, users directory, name string) error {
		if err := users.unlock(cmd.Context(), name); err != nil {
			return err
		}
		return printLine(cmd, "unlocked the user %s", name)
	})
}

func newUserList() *cobra.Command {
	var out printer
	cmd := targetCommand(&cobra.Command{
		Use:     "list",
		Short:   "List all users",
		Example: "  sallyport user list\n  sallyport user list --output json",
		Args:    cobra.NoArgs,
	}, directories, func(cmd *cobra.Command, users directory, _ []string) error {
		list, err := users.list(cmd.Context())
		if err != nil {
			return err
		}

		rows := [][]string{{"NAME", "ENABLED", "BUILT IN", "SECOND FACTOR", "ROLES", "FULL NAME", "E-MAIL"}}
		for _, u := range list {
			rows = append(rows, []string{
				u.Name, strconv.FormatBool(u.Enabled), strconv.FormatBool(u.Builtin), u.secondFactor(),
				strings.Join(u.Roles, ","), u.FullName, u.Email,
			})
		}
		return out.print(cmd, orEmpty(list), rows)
	})
	out.add(cmd)
	return cmd
}

func newUserShow() *cobra.Command {
	var out printer
	cmd := namedUser(&cobra.Command{
		Use:     "show NAME",
		Short:   "Show a user",
		Example: "  sallyport user show alice --output yaml",
	}, func(cmd *cobra.Command, users directory, name string) error {
		u, err := users.get(cmd.Context(), name)
		if err != nil {
			return err
		}
		return out.print(cmd, u, [][]string{
			{"NAME", u.Name},
			{"ENABLED", strconv.FormatBool(u.Enabled)},
			{"BUILT IN", strconv.FormatBool(u.Builtin)},
			{"SECOND FACTOR", u.secondFactor()},
			{"ROLES", strings.Join(u.Roles, ",")},
			{"REALM", u.Realm},
			{"FULL NAME", u.FullName},
			{"E-MAIL", u.Email},
			{"CREATED", optionalTime(u.Created)},
			{"LAST SIGN-IN", optionalTime(u.LastSignIn)},
		})
	})
	out.add(cmd)
	return cmd
}
