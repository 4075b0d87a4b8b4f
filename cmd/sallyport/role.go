package main

import (
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

func newRole() *cobra.Command {
	return newGroup("role", "Manage Elasticsearch roles, on the database or on a server",
		newRoleDelete(), newRoleList(), newRolePut(), newRoleShow())
}

// roleNames returns the names of all roles of the database that a shell may complete.
func roleNames(cmd *cobra.Command, r records) ([]string, error) {
	roles, _ := roleLists.database(r)
	list, err := roles.list(cmd.Context())
	names := make([]string, len(list))
	for i, one := range list {
		names[i] = one.Name
	}
	return safeNames(names), err
}

// namedRole makes a command work on one role.
func namedRole(cmd *cobra.Command, run func(*cobra.Command, roleList, string) error) *cobra.Command {
	cmd.Args = oneArgument("NAME")
	return targetCommand(completeNames(cmd, roleNames), roleLists,
		func(cmd *cobra.Command, roles roleList, args []string) error { return run(cmd, roles, args[0]) })
}

func newRoleList() *cobra.Command {
	var out printer
	cmd := targetCommand(&cobra.Command{
		Use:     "list",
		Short:   "List the roles, built-in ones included",
		Example: "  sallyport role list\n  sallyport role list --output json",
		Args:    cobra.NoArgs,
	}, roleLists, func(cmd *cobra.Command, roles roleList, _ []string) error {
		list, err := roles.list(cmd.Context())
		if err != nil {
			return err
		}
		rows := [][]string{{"NAME", "BUILT IN", "CLUSTER PRIVILEGES", "INDEX ENTRIES", "DESCRIPTION"}}
		for _, one := range list {
			rows = append(rows, []string{
				one.Name, strconv.FormatBool(one.Builtin), abbreviate(strings.Join(one.summary.Cluster, ",")),
				strconv.Itoa(len(one.summary.Indices)), one.summary.Description,
			})
		}
		return out.print(cmd, orEmpty(list), rows)
	})
	out.add(cmd)
	return cmd
}

func newRoleShow() *cobra.Command {
	var out printer
	cmd := namedRole(&cobra.Command{
		Use:     "show NAME",
		Short:   "Show a role with its descriptor",
		Example: "  sallyport role show superuser\n  sallyport role show superuser --output json",
	}, func(cmd *cobra.Command, roles roleList, name string) error {
		one, err := roles.get(cmd.Context(), name)
		if err != nil {
			return err
		}
		return out.print(cmd, one, [][]string{
			{"NAME", one.Name},
			{"BUILT IN", strconv.FormatBool(one.Builtin)},
			{"DESCRIPTOR", jsonCell(one.Descriptor)},
		})
	})
	out.add(cmd)
	return cmd
}

func newRolePut() *cobra.Command {
	var file string
	var descriptor []byte
	cmd := namedRole(&cobra.Command{
		Use:     "put NAME --file FILE",
		Short:   "Add or replace a role",
		Example: "  echo '{\"cluster\": [\"monitor\"]}' | sallyport role put monitoring --file -",
	}, func(cmd *cobra.Command, roles roleList, name string) error {
		added, err := roles.put(cmd.Context(), name, descriptor)
		if err != nil {
			return err
		}
		if added {
			return printLine(cmd, "added the role %s", name)
		}
		return printLine(cmd, "replaced the role %s", name)
	})
	cmd.PreRunE = func(cmd *cobra.Command, _ []string) (err error) {
		if file == "" {
			return usageErrorf("--file: name the file with the role's descriptor, or - for standard input")
		}
		descriptor, err = readObject(cmd, "file", file)
		return err
	}
	cmd.Flags().StringVar(&file, "file", "", "JSON or YAML file with the role's descriptor; - for standard input")
	return cmd
}

func newRoleDelete() *cobra.Command {
	return namedRole(&cobra.Command{
		Use:     "delete NAME",
		Short:   "Delete a role",
		Example: "  sallyport role delete logs-reader",
	}, func(cmd *cobra.Command, roles roleList, name string) error {
		if err := roles.remove(cmd.Context(), name); err != nil {
			return err
		}
		return printLine(cmd, "deleted the role %s", name)
	})
}
