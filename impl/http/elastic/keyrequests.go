package elastic

import (
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/sallyport/sallyport/impl/apikey"
	"github.com/sallyport/sallyport/impl/authn"
	"github.com/sallyport/sallyport/impl/authz/roledescriptor"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/platform/duration"
	"github.com/sallyport/sallyport/impl/platform/xcontent"
)

// keyBody holds the members that the bodies which create or update keys have in common.
type keyBody struct {
	assigned   roledescriptor.Set
	metadata   map[string]any
	expiration *string
}

// undecodedKeyMembers are the large members of these bodies. Their fields take xcontent.Raw.
var undecodedKeyMembers = []string{"ids", "role_descriptors"}

func (b *keyBody) fields(dataSources bool) map[string]xcontent.Field {
	options := roledescriptor.Options{AllowRestriction: true, AllowDataSources: dataSources}
	return map[string]xcontent.Field{
		"role_descriptors": roledescriptor.Field(&b.assigned, options),
		"metadata":         xcontent.Object(&b.metadata),
		"expiration":       xcontent.OptionalText(&b.expiration),
	}
}

// read reads the body of a request with these and other fields.
func (b *keyBody) read(parser string, r request, others map[string]xcontent.Field, required ...string) error {
	fields := b.fields(r.dataSources)
	maps.Copy(fields, others)
	return xcontent.Parser{Name: parser, Fields: fields, Required: required}.Read(r.body)
}

// lifetime reads the expiration. Elasticsearch's parsers read it last.
func (b *keyBody) lifetime(parser string) (*time.Duration, error) {
	if b.expiration == nil {
		return nil, nil
	}

	lifetime, err := duration.Parse(*b.expiration)
	if err == nil {
		return &lifetime, nil
	}

	f := fault.New(fault.FieldInvalid, "Failed to build ["+parser+"] after last required field arrived")
	f.CausedBy = fault.New(fault.InvalidData, timeValueMessage(err))
	return nil, f
}

// timeValueMessage returns Elasticsearch's text for an invalid time value.
func timeValueMessage(err error) string {
	var e *duration.Error
	if !errors.As(err, &e) {
		return err.Error()
	}

	switch e.Problem {
	case duration.NoUnit:
		return fmt.Sprintf(
			"failed to parse setting [expiration] with value [%s] as a time value: unit is missing or unrecognized",
			e.Value,
		)
	case duration.Fraction:
		return fmt.Sprintf("failed to parse [%s], fractional time values are not supported", e.Value)
	case duration.Negative:
		return fmt.Sprintf(
			"failed to parse setting [expiration] with value [%s] as a time value: "+
				"negative durations are not supported",
			e.Value,
		)
	case duration.TooLong:
		return fmt.Sprintf("failed to parse [%s]: the time value is too long", e.Value)
	case duration.NotANumber:
	}

	return fmt.Sprintf("failed to parse [%s]", e.Value)
}

func readUpdate(parser string, r request, others map[string]xcontent.Field, required ...string) (apikey.Update, error) {
	var b keyBody
	if err := b.read(parser, r, others, required...); err != nil {
		return apikey.Update{}, err
	}
	lifetime, err := b.lifetime(parser)
	return apikey.Update{Assigned: b.assigned, Metadata: b.metadata, Lifetime: lifetime}, err
}

// bulkUpdate is a request to update several keys.
type bulkUpdate struct {
	ids    []string
	update apikey.Update
	dryRun bool
}

func readBulkUpdate(r request) (bulkUpdate, error) {
	b := bulkUpdate{dryRun: r.flag("dry_run")}
	ids := map[string]xcontent.Field{"ids": xcontent.Texts(&b.ids)}
	var err error
	b.update, err = readUpdate("bulk_update_api_key_request", r, ids, "ids")
	return b, err
}

// oneUpdate is a request to update one key.
type oneUpdate struct {
	id     string
	update apikey.Update
}

// readOneUpdate reads a body that may be missing, and may not be null.
func readOneUpdate(r request) (oneUpdate, error) {
	u := oneUpdate{id: r.params["id"]}
	if !r.bodySent {
		return u, nil
	}
	var err error
	u.update, err = readUpdate("update_api_key_request", r, nil)
	return u, err
}

// readNewKey reads the body that creates a key for the caller.
func readNewKey(r request) (apikey.Creation, error) { return readCreation(r, "name") }

// readCreation reads the description of a new key. The domain refuses a missing name that is not required here.
func readCreation(r request, required ...string) (apikey.Creation, error) {
	const parser = "api_key_request"

	var b keyBody
	var name string
	if err := b.read(parser, r, map[string]xcontent.Field{"name": xcontent.Text(&name)}, required...); err != nil {
		return apikey.Creation{}, err
	}

	lifetime, err := b.lifetime(parser)
	return apikey.Creation{
		Name:     name,
		Assigned: b.assigned,
		Metadata: b.metadata,
		Lifetime: lifetime,
	}, err
}

// readInvalidation reads the body that selects the keys to invalidate.
func readInvalidation(body any) (apikey.Selection, error) {
	var s apikey.Selection
	err := xcontent.Parser{Name: "invalidate_api_key", Fields: map[string]xcontent.Field{
		"ids":        xcontent.Texts(&s.IDs),
		"name":       xcontent.Text(&s.Name),
		"username":   xcontent.Text(&s.UserName),
		"realm_name": xcontent.Text(&s.RealmName),
		"owner":      xcontent.Boolean(&s.Owned),
	}}.Read(body)
	return s, err
}

// grant is a request to create a key for the user with the credentials in it.
type grant struct {
	proxy authn.Proxy
	runAs string
	key   apikey.Creation
}

func readGrant(r request) (grant, error) {
	var g grant
	var scheme, secret string
	client := xcontent.Parser{Name: "client_authentication", Fields: map[string]xcontent.Field{
		"scheme": xcontent.Text(&scheme), "value": xcontent.Text(&secret),
	}, Required: []string{"value"}}
	err := xcontent.Parser{Name: "grant_api_key_request", Fields: map[string]xcontent.Field{
		"grant_type":   xcontent.OptionalText(&g.proxy.Type),
		"username":     xcontent.OptionalText(&g.proxy.UserName),
		"password":     xcontent.OptionalText(&g.proxy.Password),
		"access_token": xcontent.OptionalText(&g.proxy.AccessToken),
		"run_as":       xcontent.Text(&g.runAs),
		"client_authentication": func(value any) error {
			g.proxy.ClientAuthentication = true
			return xcontent.Nested(client)(value)
		},
		"api_key": func(value any) (err error) {
			g.key, err = readCreation(request{body: value, dataSources: r.dataSources})
			return err
		},
	}}.Read(r.body)

	return g, err
}
