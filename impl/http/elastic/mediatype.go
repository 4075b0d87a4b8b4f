package elastic

import (
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/http/contract"
)

const (
	// vendorType is Elasticsearch's own name for JSON in the form of one of its versions.
	vendorType = "application/vnd.elasticsearch+json"
	// versionParameter names the version.
	versionParameter = "compatible-with"
)

// mediaType is one media type of a header.
type mediaType struct {
	name, version string
	quality       float64
}

// parseMediaType returns false for a value that is malformed, or names another charset than UTF-8.
func parseMediaType(value string) (mediaType, bool) {
	name, parameters, err := mime.ParseMediaType(value)
	if charset, given := parameters["charset"]; err != nil || given && !strings.EqualFold(charset, "utf-8") {
		return mediaType{}, false
	}

	m := mediaType{name: name, quality: 1}
	if name == vendorType {
		m.version = parameters[versionParameter]
	}
	if quality, given := parameters["q"]; given {
		m.quality, err = strconv.ParseFloat(quality, 64)
	}

	return m, err == nil
}

func (m mediaType) json() bool { return m.name == echo.MIMEApplicationJSON || m.name == vendorType }

// supports reports whether requests and responses can have a media type. This server's are the same in both.
func (x *exchange) supports(m mediaType) bool {
	return m.version == "" || slices.Contains(x.api.Speaks.MediaTypes, m.version)
}

// negotiate selects the media type of the response: the supported one with the highest quality, and the first of
// several. Without the header, or with an empty one, the client accepts any.
func (x *exchange) negotiate(accept []string) {
	wishes := strings.Join(accept, ",")
	if strings.TrimSpace(wishes) == "" {
		return
	}

	var best mediaType
	incompatible := false
	for wish := range strings.SplitSeq(wishes, ",") {
		m, ok := parseMediaType(wish)
		switch {
		case !ok || !m.json() && m.name != "*/*" && m.name != "application/*" && m.name != "*":
		case !x.supports(m):
			incompatible = true
		case m.quality > best.quality:
			best = m
		}
	}

	switch {
	case best.name == vendorType:
		x.answerAs(best.version)
	case best.name == "" && incompatible:
		x.refuse(x.incompatibleVersion(echo.HeaderAccept))
	case best.name == "":
		x.refuse(
			fault.New(
				fault.MediaTypeUnsupported,
				"Accept header ["+contract.Clip(wishes)+"] is not supported",
				echo.HeaderAccept,
			),
		)
	}
}

func (x *exchange) answerAs(version string) {
	x.version, x.mediaType = version, vendorType
	if version != "" {
		x.mediaType += ";" + versionParameter + "=" + version
	}
}

// refuse keeps the first error of the request as a whole.
func (x *exchange) refuse(err error) {
	if x.refused == nil {
		x.refused = err
	}
}

func (x *exchange) incompatibleVersion(header string) error {
	return fault.New(
		fault.MediaTypeIncompatible,
		"the "+header+" header asks for compatibility with another version than "+
			strings.Join(x.api.Speaks.MediaTypes, " or "),
		header,
	)
}

// checkContentType checks the type of a body, and replaces it by the name that the contract has for it.
func (x *exchange) checkContentType(h http.Header) error {
	const header = echo.HeaderContentType
	values := h.Values(header)
	if len(values) == 0 || values[0] == "" {
		return fault.New(fault.MediaTypeUnsupported, "Content-Type header is missing", header)
	}

	m, ok := parseMediaType(values[0])
	switch {
	case len(values) > 1 || !ok || !m.json():
		return fault.New(
			fault.MediaTypeUnsupported,
			"Content-Type header ["+contract.Clip(strings.Join(values, ","))+"] is not supported",
			header,
		)
	case !x.supports(m):
		return x.incompatibleVersion(header)
	case m.version != "" && x.version != "" && m.version != x.version:
		return fault.New(
			fault.MediaTypeIncompatible,
			"the headers Accept and Content-Type ask for compatibility with different versions",
			echo.HeaderAccept,
			header,
		)
	}

	h.Set(header, echo.MIMEApplicationJSON)
	return nil
}
