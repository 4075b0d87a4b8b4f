package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	gen "github.com/sallyport/sallyport/gen/client"
	"github.com/sallyport/sallyport/impl/apikey"
	"github.com/sallyport/sallyport/impl/authz/privilege"
	"github.com/sallyport/sallyport/impl/authz/role"
	"github.com/sallyport/sallyport/impl/authz/roledescriptor"
	"github.com/sallyport/sallyport/impl/client"
	"github.com/sallyport/sallyport/impl/fault"
)

// keyring is the API keys of a database, or of a server.
type keyring interface {
	list(context.Context, keyFilter) ([]shownKey, error)
	get(ctx context.Context, id string) (shownKey, error)
	create(context.Context, newKey) (createdKey, error)
	// invalidate returns the ids of the keys that it invalidated.
	invalidate(ctx context.Context, ids []string, user string) ([]string, error)
}

var keyrings = targetOf[keyring]{
	database: func(r records) (keyring, func()) {
		keys := r.keys()
		return databaseKeys{keys, r.privilegeNames()}, keys.Close
	},
	server: func(c *client.Client) keyring { return remoteKeys{c} },
}

// keys returns the service of API keys, with the limits of the server. It must be closed.
func (r records) keys() *apikey.Service {
	settings := r.config.Keys
	settings.Builtin = r.builtinRoles()
	return apikey.NewService(r.store, settings, slog.New(slog.DiscardHandler))
}

// builtinRoles returns the built-in roles of the version that the server speaks.
func (r records) builtinRoles() role.Builtin {
	speaks := r.config.Compatibility.Elasticsearch
	return role.NewBuiltin(speaks.EarlierRoles, speaks.NarrowerRoles)
}

// privilegeNames returns the names of privileges in the version that the server speaks.
func (r records) privilegeNames() privilege.Names {
	speaks := r.config.Compatibility.Elasticsearch
	return privilege.NewNames(speaks.ClusterPrivileges, speaks.IndexPrivileges)
}

// keyFilter selects keys; an empty text selects all.
type keyFilter struct {
	user, name string
	// all includes keys that are invalidated or expired.
	all bool
	// mine selects the keys of the caller of a server.
	mine bool
}

// newKey describes a key to create.
type newKey struct {
	// owner is empty for the caller of a server.
	owner, name string
	// lifetime is zero for a key that does not expire.
	lifetime time.Duration
	// descriptors and metadata are JSON objects, or nil.
	descriptors, metadata json.RawMessage
}

// createdKey is a new key with its credential, which cannot be shown again.
type createdKey struct {
	ID      string     `json:"id"`
	Name    string     `json:"name"`
	Owner   string     `json:"owner"`
	Expires *time.Time `json:"expires,omitempty"`
	Encoded string     `json:"encoded"`
}

// shownKey is a key as commands show it.
type shownKey struct {
	ID              string          `json:"id"`
	Name            string          `json:"name"`
	Owner           string          `json:"owner"`
	Realm           string          `json:"realm"`
	State           string          `json:"state"`
	CrossCluster    bool            `json:"cross_cluster,omitempty"`
	Created         time.Time       `json:"created"`
	Expires         *time.Time      `json:"expires,omitempty"`
	Invalidated     *time.Time      `json:"invalidated,omitempty"`
	LastUsed        *time.Time      `json:"last_used,omitempty"`
	Metadata        json.RawMessage `json:"metadata,omitempty"`
	RoleDescriptors json.RawMessage `json:"role_descriptors,omitempty"`
}

// activeState is the state of a key that works.
const activeState = "active"

// withState returns the key with its state at a time.
func (k shownKey) withState(now time.Time) shownKey {
	switch {
	case k.Invalidated != nil:
		k.State = "invalidated"
	case k.Expires != nil && !now.Before(*k.Expires):
		k.State = "expired"
	default:
		k.State = activeState
	}
	return k
}

// normalized returns the key with its state at a time, and with JSON that is the same on a database and on a server.
func (k shownKey) normalized(now time.Time) (shownKey, error) {
	metadata, err := sortedObject(k.Metadata, func(map[string]any) {})
	if err != nil {
		return k, fmt.Errorf("the metadata of the API key %q cannot be read: %w", k.ID, err)
	}
	descriptors, err := sortedObject(k.RoleDescriptors, dropEachTransient)
	if err != nil {
		return k, fmt.Errorf("the role descriptors of the API key %q cannot be read: %w", k.ID, err)
	}
	k.Metadata, k.RoleDescriptors = metadata, descriptors
	return k.withState(now), nil
}

