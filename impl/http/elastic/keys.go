package elastic

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net/http"
	"slices"
	"time"

	gen "github.com/sallyport/sallyport/gen/elastic"
	"github.com/sallyport/sallyport/impl/apikey"
	"github.com/sallyport/sallyport/impl/authz/roledescriptor"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/http/contract"
	"github.com/sallyport/sallyport/impl/http/convert"
)

func (a *API) keyOperations() []operation {
	return []operation{
		row[bulkUpdate, apikey.Outcome]{
			operations: []string{"security-bulk-update-api-keys"},
			undecoded:  undecodedKeyMembers,
			read:       readBulkUpdate,
			check:      a.checkBulkUpdate,
			do: func(ctx context.Context, caller call, b bulkUpdate) (apikey.Outcome, error) {
				return a.Keys.BulkUpdate(ctx, caller.Subject, b.ids, b.update, b.dryRun)
			},
			show: showOutcome,
		},
		row[oneUpdate, bool]{
			operations: []string{"security-update-api-key"},
			undecoded:  undecodedKeyMembers,
			read:       readOneUpdate,
			check:      func(u oneUpdate) error { return fault.Invalid(u.update.Problems(a.Names)) },
			do: func(ctx context.Context, caller call, u oneUpdate) (bool, error) {
				return a.Keys.Update(ctx, caller.Subject, u.id, u.update)
			},
			show: func(updated bool) (response, error) { return ok(gen.UpdateAPIKeyResponse{Updated: updated}) },
		},
		row[apikey.Creation, createdKey]{
			operations: []string{"security-create-api-key", "security-create-api-key-put"},
			undecoded:  undecodedKeyMembers,
			read:       readNewKey,
			check:      func(c apikey.Creation) error { return fault.Invalid(c.Problems(a.Names)) },
			do: func(ctx context.Context, caller call, c apikey.Creation) (createdKey, error) {
				key, credential, err := a.Keys.Create(ctx, caller.Subject, c)
				return createdKey{key, credential}, err
			},
			show: showCreatedKey,
		},
		a.grantOperation(),
		row[keyFilter, foundKeys]{
			operations: []string{"security-get-api-keys"},
			read:       readKeyFilter,
			check:      func(f keyFilter) error { return f.filter.Check() },
			authorize: func(caller call, f keyFilter) error {
				return f.filter.Authorize(caller.Subject, caller.action, f.limits)
			},
			do:   a.findKeys,
			show: foundKeys.show,
		},
		row[keyQuery, gen.QueryAPIKeysResponse]{
			operations: []string{"security-query-api-keys", "security-query-api-keys-get"},
			read:       a.readKeyQuery,
			authorize: func(caller call, q keyQuery) error {
				return apikey.AuthorizeQuery(caller.Subject, caller.action, q.limits)
			},
			do:   a.queryKeys,
			show: okay[gen.QueryAPIKeysResponse],
		},
		row[apikey.Selection, []string]{
			operations: []string{"security-invalidate-api-keys"},
			read:       bodyOf(readInvalidation),
			check:      apikey.Selection.Check,
			authorize: func(caller call, s apikey.Selection) error {
				return s.Authorize(caller.Subject, caller.action)
			},
			do: func(ctx context.Context, caller call, s apikey.Selection) ([]string, error) {
				return a.Keys.Invalidate(ctx, caller.Subject, s)
			},
			show: showInvalidated,
		},
	}
}

func (a *API) checkBulkUpdate(b bulkUpdate) error {
	problems := b.update.Problems(a.Names)
	if len(b.ids) == 0 {
		problems = append([]string{"Field [ids] cannot be empty"}, problems...)
	}
	return fault.Invalid(problems)
}

func showOutcome(outcome apikey.Outcome) (response, error) {
	return ok(gen.BulkUpdateAPIKeysResponse{
		Updated: outcome.Updated,
		Noops:   outcome.Noops,
		Errors:  showFailed(outcome.Failed),
	})
}

// showFailed returns what a request for several objects could not change, with the reasons; nil if there is nothing.
func showFailed(failed map[string]*fault.Error) *gen.BulkUpdateErrors {
	if len(failed) == 0 {
		return nil
	}
	details := make(gen.BulkUpdateErrorDetails, len(failed))
	for name, f := range failed {
		details[name] = gen.ElasticsearchErrorCause{Type: typeOf(f.Code), Reason: contract.ClipTo(f.Message, maxReason)}
	}
	return &gen.BulkUpdateErrors{Count: len(details), Details: details}
}

// createdKey is a new key with its credential.
type createdKey struct {
	key        apikey.Key
	credential apikey.Credential
}

func showCreatedKey(c createdKey) (response, error) {
	return ok(gen.SecurityCreateAPIKeyResponse{
		ID:         c.key.ID,
		Name:       c.key.Description,
		Expiration: instant(c.key.ExpiresAt),
		APIKey:     c.credential.Secret,
		Encoded:    c.credential.Encoded(),
	})
}

// keyFilter is a request to list keys.
type keyFilter struct {
	filter apikey.Filter
	// limits adds the role descriptors that limit each key, and profiles the ids of the owners' profiles.
	limits, profiles bool
}

func readKeyFilter(r request) (keyFilter, error) {
	filter := apikey.Filter{
		ID:        r.query["id"],
		Name:      r.query["name"],
		UserName:  r.query["username"],
		RealmName: r.query["realm_name"],
		Owned:     r.flag("owner"),
		Active:    r.flag("active_only"),
	}
	return keyFilter{filter, r.flag("with_limited_by"), r.flag(withProfileUID)}, nil
}

