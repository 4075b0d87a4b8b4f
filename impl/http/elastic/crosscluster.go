package elastic

import (
	"context"
	"maps"

	gen "github.com/sallyport/sallyport/gen/elastic"
	"github.com/sallyport/sallyport/impl/apikey"
	"github.com/sallyport/sallyport/impl/authz/roledescriptor"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/http/compatibility"
	"github.com/sallyport/sallyport/impl/http/convert"
	"github.com/sallyport/sallyport/impl/platform/xcontent"
)

func (a *API) crossClusterOperations() []operation {
	return []operation{
		row[newCrossClusterKey, createdKey]{
			operations: []string{"security-create-cross-cluster-api-key"},
			read:       a.readNewCrossClusterKey,
			check:      func(n newCrossClusterKey) error { return fault.Invalid(n.key.Problems(a.Names)) },
			do: func(ctx context.Context, caller call, n newCrossClusterKey) (createdKey, error) {
				key, credential, err := a.Keys.CreateCrossCluster(ctx, caller.Subject, n.key, n.identity)
				return createdKey{key, credential}, err
			},
			show: showCreatedKey,
		},
		row[crossClusterUpdate, bool]{
			operations: []string{"security-update-cross-cluster-api-key"},
			read:       a.readCrossClusterUpdate,
			check:      a.checkCrossClusterUpdate,
			do: func(ctx context.Context, caller call, u crossClusterUpdate) (bool, error) {
				return a.Keys.UpdateCrossCluster(ctx, caller.Subject, u.id, u.update, u.identity)
			},
			show: func(updated bool) (response, error) { return ok(gen.UpdateAPIKeyResponse{Updated: updated}) },
		},
	}
}

// crossClusterBody holds the members that the bodies which create or update cross-cluster keys have in common.
type crossClusterBody struct {
	keyBody
	access *roledescriptor.Access
	// identity is nil if the body has none, and empty to remove that of a key.
	identity *string
}

// read reads a body with these and other fields, among them certificate_identity.
func (b *crossClusterBody) read(
	a *API, parser string, r request, others map[string]xcontent.Field, required ...string,
) error {
	fields := b.fields(false)
	delete(fields, "role_descriptors")
	fields["access"] = roledescriptor.AccessField(&b.access)
	maps.Copy(fields, others)
	if !a.Speaks.HasMember(compatibility.CertificateIdentity) {
		delete(fields, compatibility.CertificateIdentity)
	}
	if err := (xcontent.Parser{Name: parser, Fields: fields, Required: required}).Read(r.body); err != nil {
		return err
	}

	if b.identity != nil {
		if err := apikey.CheckIdentity(*b.identity); err != nil {
			return err
		}
	}
	if b.access == nil {
		return nil
	}
	var err error
	b.assigned, err = b.access.Set()
	return err
}

// newCrossClusterKey is a request to create a cross-cluster key.
type newCrossClusterKey struct {
	key      apikey.Creation
	identity string
}

func (a *API) readNewCrossClusterKey(r request) (newCrossClusterKey, error) {
	const parser = "cross_cluster_api_key_request_payload"

	var b crossClusterBody
	var name string
	fields := map[string]xcontent.Field{
		"name":                            xcontent.Text(&name),
		compatibility.CertificateIdentity: xcontent.OptionalText(&b.identity),
	}
	if err := b.read(a, parser, r, fields, "name", "access"); err != nil {
		return newCrossClusterKey{}, err
	}
	lifetime, err := b.lifetime(parser)
	n := newCrossClusterKey{key: apikey.Creation{
		Name:     name,
		Assigned: b.assigned,
		Metadata: b.metadata,
		Lifetime: lifetime,
	}}
	if b.identity != nil {
		n.identity = *b.identity
	}
	return n, err
}

// crossClusterUpdate is a request to update a cross-cluster key.
type crossClusterUpdate struct {
	id       string
	update   apikey.Update
	identity *string
}

func (a *API) readCrossClusterUpdate(r request) (crossClusterUpdate, error) {
	const parser = "update_cross_cluster_api_key_request_payload"

	var b crossClusterBody
	identity := func(value any) error {
		if value == nil {
			b.identity = new(string)
			return nil
		}
		return xcontent.OptionalText(&b.identity)(value)
	}
	if err := b.read(a, parser, r, map[string]xcontent.Field{compatibility.CertificateIdentity: identity}); err != nil {
		return crossClusterUpdate{}, err
	}
	lifetime, err := b.lifetime(parser)
	return crossClusterUpdate{
		id:       r.params["id"],
		update:   apikey.Update{Assigned: b.assigned, Metadata: b.metadata, Lifetime: lifetime},
		identity: b.identity,
	}, err
}

func (a *API) checkCrossClusterUpdate(u crossClusterUpdate) error {
	problems := u.update.Problems(a.Names)
	if u.update.Assigned == nil && u.update.Metadata == nil && u.identity == nil {
		text := "must update [access] or [metadata] or [certificate_identity] for cross-cluster API keys"
		if !a.Speaks.HasMember(compatibility.CertificateIdentity) {
			text = "must update either [access] or [metadata] for cross-cluster API keys"
		}
		problems = append(problems, text)
	}
	return fault.Invalid(problems)
}

// showAccess returns the access that the descriptor of a cross-cluster key grants.
func showAccess(set roledescriptor.Set) *gen.CrossClusterAccessInformation {
	access := roledescriptor.AccessOf(set)
	return &gen.CrossClusterAccessInformation{
		Search:      convert.Optional(access.Search, showCrossClusterIndices),
		Replication: convert.Optional(access.Replication, showCrossClusterIndices),
	}
}

func showCrossClusterIndices(p roledescriptor.IndexPrivileges) gen.CrossClusterIndicesInformation {
	return gen.CrossClusterIndicesInformation{
		Names:                  texts(p.Names),
		FieldSecurity:          showFields(p.FieldSecurity),
		Query:                  convert.Text(p.Query),
		AllowRestrictedIndices: p.AllowRestrictedIndices,
	}
}
