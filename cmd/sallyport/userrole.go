package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authn/user"
)

// joinRoles returns the names of roles for a message.
func joinRoles(roles []identity.Role) string { return strings.Join(identity.Names(roles), ", ") }

func newUserRole() *cobra.Command {
	var set []string
	var change user.RoleChange
	var password newPassword
	var text string
	cmd := namedUser(&cobra.Command{
		Use:   "role NAME",
		Short: "Change a user's platform roles",
		Long: "role replaces the platform roles of a user (--set), or adds and removes some. Elasticsearch roles stay.\n" +
			"New roles take effect at once. A user that gains a role signs in again, and loses the second factor. If\n" +
			"another user set the password, a role can be gained together with a new password only: add\n" +
			"--password-stdin.\n\n" +
			"On the database, --add and --remove keep what others change at the same time. A server has no operation\n" +
			"for that: its roles are read, replaced, and read again, and the command fails if they are not the new\n" +
			"ones. Of two commands at the same time, one can still undo the other.",
		Example: "  sallyport user role alice --set ece_platform_viewer\n" +
			"  sallyport user role alice --add ece_deployment_viewer --remove ece_platform_viewer",
	}, func(cmd *cobra.Command, users directory, name string) error {
		const changed = "the user %s has the platform roles %s"
		if set != nil {
			if err := users.setRoles(cmd.Context(), name, set, text); err != nil {
				return err
			}
			return printLine(cmd, changed, name, strings.Join(set, ", "))
		}
		roles, err := users.changeRoles(cmd.Context(), name, change, text)
		if err != nil {
			return err
		}
		return printLine(cmd, changed, name, joinRoles(roles))
	})
	cmd.PreRunE = func(cmd *cobra.Command, args []string) (err error) {
		if set == nil && change.Add == nil && change.Remove == nil {
			return usageErrorf("--set, --add or --remove: name at least one role")
		}
		if set != nil && (change.Add != nil || change.Remove != nil) {
			return usageErrorf("--set replaces all platform roles: leave out --add and --remove")
		}
		if password.fromStdin || password.file != "" {
			text, err = password.read(cmd, args[0])
		}
		return err
	}
	addRoles(cmd, &set, "set", "new role of the user")
	addRoles(cmd, &change.Add, "add", "role to add")
	addRoles(cmd, &change.Remove, "remove", "role to remove")
	password.add(cmd)
	return cmd
}
