package contract

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
)

// The extensions of a deprecated operation, with dates such as "2026-12-01".
const (
	deprecatedSince = "x-deprecated-since"
	sunset          = "x-sunset"
)

// Deprecation has the values of the headers that announce an operation's deprecation and removal.
type Deprecation struct {
	// Since is the value of Deprecation (RFC 9745, section 2): when the operation was deprecated.
	Since string
	// Sunset is the value of Sunset (RFC 8594, section 3): when the operation may be removed, or "" if that is not
	// planned.
	Sunset string
}

// deprecationOf reads the deprecation of an operation from the contract; nil if it is not deprecated.
func deprecationOf(op *openapi3.Operation) (*Deprecation, error) {
	since, hasSince := op.Extensions[deprecatedSince]
	end, hasEnd := op.Extensions[sunset]
	if !op.Deprecated {
		if hasSince || hasEnd {
			return nil, fmt.Errorf("%s and %s need deprecated: true", deprecatedSince, sunset)
		}
		return nil, nil
	}

	from, err := dateOf(deprecatedSince, since)
	if err != nil {
		return nil, err
	}
	d := &Deprecation{Since: "@" + strconv.FormatInt(from.Unix(), 10)}
	if !hasEnd {
		return d, nil
	}
	until, err := dateOf(sunset, end)
	if err != nil {
		return nil, err
	}
	if !until.After(from) {
		return nil, fmt.Errorf("%s is %v; it must be after %s", sunset, end, deprecatedSince)
	}
	d.Sunset = until.Format(http.TimeFormat)
	return d, nil
}

// dateOf reads a date from an extension, as the beginning of that day in UTC.
func dateOf(name string, extension any) (time.Time, error) {
	text, _ := extension.(string)
	date, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return date, fmt.Errorf(`%s is %v; it must be a date as text, such as "2026-12-01"`, name, extension)
	}
	return date, nil
}
