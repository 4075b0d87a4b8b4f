package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/sallyport/sallyport/impl/authz/privilege"
	"github.com/sallyport/sallyport/impl/authz/role"
	"github.com/sallyport/sallyport/impl/authz/roledescriptor"
	"github.com/sallyport/sallyport/impl/client"
)

// roleList is the Elasticsearch roles of a database, or of a server.
type roleList interface {
	list(context.Context) ([]shownRole, error)
	get(ctx context.Context, name string) (shownRole, error)
	// put adds or replaces a role, and reports whether it added one.
	put(ctx context.Context, name string, descriptor json.RawMessage) (bool, error)
	remove(ctx context.Context, name string) error
}

var roleLists = targetOf[roleList]{
	database: func(r records) (roleList, func()) {
		return databaseRoles{role.NewService(r.store, r.builtinRoles()), r.privilegeNames()}, func() {}
	},
	server: func(c *client.Client) roleList { return remoteRoles{c} },
}

// shownRole is a role as commands show it.
type shownRole struct {
	Name string `json:"name"`
	// Builtin marks a role that cannot be changed.
	Builtin    bool            `json:"builtin"`
	Descriptor json.RawMessage `json:"descriptor"`

	summary roleSummary
}

// roleSummary is what a table shows of a role.
type roleSummary struct {
	Cluster     []string          `json:"cluster"`
	Indices     []json.RawMessage `json:"indices"`
	Description string            `json:"description"`
	Metadata    struct {
		Reserved bool `json:"_reserved"`
	} `json:"metadata"`
}

// roleOf returns the role of a descriptor in JSON.
func roleOf(name string, descriptor json.RawMessage) (shownRole, error) {
	shown := shownRole{Name: name}
	if err := json.Unmarshal(descriptor, &shown.summary); err != nil {
		return shown, err
	}
	shown.Builtin = shown.summary.Metadata.Reserved
	var err error
	shown.Descriptor, err = sortedObject(descriptor, dropTransient)
	return shown, err
}

// rolesOf returns the roles of an object with descriptors, by name.
func rolesOf(object []byte) ([]shownRole, error) {
	var descriptors map[string]json.RawMessage
	if err := json.Unmarshal(object, &descriptors); err != nil {
		return nil, fmt.Errorf("the roles cannot be read: %w", err)
	}
	var shown []shownRole
	for _, name := range slices.Sorted(maps.Keys(descriptors)) {
		one, err := roleOf(name, descriptors[name])
		if err != nil {
			return nil, fmt.Errorf("the role %q cannot be read: %w", name, err)
		}
		shown = append(shown, one)
	}
	return shown, nil
}

// only returns the single role with a name.
func only(roles []shownRole, name string, err error) (shownRole, error) {
	if err == nil && len(roles) != 1 {
		err = noRole(name)
	}
	if err != nil {
		return shownRole{}, err
	}
	return roles[0], nil
}

func noRole(name string) error { return fmt.Errorf("there is no role %q", name) }

// databaseRoles are the roles of a database, and the built-in ones.
type databaseRoles struct {
	roles *role.Service
	names privilege.Names
}

func (s databaseRoles) find(ctx context.Context, names ...string) ([]shownRole, error) {
	set, err := s.roles.Get(ctx, names)
	if err != nil {
		return nil, err
	}
	return rolesOf(roledescriptor.Canonical(set))
}

func (s databaseRoles) list(ctx context.Context) ([]shownRole, error) { return s.find(ctx) }

func (s databaseRoles) get(ctx context.Context, name string) (shownRole, error) {
	found, err := s.find(ctx, name)
	return only(found, name, err)
}

func (s databaseRoles) put(ctx context.Context, name string, descriptor json.RawMessage) (bool, error) {
	value, err := decoded(descriptor)
	if err != nil {
		return false, err
	}
	options := roledescriptor.Options{AllowDescription: true, AllowDataSources: true}
	parsed, err := roledescriptor.Parse(name, value, options)
	if err != nil {
		return false, err
	}
	if err := s.roles.Check(name, parsed, s.names); err != nil {
		return false, err
	}
	return s.roles.Put(ctx, name, parsed)
}

func (s databaseRoles) remove(ctx context.Context, name string) error {
	found, err := s.roles.Delete(ctx, name)
	if err == nil && !found {
		err = noRole(name)
	}
	return err
}

// remoteRoles are the roles of a server.
type remoteRoles struct{ client *client.Client }

// segment refuses a name that would make the path another operation's.
func segment(name string) error {
	if name == "." || name == ".." {
		return usageErrorf("%q cannot be the name of an object", name)
	}
	return nil
}

func (s remoteRoles) list(ctx context.Context) ([]shownRole, error) {
	r, err := s.client.API().SecurityGetRolesWithResponse(ctx, nil)
	if err != nil {
		return nil, err
	}
	return rolesOf(r.Body)
}

func (s remoteRoles) get(ctx context.Context, name string) (shownRole, error) {
	if err := segment(name); err != nil {
		return shownRole{}, err
	}
	r, err := s.client.API().SecurityGetRoleWithResponse(ctx, name, nil)
	if client.IsNotFound(err) {
		return shownRole{}, noRole(name)
	}
	if err != nil {
		return shownRole{}, err
	}
	found, err := rolesOf(r.Body)
	return only(found, name, err)
}

func (s remoteRoles) put(ctx context.Context, name string, descriptor json.RawMessage) (bool, error) {
	if err := segment(name); err != nil {
		return false, err
	}
	r, err := s.client.API().SecurityPutRoleWithBodyWithResponse(ctx, name, nil, "application/json",
		bytes.NewReader(descriptor))
	if err != nil {
		return false, err
	}
	return r.JSON200 != nil && r.JSON200.Role.Created, nil
}

func (s remoteRoles) remove(ctx context.Context, name string) error {
	if err := segment(name); err != nil {
		return err
	}
	_, err := s.client.API().SecurityDeleteRoleWithResponse(ctx, name, nil)
	if client.IsNotFound(err) {
		return noRole(name)
	}
	return err
}
