package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sallyport/sallyport/impl/platform/duration"
	"github.com/sallyport/sallyport/impl/platform/printable"
)

func newKeyCommand() *cobra.Command {
	return newGroup("key", "Manage API keys, on the database or on a server",
		newKeyCreate(), newKeyDoubtful(), newKeyInvalidate(), newKeyList(), newKeyRotate(), newKeyShow())
}

// lifetime is the value of the flag --expires-in.
type lifetime struct{ duration time.Duration }

// add adds the flag to a command.
func (l *lifetime) add(cmd *cobra.Command, about string) { cmd.Flags().Var(l, "expires-in", about) }

// String implements pflag.Value.
func (l *lifetime) String() string {
	if l.duration == 0 {
		return ""
	}
	return l.duration.String()
}

// Set implements pflag.Value.
func (l *lifetime) Set(text string) error {
	d, err := duration.Parse(text)
	if err != nil || d < time.Second {
		return fmt.Errorf("this must be a duration of at least a second, such as 30m, 12h or 90d")
	}
	l.duration = d.Truncate(time.Second)
	return nil
}

// Type implements pflag.Value.
func (l *lifetime) Type() string { return "duration" }

func newKeyCreate() *cobra.Command {
	var n newKey
	var expires lifetime
	var descriptors, metadata string
	var out printer
	cmd := targetCommand(&cobra.Command{
		Use:   "create NAME",
		Short: "Create an API key, and print it once",
		Long: "create creates an API key of a user on the database, or of the caller on a server. Without role\n" +
			"descriptors it has its owner's privileges. One that is created on the database gains nothing by a later\n" +
			"promotion of its owner.",
		Example: "  sallyport key create nightly --user alice --expires-in 90d\n" +
			"  sallyport key create reader --user alice --role-descriptors descriptors.json --output json",
		Args: oneArgument("NAME"),
	}, keyrings, func(cmd *cobra.Command, keys keyring, args []string) error {
		n.name, n.lifetime = args[0], expires.duration
		created, err := keys.create(cmd.Context(), n)
		if err != nil {
			return err
		}
		return printCreated(cmd, out, created)
	})
	cmd.PreRunE = func(cmd *cobra.Command, _ []string) (err error) {
		if n.descriptors, err = readObject(cmd, "role-descriptors", descriptors); err != nil {
			return err
		}
		n.metadata, err = readObject(cmd, "metadata", metadata)
		return err
	}
	cmd.Flags().StringVar(&n.owner, "user", "", "owner of the key; by default the caller on a server")
	completeFlag(cmd, "user", flagFromDatabase(userNames))
	expires.add(cmd, "time to live, such as 12h or 90d; by default the key does not expire, unless the server limits it")
	cmd.Flags().StringVar(&descriptors, "role-descriptors", "",
		"JSON or YAML file with Elasticsearch role descriptors by name; - for standard input")
	cmd.Flags().StringVar(&metadata, "metadata", "", "JSON or YAML file with the key's metadata")
	out.add(cmd)
	return cmd
}

// oneArgument accepts exactly one argument, which has the name.
func oneArgument(name string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 1 && args[0] != "" {
			return nil
		}
		return fmt.Errorf("this takes one %s: %s", name, cmd.UseLine())
	}
}

// printCreated prints a new key with its credential.
func printCreated(cmd *cobra.Command, out printer, key createdKey) error {
	err := out.print(cmd, key, [][]string{
		{"ID", "NAME", "OWNER", "EXPIRES", "API KEY"},
		{key.ID, key.Name, key.Owner, optionalTime(key.Expires), key.Encoded},
	})
	if err == nil {
		note(cmd, "the API key is not shown again; send it as: Authorization: ApiKey KEY")
	}
	return err
}

func newKeyList() *cobra.Command {
	var f keyFilter
	var out printer
	cmd := targetCommand(&cobra.Command{
		Use:     "list",
		Short:   "List API keys, oldest first",
		Example: "  sallyport key list\n  sallyport key list --user alice --all --output json",
		Args:    cobra.NoArgs,
	}, keyrings, func(cmd *cobra.Command, keys keyring, _ []string) error {
		list, err := keys.list(cmd.Context(), f)
		if err != nil {
			return err
		}
		rows := [][]string{{"ID", "NAME", "OWNER", "STATE", "CREATED", "EXPIRES", "LAST USED"}}
		for _, key := range list {
			rows = append(rows, []string{
				key.ID, key.Name, key.Owner, key.State, formatTime(key.Created),
				optionalTime(key.Expires), optionalTime(key.LastUsed),
			})
		}
		return out.print(cmd, orEmpty(list), rows)
	})
	cmd.Flags().StringVar(&f.user, "user", "", "list the keys of this user only")
	completeFlag(cmd, "user", flagFromDatabase(userNames))
	cmd.Flags().StringVar(&f.name, "name", "", "list the keys of this name only; * at the end stands for any rest")
	cmd.Flags().BoolVar(&f.all, "all", false, "also list keys that are expired or invalidated")
	cmd.Flags().BoolVar(&f.mine, "mine", false, "on a server: list the caller's keys only")
	out.add(cmd)
	return cmd
}