func noKey(id string) error {
	return fault.New(fault.KeyNotFound, fmt.Sprintf("there is no API key %q", id))
}

// databaseKeys are the keys of a database.
type databaseKeys struct {
	keys  *apikey.Service
	names privilege.Names
}

func (s databaseKeys) list(ctx context.Context, f keyFilter) ([]shownKey, error) {
	if f.mine {
		return nil, usageErrorf("--mine is for a server: name a user with --user")
	}
	filter := apikey.Filter{UserName: f.user, Name: f.name, Active: !f.all}
	if err := filter.Check(); err != nil {
		return nil, err
	}
	return s.find(ctx, filter)
}

func (s databaseKeys) find(ctx context.Context, f apikey.Filter) ([]shownKey, error) {
	var shown []shownKey
	for views, err := range s.keys.Find(ctx, apikey.Operator, f, false) {
		if err != nil {
			return nil, err
		}
		for _, view := range views {
			key, err := keyOfView(view).normalized(time.Now())
			if err != nil {
				return nil, err
			}
			shown = append(shown, key)
		}
	}
	return shown, nil
}

func keyOfView(v apikey.View) shownKey {
	shown := shownKey{
		ID:           v.ID,
		Name:         v.Description,
		Owner:        v.UserName,
		Realm:        v.Realm.Name,
		CrossCluster: v.CrossCluster,
		Created:      v.CreatedAt.UTC(),
		Expires:      timeOrNil(v.ExpiresAt),
		Invalidated:  timeOrNil(v.InvalidatedAt),
		LastUsed:     timeOrNil(v.LastUsedAt),
		Metadata:     json.RawMessage(v.Metadata),
	}
	if len(v.Assigned) > 0 {
		shown.RoleDescriptors = roledescriptor.Canonical(v.Assigned)
	}
	return shown
}

func (s databaseKeys) get(ctx context.Context, id string) (shownKey, error) {
	found, err := s.find(ctx, apikey.Filter{ID: id})
	if err == nil && len(found) == 0 {
		err = noKey(id)
	}
	if err != nil {
		return shownKey{}, err
	}
	return found[0], nil
}

func (s databaseKeys) create(ctx context.Context, n newKey) (createdKey, error) {
	if n.owner == "" {
		return createdKey{}, usageErrorf("--user: name the owner of the key")
	}
	c, err := n.creation()
	if err != nil {
		return createdKey{}, err
	}
	if err := fault.Invalid(c.Problems(s.names)); err != nil {
		return createdKey{}, err
	}
	key, credential, err := s.keys.CreateFor(ctx, n.owner, c)
	return createdKey{key.ID, key.Description, key.UserName, timeOrNil(key.ExpiresAt), credential.Encoded()}, err
}

func (s databaseKeys) invalidate(ctx context.Context, ids []string, user string) ([]string, error) {
	selection := apikey.Selection{IDs: ids, UserName: user}
	if err := selection.Check(); err != nil {
		return nil, err
	}
	return s.keys.Invalidate(ctx, apikey.Operator, selection)
}

// remoteKeys are the keys of a server that its caller may see.
type remoteKeys struct{ client *client.Client }

func (s remoteKeys) list(ctx context.Context, f keyFilter) ([]shownKey, error) {
	list, err := s.find(ctx, gen.SecurityGetAPIKeysParams{
		Username:   textOrNil(f.user),
		Name:       textOrNil(f.name),
		Owner:      &f.mine,
		ActiveOnly: new(!f.all),
	})
	if client.IsForbidden(err) && !f.mine {
		err = fmt.Errorf("%w; --mine lists the caller's own keys", err)
	}
	return list, err
}

