package client

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"slices"
	"time"

	gen "github.com/sallyport/sallyport/gen/client"
)

// result returns the body of a successful answer, or an error if the answer has another status than the expected one.
func result[T any](body *T, answer *http.Response) (T, error) {
	if body == nil {
		var none T
		e := &Error{Status: answer.StatusCode, Message: "the answer is not the expected one", Uncertain: true}
		return none, e
	}
	return *body, nil
}

// segment returns an error for a text that cannot be a part of a path: the URL would be another operation's.
func segment(name, text string) error {
	if text == "" || text == "." || text == ".." {
		return &Error{Message: name + ": this cannot be the name of an object", Fields: []string{name}}
	}
	return nil
}

// CreateKey creates an API key that acts for the caller, and expires after a lifetime in whole seconds, or never with
// 0. The Key of the result is its secret, which cannot be shown again. CreateKey is never repeated after the server may
// have created a key: with IsUncertain, Keys shows whether it did.
func (c *Client) CreateKey(
	ctx context.Context, description string, lifetime time.Duration,
) (gen.APIKeyResponse, error) {
	request := gen.CreateAPIKeyRequest{Description: description}
	if lifetime != 0 {
		request.Expiration = new(seconds(lifetime))
	}
	r, err := c.api.CreateAPIKeyWithResponse(ctx, request)
	if err != nil {
		return gen.APIKeyResponse{}, asError(err)
	}
	key, err := result(r.JSON201, r.HTTPResponse)
	if err == nil && key.Key == nil {
		return key, &Error{Status: r.StatusCode(), Message: "the answer has no secret", Uncertain: true}
	}
	return key, err
}

// CreateScopedKey creates an API key with role descriptors or metadata, as Elasticsearch does. It is repeated as little
// as CreateKey.
func (c *Client) CreateScopedKey(
	ctx context.Context, request gen.SecurityCreateAPIKeyRequest,
) (gen.SecurityCreateAPIKeyResponse, error) {
	r, err := c.api.SecurityCreateAPIKeyWithResponse(ctx, nil, request)
	if err != nil {
		return gen.SecurityCreateAPIKeyResponse{}, asError(err)
	}
	return result(r.JSON200, r.HTTPResponse)
}

// Key returns one of the caller's API keys, without its secret.
func (c *Client) Key(ctx context.Context, id string) (gen.APIKeyResponse, error) {
	if err := segment("api_key_id", id); err != nil {
		return gen.APIKeyResponse{}, err
	}
	r, err := c.api.GetAPIKeyWithResponse(ctx, id)
	if err != nil {
		return gen.APIKeyResponse{}, asError(err)
	}
	return result(r.JSON200, r.HTTPResponse)
}

// DeleteKey deletes one of the caller's API keys. A key that an earlier attempt of the same call may have deleted
// counts as deleted.
func (c *Client) DeleteKey(ctx context.Context, id string) error {
	if err := segment("api_key_id", id); err != nil {
		return err
	}
	_, err := c.api.DeleteAPIKeyWithResponse(ctx, id)
	return deleted(err)
}

// deleted returns the error of a deletion.
func deleted(err error) error {
	if IsNotFound(err) && IsUncertain(err) {
		return nil
	}
	return asError(err)
}

// Keys yields the caller's API keys, oldest first, or an error.
func (c *Client) Keys(ctx context.Context) iter.Seq2[gen.APIKeyResponse, error] {
	return list(func() ([]gen.APIKeyResponse, error) {
		r, err := c.api.GetAPIKeysWithResponse(ctx)
		if err != nil {
			return nil, asError(err)
		}
		read, err := result(r.JSON200, r.HTTPResponse)
		return read.Keys, err
	})
}

// KeysOf yields the API keys of a user, oldest first, or an error. It is for platform administrators.
func (c *Client) KeysOf(ctx context.Context, user string) iter.Seq2[gen.APIKeyResponse, error] {
	return list(func() ([]gen.APIKeyResponse, error) {
		if err := segment("user_id", user); err != nil {
			return nil, err
		}
		r, err := c.api.GetUserAPIKeysWithResponse(ctx, user)
		if err != nil {
			return nil, asError(err)
		}
		read, err := result(r.JSON200, r.HTTPResponse)
		return read.Keys, err
	})
}

// list yields the elements that a function returns, or its error.
func list[T any](read func() ([]T, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		all, err := read()
		if err != nil {
			var none T
			yield(none, err)
			return
		}
		for _, each := range all {
			if !yield(each, nil) {
				return
			}
		}
	}
}

// pageSize is the number of keys per request of QueryKeys.
const pageSize = 100

// QueryKeys yields the API keys that match a query of Elasticsearch's query language, page by page. Size is the size of
// a page. Without Sort, the oldest keys come first; keys that Sort does not distinguish are in the order of their
// creation, so that none is left out or yielded twice. An error ends the sequence, with all keys before it yielded.
func (c *Client) QueryKeys(ctx context.Context, query gen.QueryAPIKeysRequest) iter.Seq2[gen.APIKeyInformation, error] {
	return func(yield func(gen.APIKeyInformation, error) bool) {
		page := query
		page.Sort = totalOrder(query.Sort)
		if page.Size == nil {
			page.Size = new(pageSize)
		}

		for {
			keys, err := c.page(ctx, page)
			if err != nil {
				yield(gen.APIKeyInformation{}, err)
				return
			}
			for _, key := range keys {
				if !yield(key, nil) {
					return
				}
			}
			if len(keys) == 0 || len(keys) < *page.Size {
				return
			}
			page.SearchAfter, page.From = keys[len(keys)-1].SortValues, nil
			page.Aggs, page.Aggregations = nil, nil
		}
	}
}

func (c *Client) page(ctx context.Context, query gen.QueryAPIKeysRequest) ([]gen.APIKeyInformation, error) {
	r, err := c.api.SecurityQueryAPIKeysWithResponse(ctx, nil, query)
	if err != nil {
		return nil, asError(err)
	}
	read, err := result(r.JSON200, r.HTTPResponse)
	return read.APIKeys, err
}

// byCreation sorts keys by creation and id.
const byCreation = "_doc"

// totalOrder returns an order that distinguishes all keys.
func totalOrder(sort gen.SortOrder) gen.SortOrder {
	switch sort := sort.(type) {
	case nil:
		return []any{byCreation}
	case []any:
		return append(slices.Clone(sort), byCreation)
	}

	// Other slices are read as the JSON that they are written as.
	var elements []any
	if text, err := json.Marshal(sort); err == nil && json.Unmarshal(text, &elements) == nil {
		return append(elements, byCreation)
	}
	return []any{sort, byCreation}
}