// foundKeys are the keys of a list, which are read while the response is sent, or one key.
type foundKeys struct {
	parts iter.Seq2[[]byte, error]
	one   listing
}

func (a *API) findKeys(ctx context.Context, caller call, f keyFilter) (foundKeys, error) {
	chunks := a.Keys.Find(ctx, caller.Subject, f.filter, f.limits)
	show := func(views []apikey.View) ([]gen.APIKeyInformation, error) { return a.showKeys(ctx, views, f.profiles) }
	if f.filter.ID == "" {
		return foundKeys{parts: encodeKeys(chunks, show)}, nil
	}

	keys := []gen.APIKeyInformation{} // one, or none
	for views, err := range chunks {
		if err != nil {
			return foundKeys{}, err
		}
		if keys, err = show(views); err != nil {
			return foundKeys{}, err
		}
	}
	return foundKeys{one: listing{gen.APIKeysInformation{APIKeys: keys}, len(keys) == 0}}, nil
}

func (k foundKeys) show() (response, error) {
	if k.parts != nil {
		return response{status: http.StatusOK, parts: k.parts}, nil
	}
	return showListing(k.one)
}

// encodeKeys yields the bodies of responses with a chunk of keys each, at least one.
func encodeKeys(
	chunks iter.Seq2[[]apikey.View, error], show func([]apikey.View) ([]gen.APIKeyInformation, error),
) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		none := true
		for views, err := range chunks {
			var body []byte
			if err == nil {
				body, err = encodeChunk(views, show)
			}
			if !yield(body, err) || err != nil {
				return
			}
			none = false
		}
		if none {
			yield(encodeChunk(nil, show))
		}
	}
}

func encodeChunk(
	views []apikey.View, show func([]apikey.View) ([]gen.APIKeyInformation, error),
) ([]byte, error) {
	keys, err := show(views)
	if err != nil {
		return nil, err
	}
	return json.Marshal(gen.APIKeysInformation{APIKeys: keys})
}

func showInvalidated(ids []string) (response, error) {
	return response{status: http.StatusOK, write: invalidatedKeys(ids).write}, nil
}

// invalidatedKeys lists the ids of the keys that a request has invalidated.
type invalidatedKeys []string

const idsPerPart = 5000

// write writes the response to an invalidation. The keys stay invalid whether or not the response arrives, so a long
// list is sent in parts of idsPerPart ids: it needs no share of the byte budget, and no work slot while the client
// reads.
func (k invalidatedKeys) write(w http.ResponseWriter) error {
	before := `{"invalidated_api_keys":[`
	for part := range slices.Chunk(k, idsPerPart) {
		list, err := json.Marshal(part)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w, "%s%s", before, list[1:len(list)-1]); err != nil {
			return err
		}
		if flusher, ok := w.(http.Flusher); ok && len(k) > idsPerPart {
			flusher.Flush()
		}
		before = ","
	}
	if len(k) > 0 {
		before = ""
	}
	_, err := io.WriteString(w, before+`],"previously_invalidated_api_keys":[],"error_count":0}`+"\n")
	return err
}

// keyShower shows each set of descriptors once, however many keys share it.
type keyShower map[string]gen.RoleDescriptorsInformation

// showKeys shows keys, with the ids of their owners' profiles if these are asked for.
func (a *API) showKeys(ctx context.Context, views []apikey.View, profiles bool) ([]gen.APIKeyInformation, error) {
	owners := convert.Each(views, func(v apikey.View) string { return v.UserName })
	uids, err := a.profileUIDs(ctx, profiles, owners)
	if err != nil {
		return nil, err
	}

	shower := keyShower{}
	keys := make([]gen.APIKeyInformation, 0, len(views))
	for _, view := range views {
		key, err := shower.show(view)
		if err != nil {
			return nil, err
		}
		key.ProfileUID = profileUID(uids, view.UserName)
		keys = append(keys, key)
	}
	return keys, nil
}

func (s keyShower) show(v apikey.View) (gen.APIKeyInformation, error) {
	key := gen.APIKeyInformation{
		ID: v.ID, Name: v.Description, Type: gen.APIKeyTypeRest, Creation: v.CreatedAt.UnixMilli(),
		Expiration:  instant(v.ExpiresAt),
		Invalidated: !v.InvalidatedAt.IsZero(), Invalidation: instant(v.InvalidatedAt), Username: v.UserName,
		Realm: v.Realm.Name, RealmType: v.Realm.Type, LastUsed: instant(v.LastUsedAt),
	}
	if v.CrossCluster {
		key.Type, key.Access = gen.APIKeyTypeCrossCluster, showAccess(v.Assigned)
		key.CertificateIdentity = convert.Text(v.CertificateIdentity)
	}

	// Decoded as a whole, metadata would take many times its size.
	var err error
	if key.Metadata, err = showMetadata(v.Metadata); err != nil {
		return key, err
	}
	if key.RoleDescriptors, err = s.descriptors(v.AssignedID, v.Assigned); err != nil || v.LimitedBy == nil {
		return key, err
	}
	limit, err := s.descriptors(v.LimitedByID, v.LimitedBy)
	key.LimitedBy = &[]gen.RoleDescriptorsInformation{limit}
	return key, err
}

func (s keyShower) descriptors(id string, set roledescriptor.Set) (gen.RoleDescriptorsInformation, error) {
	if shown, known := s[id]; known {
		return shown, nil
	}
	shown, err := showDescriptors(set)
	s[id] = shown
	return shown, err
}

// instant is a time in milliseconds since 1970, or nil for one that never was.
func instant(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	return new(t.UnixMilli())
}
