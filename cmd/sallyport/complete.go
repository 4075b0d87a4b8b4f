package main

import (
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sallyport/sallyport/impl/apikey"
	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/config"
	"github.com/sallyport/sallyport/impl/platform/printable"
	"github.com/sallyport/sallyport/impl/store"
)

// completion returns the values of an argument or a flag for a shell.
type completion = cobra.CompletionFunc

// oneOf completes with the same values every time.
func oneOf(values ...string) completion {
	return cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)
}

// textsOf returns names of a kind as texts.
func textsOf[T ~string](names []T) []string {
	texts := make([]string, len(names))
	for i, name := range names {
		texts[i] = string(name)
	}
	return texts
}

// completeFlag sets the completion of a flag that was just added.
func completeFlag(cmd *cobra.Command, name string, f completion) {
	if err := cmd.RegisterFlagCompletionFunc(name, f); err != nil {
		panic(err) // the flag does not exist
	}
}

// platformRoles completes the roles of users.
func platformRoles() completion { return oneOf(identity.Names(identity.Roles)...) }

// fromDatabase completes the first argument with names that the database has. It neither creates nor migrates a
// database, and completes nothing if it cannot be read, or if the command works on a server: that would need
// credentials.
func fromDatabase(names func(*cobra.Command, records) ([]string, error)) completion {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		const nothing = cobra.ShellCompDirectiveNoFileComp
		if remote, err := onServer(cmd); remote || err != nil {
			return nil, nothing
		}
		flags := configFlags{keys: []string{"store"}}
		flags.file, _ = cmd.Flags().GetString("config") // the command has the flag
		c, err := config.Load(flags.sources(cmd))
		if len(args) > 0 || err != nil || c.Store == store.None {
			return nil, nothing
		}
		if path := databaseFile(c.Store); path != "" && !exists(path) {
			return nil, nothing
		}
		if current, target, err := store.Schema(cmd.Context(), c.Store); err != nil || current != target {
			return nil, nothing
		}

		var found []string
		err = withStore(cmd, c, func(r records) (err error) {
			found, err = names(cmd, r)
			return err
		})
		if err != nil {
			return nil, nothing
		}
		slices.Sort(found)
		return found, nothing
	}
}

// flagFromDatabase is fromDatabase for the value of a flag, whatever the arguments are.
func flagFromDatabase(names func(*cobra.Command, records) ([]string, error)) completion {
	complete := fromDatabase(names)
	return func(cmd *cobra.Command, _ []string, text string) ([]string, cobra.ShellCompDirective) {
		return complete(cmd, nil, text)
	}
}

// plainName matches names in which no shell finds a command, and which are no flags.
var plainName = regexp.MustCompile(`^[A-Za-z0-9@._+][A-Za-z0-9@._+-]*$`)

// safeNames returns the names that a shell may complete. Users of the API choose names, and bash runs the backticks in
// what it has inserted because several names begin with it.
func safeNames(names []string) []string {
	return slices.DeleteFunc(names, func(name string) bool { return !plainName.MatchString(name) })
}

// userNames returns the names of all users that a shell may complete.
func userNames(cmd *cobra.Command, r records) ([]string, error) {
	users, err := r.users().List(cmd.Context(), true)
	names := make([]string, len(users))
	for i, u := range users {
		names[i] = u.Name
	}
	return safeNames(names), err
}

// maxCompleted is the number of ids up to which a shell completes them.
const maxCompleted = 1000

// keyIDs returns the ids of the oldest valid API keys, each with a tab and the key's name, which shells show beside it.
// Ids that begin with a dash are omitted, because a shell would take them for flags.
func keyIDs(cmd *cobra.Command, r records) ([]string, error) {
	keys := r.keys()
	defer keys.Close()
	var ids []string
	for views, err := range keys.Find(cmd.Context(), apikey.Operator, apikey.Filter{Active: true}, false) {
		if err != nil {
			return nil, err
		}
		for _, view := range views {
			if !strings.HasPrefix(view.ID, "-") {
				ids = append(ids, view.ID+"\t"+printable.Text(view.Description))
			}
		}
		if len(ids) >= maxCompleted {
			break
		}
	}
	return ids, nil
}
