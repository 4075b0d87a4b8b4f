package elastic

import (
	"errors"
	"fmt"

	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/platform/xcontent"
)

// member is a member of a body that Elasticsearch reads without an object parser.
type member struct {
	// kind is the name of its JSON type in refusals.
	kind string
	read xcontent.Field
}

// readMembers reads such a body, the members sorted by name. It returns fault.ParseFailed with Elasticsearch's texts,
// which have no position, and the fields' other errors as they are.
func readMembers(request string, body any, members map[string]member) error {
	given, ok := body.(map[string]any)
	if !ok {
		return parseFailed("expected an object, but found token [%s]", xcontent.Token(body))
	}

	for _, name := range xcontent.Names(given) {
		m, known := members[name]
		if !known {
			return parseFailed("failed to parse %s request. unexpected field [%s]", request, name)
		}

		err := m.read(given[name])
		if errors.Is(err, xcontent.ErrUnsupported) {
			token := xcontent.Token(given[name])
			return parseFailed("expected field [%s] to be of type %s, but found [%s] instead", name, m.kind, token)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// boolean returns a field for true or false; an object parser also takes their texts.
func boolean(target *bool) xcontent.Field {
	return func(value any) error {
		read, ok := value.(bool)
		if !ok {
			return xcontent.ErrUnsupported
		}
		*target = read
		return nil
	}
}

func parseFailed(format string, values ...any) error {
	return fault.New(fault.ParseFailed, fmt.Sprintf(format, values...))
}
