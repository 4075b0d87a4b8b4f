package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sallyport/sallyport/impl/authn/identity"
)

// roleChange is a change of a user's platform roles.
type roleChange struct{ set, add, remove []string }

// apply returns the platform roles of a user after the change.
func (c roleChange) apply(roles []string) []string {
	if c.set != nil {
		return c.set
	}
	changed := slices.DeleteFunc(slices.Clone(roles), func(role string) bool {
		return slices.Contains(c.remove, role) || !slices.Contains(identity.Roles, identity.Role(role))
	})
	for _, role := range c.add {
		if !slices.Contains(changed, role) {
			changed = append(changed, role)
		}
	}
	return changed
}

func newUserRole() *cobra.Command {
	var change roleChange
	var password newPassword
	var text string
	cmd := namedUser(&cobra.Command{
		Use:   "role NAME",
		Short: "Change a user's platform roles",
		Long: "role replaces the platform roles of a user (--set), or adds and removes some. Elasticsearch roles stay.\n" +
			"New roles take effect at once. A user that gains a role signs in again, and loses the second factor. If\n" +
			"another user set the password, a role can be gained together with a new password only: add\n" +
			"--password-stdin.",
		Example: "  sallyport user role alice --set ece_platform_viewer\n" +
			"  sallyport user role alice --add ece_deployment_viewer --remove ece_platform_viewer",
	}, func(cmd *cobra.Command, users directory, name string) error {
		u, err := users.get(cmd.Context(), name)
		if err != nil {
			return err
		}
		roles := change.apply(u.Roles)
		if err := users.setRoles(cmd.Context(), name, roles, text); err != nil {
			return err
		}
		return printLine(cmd, "the user %s has the platform roles %s", name, strings.Join(roles, ", "))
	})
	cmd.PreRunE = func(cmd *cobra.Command, args []string) (err error) {
		if change.set == nil && change.add == nil && change.remove == nil {
			return usageErrorf("--set, --add or --remove: name at least one role")
		}
		if change.set != nil && (change.add != nil || change.remove != nil) {
			return usageErrorf("--set replaces all platform roles: leave out --add and --remove")
		}
		if password.fromStdin || password.file != "" {
			text, err = password.read(cmd, args[0])
		}
		return err
	}
	addRoles(cmd, &change.set, "set", "new role of the user")
	addRoles(cmd, &change.add, "add", "role to add")
	addRoles(cmd, &change.remove, "remove", "role to remove")
	password.add(cmd)
	return cmd
}
