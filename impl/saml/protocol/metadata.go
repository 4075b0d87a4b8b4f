package protocol

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// MaxMetadata is the size limit of a metadata document in bytes. Documents of whole federations are larger: use the
// provider's own one.
const MaxMetadata = 1 << 20

// metadataBounds allows comments: published metadata often have terms of use at the top.
var metadataBounds = bounds{
	bytes:    MaxMetadata,
	depth:    32,
	elements: 20_000,
	comments: true,
}

// ParseMetadata reads the identity provider with an entity ID from metadata: an EntityDescriptor, or one inside an
// EntitiesDescriptor (SAML Metadata 2.3).
//
// It returns an error if the document is not plain XML, does not contain the provider exactly once, has expired, or
// lacks what a login requires: a single sign-on service with the redirect binding, and a certificate with a supported
// key. A signature on the document is not verified: the source of the file or of the https address is trusted.
func ParseMetadata(data []byte, entityID string, now time.Time) (Provider, error) {
	p, err := parseMetadata(data, entityID, now)
	if err != nil {
		return Provider{}, fmt.Errorf("saml metadata: %w", err)
	}
	return p, nil
}

// parseMetadata is ParseMetadata without the prefix of errors.
func parseMetadata(data []byte, entityID string, now time.Time) (Provider, error) {
	root, err := readXML(bytes.TrimPrefix(data, []byte("\uFEFF")), metadataBounds)
	if err != nil {
		return Provider{}, err
	}

	found, err := findRole(root, entityID)
	if err != nil {
		return Provider{}, err
	}

	p := Provider{EntityID: entityID, ValidUntil: found.until}
	if !p.ValidUntil.IsZero() && !now.Before(p.ValidUntil) {
		return Provider{}, fmt.Errorf("the document was valid until %s", wireTime(p.ValidUntil))
	}

	err = p.readDescriptor(found.descriptor)
	return p, err
}

// role is an entity or its IDPSSODescriptor, with the earliest validUntil of it and of the elements around it.
type role struct {
	descriptor *element
	until      time.Time
}

// findRole returns the role of the only entity with an entity ID.
func findRole(root *element, entityID string) (role, error) {
	if entityID == "" {
		return role{}, errors.New("the entity ID is empty")
	}

	entities, err := findEntities(root, entityID, time.Time{})
	if err != nil {
		return role{}, err
	}
	if len(entities) != 1 {
		return role{}, fmt.Errorf("the document must describe the entity %.200q exactly once, but does so %d times", entityID,
			len(entities))
	}

	return entities[0].identityProvider()
}

// findEntities returns the descriptors of an entity in a descriptor and in the groups below it (SAML Metadata 2.3.1).
func findEntities(e *element, entityID string, until time.Time) ([]role, error) {
	until, err := earlierValidUntil(until, e)
	if err != nil {
		return nil, err
	}

	if e.is(nsMetadata, "EntityDescriptor") {
		if e.attributes["entityID"] != entityID {
			return nil, nil
		}
		return []role{{e, until}}, nil
	}

	if !e.is(nsMetadata, "EntitiesDescriptor") {
		return nil, errors.New("the root is neither an EntityDescriptor nor an EntitiesDescriptor")
	}

	var found []role
	for _, child := range e.children {
		if !child.is(nsMetadata, "EntityDescriptor") && !child.is(nsMetadata, "EntitiesDescriptor") {
			continue
		}

		below, err := findEntities(child, entityID, until)
		if err != nil {
			return nil, err
		}

		found = append(found, below...)
	}

	return found, nil
}

// identityProvider returns the entity's role as a SAML 2.0 identity provider.
func (r role) identityProvider() (role, error) {
	var found []*element
	for _, descriptor := range r.descriptor.childrenNamed(nsMetadata, "IDPSSODescriptor") {
		if slices.Contains(strings.Fields(descriptor.attributes["protocolSupportEnumeration"]), nsProtocol) {
			found = append(found, descriptor)
		}
	}

	if len(found) != 1 {
		return role{}, fmt.Errorf("the entity must have exactly one IDPSSODescriptor for SAML 2.0, but has %d", len(found))
	}

	until, err := earlierValidUntil(r.until, found[0])
	return role{found[0], until}, err
}

// earlierValidUntil returns the earlier of a time and an element's validUntil. Zero means no limit.
func earlierValidUntil(until time.Time, e *element) (time.Time, error) {
	text, ok := e.attributes["validUntil"]
	if !ok {
		return until, nil
	}

	own, err := readTime(text)
	if err != nil {
		return time.Time{}, fmt.Errorf("validUntil: %w", err)
	}
	if until.IsZero() || own.Before(until) {
		return own, nil
	}

	return until, nil
}

// readTime parses a time (SAML Core 1.3.3). An offset from UTC is required.
func readTime(text string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, strings.TrimSpace(text))
	if err != nil {
		return time.Time{}, errors.New("it is not a time with an offset from UTC, such as 2006-01-02T15:04:05Z")
	}
	return t.UTC(), nil
}

// readDescriptor sets the provider's fields from an IDPSSODescriptor (SAML Metadata 2.4.1 to 2.4.3).
func (p *Provider) readDescriptor(descriptor *element) error {
	wants := strings.TrimSpace(descriptor.attributes["WantAuthnRequestsSigned"])
	p.WantsSignedRequests = wants == "true" || wants == "1"
	sso, err := redirectService(descriptor, "SingleSignOnService")
	if err != nil {
		return err
	}
	if sso == nil {
		return errors.New("the provider has no SingleSignOnService with the redirect binding")
	}

	p.SSOURL = sso.attributes["Location"]
	slo, err := redirectService(descriptor, "SingleLogoutService")
	if err != nil {
		return err
	}

	if slo != nil {
		p.SLOURL, p.SLOResponseURL = slo.attributes["Location"], slo.attributes["Location"]
		if elsewhere, ok := slo.attributes["ResponseLocation"]; ok {
			p.SLOResponseURL = elsewhere
		}
	}

	p.Certificates, err = signingCertificates(descriptor)
	return err
}

// redirectService returns the first service of a kind with the redirect binding, or nil.
func redirectService(descriptor *element, kind string) (*element, error) {
	for _, service := range descriptor.childrenNamed(nsMetadata, kind) {
		if service.attributes["Binding"] != redirectBinding {
			continue
		}
		if _, err := parseEndpoint(service.attributes["Location"]); err != nil {
			return nil, fmt.Errorf("the location of the %s: %w", kind, err)
		}

		if elsewhere, ok := service.attributes["ResponseLocation"]; ok {
			if _, err := parseEndpoint(elsewhere); err != nil {
				return nil, fmt.Errorf("the response location of the %s: %w", kind, err)
			}
		}

		return service, nil
	}

	return nil, nil
}