func newKeyShow() *cobra.Command {
	var out printer
	cmd := targetCommand(&cobra.Command{
		Use:     "show ID",
		Short:   "Show an API key, without its secret",
		Example: "  sallyport key show --output yaml \"$KEY_ID\"",
		Args:    oneArgument("ID"),
	}, keyrings, func(cmd *cobra.Command, keys keyring, args []string) error {
		key, err := keys.get(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		return out.print(cmd, key, [][]string{
			{"ID", key.ID},
			{"NAME", key.Name},
			{"OWNER", key.Owner},
			{"STATE", key.State},
			{"CREATED", formatTime(key.Created)},
			{"EXPIRES", optionalTime(key.Expires)},
			{"INVALIDATED", optionalTime(key.Invalidated)},
			{"LAST USED", optionalTime(key.LastUsed)},
			{"METADATA", jsonCell(key.Metadata)},
			{"ROLE DESCRIPTORS", jsonCell(key.RoleDescriptors)},
		})
	})
	out.add(cmd)
	return completeNames(cmd, keyIDs)
}

// jsonCell returns a JSON text for a table. It stays JSON, because only its strings are escaped.
func jsonCell(text json.RawMessage) string { return printable.JSON(string(text)) }

func newKeyInvalidate() *cobra.Command {
	var user string
	cmd := targetCommand(&cobra.Command{
		Use:     "invalidate ID... | --user NAME",
		Short:   "Invalidate API keys by their ids, or all of a user",
		Example: "  sallyport key invalidate \"$KEY_ID\"\n  sallyport key invalidate --user alice",
		Args: func(cmd *cobra.Command, args []string) error {
			if (len(args) == 0) == (user == "") {
				return fmt.Errorf("this takes the ids of keys, or --user: %s", cmd.UseLine())
			}
			return nil
		},
	}, keyrings, func(cmd *cobra.Command, keys keyring, args []string) error {
		var ids []string
		if user == "" {
			ids = args
		}
		ended, err := keys.invalidate(cmd.Context(), ids, user)
		if err != nil {
			return err
		}
		if err := printLine(cmd, "invalidated %s", quantity(len(ended), "API key")); err != nil {
			return err
		}
		rest := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return slices.Contains(ended, id) })
		if len(rest) > 0 {
			return fmt.Errorf("no valid API keys: %s", strings.Join(rest, ", "))
		}
		return nil
	})
	cmd.Flags().StringVar(&user, "user", "", "invalidate all keys of this user")
	completeFlag(cmd, "user", flagFromDatabase(userNames))
	cmd.ValidArgsFunction = flagFromDatabase(keyIDs)
	return cmd
}

func newKeyRotate() *cobra.Command {
	var expires lifetime
	var keep bool
	var out printer
	cmd := targetCommand(&cobra.Command{
		Use:   "rotate ID",
		Short: "Replace an API key by a new one with the same owner, name, privileges and metadata",
		Long: "rotate creates a key like another one, prints it, and then invalidates the old one. With --keep the old\n" +
			"key stays valid until it is invalidated. The new key has the time to live of the old one, and the\n" +
			"privileges that its owner has now. On a server only the caller's own keys can be rotated. If the old key\n" +
			"cannot be invalidated, or another command was faster, rotate fails, and the new key stays valid.",
		Example: "  sallyport key rotate \"$KEY_ID\"\n  sallyport key rotate --keep --expires-in 30d \"$KEY_ID\"",
		Args:    oneArgument("ID"),
	}, keyrings, func(cmd *cobra.Command, keys keyring, args []string) error {
		old, err := keys.get(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		n, err := old.successor(expires.duration)
		if err != nil {
			return err
		}
		created, err := keys.create(cmd.Context(), n)
		if err != nil {
			return err
		}
		// The new key is printed first: it is lost if the old one cannot be invalidated.
		if err := printCreated(cmd, out, created); err != nil || keep {
			return err
		}
		ended, err := keys.invalidate(cmd.Context(), []string{old.ID}, "")
		if err != nil {
			return fmt.Errorf("the new key is valid, but the old one, %s, could not be invalidated: %w", old.ID, err)
		}
		if !slices.Contains(ended, old.ID) {
			return fmt.Errorf("the new key, %s, is valid, but the old one, %s, was invalidated by another command: "+
				"if that was a rotation, there are two new keys, of which one is to be invalidated", created.ID, old.ID)
		}
		note(cmd, "invalidated the API key %s", old.ID)
		return nil
	})
	expires.add(cmd, "time to live of the new key, such as 12h or 90d; by default that of the old one")
	cmd.Flags().BoolVar(&keep, "keep", false, "leave the old key valid")
	out.add(cmd)
	return completeNames(cmd, keyIDs)
}

// successor describes a key like another one.
func (k shownKey) successor(lifetime time.Duration) (newKey, error) {
	switch {
	case k.State != activeState:
		return newKey{}, fmt.Errorf("the API key %s is %s: create another one", k.ID, k.State)
	case k.CrossCluster:
		return newKey{}, fmt.Errorf("the API key %s is for another cluster, and cannot be rotated", k.ID)
	}
	n := newKey{owner: k.Owner, name: k.Name, lifetime: lifetime, descriptors: k.RoleDescriptors}
	if lifetime == 0 && k.Expires != nil {
		n.lifetime = k.Expires.Sub(k.Created).Round(time.Second)
	}
	var err error
	n.metadata, err = withoutReserved(k.Metadata)
	return n, err
}

// withoutReserved returns metadata without the members that only a server can set, which begin with an underscore.
func withoutReserved(metadata json.RawMessage) (json.RawMessage, error) {
	if len(metadata) == 0 {
		return nil, nil
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(metadata, &members); err != nil {
		return nil, err
	}
	for name := range members {
		if strings.HasPrefix(name, "_") {
			delete(members, name)
		}
	}
	return json.Marshal(members)
}
