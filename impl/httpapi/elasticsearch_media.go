package httpapi

import (
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/sallyport/sallyport/impl/fault"
)

const (
	// vendorType is Elasticsearch's own name for JSON in the form of one of its versions.
	vendorType = "application/vnd.elasticsearch+json"
	// versionParameter names the version.
	versionParameter = "compatible-with"
)

// versions are those whose forms of requests and answers are spoken. They do not differ here.
var versions = []string{"8", "9"}

// mediaType is one of a header's.
type mediaType struct {
	name, version string
	quality       float64
}

// parseMediaType returns false for what is malformed, or names another charset than JSON's.
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

func (m mediaType) spoken() bool { return m.version == "" || slices.Contains(versions, m.version) }

// negotiate finds the media type to answer with: what the caller likes best of what there is, or else the first of it.
// No header, or an empty one, is the wish for anything.
func (f *face) negotiate(accept []string) {
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
		case !m.spoken():
			incompatible = true
		case m.quality > best.quality:
			best = m
		}
	}
	switch {
	case best.name == vendorType:
		f.answerAs(best.version)
	case best.name == "" && incompatible:
		f.refuse(incompatibleVersion(echo.HeaderAccept))
	case best.name == "":
		f.refuse(fault.New(fault.MediaTypeUnsupported, "Accept header ["+clip(wishes)+"] is not supported", echo.HeaderAccept))
	}
}

func (f *face) answerAs(version string) {
	f.version, f.mediaType = version, vendorType
	if version != "" {
		f.mediaType += ";" + versionParameter + "=" + version
	}
}

// refuse keeps the first thing that is wrong with the request as a whole.
func (f *face) refuse(err error) {
	if f.refused == nil {
		f.refused = err
	}
}

func incompatibleVersion(header string) error {
	return fault.New(fault.MediaTypeIncompatible, "the "+header+" header asks for compatibility with another version than "+strings.Join(versions, " or "), header)
}

// settleContentType checks the type of a body that there is, and gives it the one name that the contract has for it.
func (f *face) settleContentType(h http.Header) error {
	const header = echo.HeaderContentType
	values := h.Values(header)
	if len(values) == 0 || values[0] == "" {
		return fault.New(fault.MediaTypeUnsupported, "Content-Type header is missing", header)
	}
	m, ok := parseMediaType(values[0])
	switch {
	case len(values) > 1 || !ok || !m.json():
		return fault.New(fault.MediaTypeUnsupported, "Content-Type header ["+clip(strings.Join(values, ","))+"] is not supported", header)
	case !m.spoken():
		return incompatibleVersion(header)
	case m.version != "" && f.version != "" && m.version != f.version:
		return fault.New(fault.MediaTypeIncompatible, "the headers Accept and Content-Type ask for compatibility with different versions", echo.HeaderAccept, header)
	}
	h.Set(header, echo.MIMEApplicationJSON)
	return nil
}
