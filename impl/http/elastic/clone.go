package elastic

import (
	"context"

	"github.com/sallyport/sallyport/impl/apikey"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/platform/duration"
	"github.com/sallyport/sallyport/impl/platform/xcontent"
)

func (a *API) cloneOperations() []operation {
	return []operation{
		row[apikey.Cloning, createdKey]{
			operations: []string{"security-clone-api-key", "security-clone-api-key-put"},
			read:       bodyOf(readCloning),
			check:      func(c apikey.Cloning) error { return fault.Invalid(c.Problems()) },
			do: func(ctx context.Context, caller call, c apikey.Cloning) (createdKey, error) {
				key, credential, err := a.Keys.Clone(ctx, caller.Subject, c)
				return createdKey{key, credential}, err
			},
			show: showCreatedKey,
		},
	}
}

func readCloning(body any) (apikey.Cloning, error) {
	var c apikey.Cloning
	err := xcontent.Parser{Name: "clone_api_key_request", Fields: map[string]xcontent.Field{
		"api_key": xcontent.Text(&c.Source),
		"name":    xcontent.Text(&c.Name),
		"expiration": func(value any) error {
			c.Expires = true
			if value == nil {
				return nil
			}
			text, ok := value.(string)
			if !ok {
				return xcontent.ErrUnsupported
			}
			lifetime, err := duration.Parse(text)
			if err != nil {
				return fault.New(fault.InvalidData, timeValueMessage(err))
			}
			c.Lifetime = &lifetime
			return nil
		},
		"metadata": xcontent.Object(&c.Metadata),
	}}.Read(body)
	return c, err
}