func (s remoteKeys) find(ctx context.Context, params gen.SecurityGetAPIKeysParams) ([]shownKey, error) {
	r, err := s.client.API().SecurityGetAPIKeysWithResponse(ctx, &params)
	if err != nil {
		return nil, err
	}
	// The body is read as it is, because role descriptors are shown with all members that the server has.
	var answer struct {
		APIKeys []struct {
			ID              string          `json:"id"`
			Name            string          `json:"name"`
			Type            string          `json:"type"`
			Username        string          `json:"username"`
			Realm           string          `json:"realm"`
			Creation        int64           `json:"creation"`
			Expiration      *int64          `json:"expiration"`
			Invalidation    *int64          `json:"invalidation"`
			LastUsed        *int64          `json:"last_used"`
			Metadata        json.RawMessage `json:"metadata"`
			RoleDescriptors json.RawMessage `json:"role_descriptors"`
		} `json:"api_keys"`
	}
	if err := json.Unmarshal(r.Body, &answer); err != nil {
		return nil, fmt.Errorf("the server's answer cannot be read: %w", err)
	}
	shown := make([]shownKey, len(answer.APIKeys))
	for i, key := range answer.APIKeys {
		shown[i], err = shownKey{
			ID:              key.ID,
			Name:            key.Name,
			Owner:           key.Username,
			Realm:           key.Realm,
			CrossCluster:    key.Type == "cross_cluster",
			Created:         time.UnixMilli(key.Creation).UTC(),
			Expires:         milliseconds(key.Expiration),
			Invalidated:     milliseconds(key.Invalidation),
			LastUsed:        milliseconds(key.LastUsed),
			Metadata:        unlessEmpty(key.Metadata),
			RoleDescriptors: unlessEmpty(key.RoleDescriptors),
		}.normalized(time.Now())
		if err != nil {
			return nil, err
		}
	}
	return shown, nil
}

// milliseconds returns a time of an answer.
func milliseconds(since1970 *int64) *time.Time {
	if since1970 == nil {
		return nil
	}
	return timeOrNil(time.UnixMilli(*since1970))
}

// unlessEmpty returns a JSON object, or nil for an empty one.
func unlessEmpty(object json.RawMessage) json.RawMessage {
	if bytes.Equal(object, []byte("{}")) {
		return nil
	}
	return object
}

func (s remoteKeys) get(ctx context.Context, id string) (shownKey, error) {
	found, err := s.find(ctx, gen.SecurityGetAPIKeysParams{ID: &id})
	if client.IsForbidden(err) { // a caller without privileges may still see its own keys
		found, err = s.find(ctx, gen.SecurityGetAPIKeysParams{ID: &id, Owner: new(true)})
	}
	if client.IsNotFound(err) || err == nil && len(found) == 0 {
		err = noKey(id)
	}
	if err != nil {
		return shownKey{}, err
	}
	return found[0], nil
}

func (s remoteKeys) create(ctx context.Context, n newKey) (createdKey, error) {
	caller, err := s.client.Caller(ctx)
	if err != nil {
		return createdKey{}, err
	}
	if n.owner != "" && n.owner != caller.UserName {
		return createdKey{}, usageErrorf("a server creates keys of its caller, %q, and not of %q", caller.UserName, n.owner)
	}

	request := map[string]any{"name": n.name}
	if n.lifetime != 0 {
		request["expiration"] = fmt.Sprintf("%ds", int64(n.lifetime/time.Second))
	}
	if n.descriptors != nil {
		request["role_descriptors"] = n.descriptors
	}
	if n.metadata != nil {
		request["metadata"] = n.metadata
	}
	body, err := json.Marshal(request)
	if err != nil {
		return createdKey{}, err
	}
	r, err := s.client.API().SecurityCreateAPIKeyWithBodyWithResponse(ctx, nil, "application/json", bytes.NewReader(body))
	if err != nil {
		return createdKey{}, err
	}
	if r.JSON200 == nil {
		return createdKey{}, fmt.Errorf("the server answered %s; list its keys to see whether it created one", r.Status())
	}
	key := *r.JSON200
	return createdKey{key.ID, key.Name, caller.UserName, milliseconds(key.Expiration), key.Encoded}, nil
}

func (s remoteKeys) invalidate(ctx context.Context, ids []string, user string) ([]string, error) {
	if ids == nil {
		return s.invalidateSelected(ctx, map[string]any{"username": user})
	}
	ended, err := s.invalidateSelected(ctx, map[string]any{"ids": ids})
	if client.IsForbidden(err) { // a caller without privileges may still invalidate its own keys
		ended, err = s.invalidateSelected(ctx, map[string]any{"ids": ids, "owner": true})
	}
	return ended, err
}

func (s remoteKeys) invalidateSelected(ctx context.Context, request map[string]any) ([]string, error) {
	body, err := json.Marshal(request)
	if err != nil {
		return nil, err
	}
	r, err := s.client.API().SecurityInvalidateAPIKeysWithBodyWithResponse(ctx, "application/json", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if r.JSON200 == nil {
		return nil, fmt.Errorf("the server answered %s", r.Status())
	}
	return r.JSON200.InvalidatedAPIKeys, nil
}
