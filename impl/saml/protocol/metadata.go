package protocol

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// MaxMetadata is the largest metadata document in bytes. Whole federations have larger ones: take the provider's own.
const MaxMetadata = 1 << 20

// Real metadata have comments: files with the terms of their use on top.
var metadataBounds = bounds{bytes: MaxMetadata, depth: 32, elements: 20_000, comments: true}

// ParseMetadata reads the identity provider of that entity ID from its metadata: an EntityDescriptor, or one among others in
// an EntitiesDescriptor (SAML Metadata 2.3). It fails if the document is no plain XML, has that provider not exactly once,
// is no longer valid, or lacks what a login needs: a single sign-on service with the redirect binding, and a certificate
// with a key that signatures are accepted from. A signature on the document itself is not looked at: who can change the
// file, or what its https address serves, is trusted.
func ParseMetadata(data []byte, entityID string, now time.Time) (Provider, error) {
	p, err := parseMetadata(data, entityID, now)
	if err != nil {
		return Provider{}, fmt.Errorf("saml metadata: %w", err)
	}
	return p, nil
}

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
		return Provider{}, fmt.Errorf("they were valid until %s", wireTime(p.ValidUntil))
	}
	err = p.describe(found.descriptor)
	return p, err
}

// role is an IDPSSODescriptor, and until when the document lets us use it: the earliest time on the way down to it.
type role struct {
	descriptor *element
	until      time.Time
}

func findRole(root *element, entityID string) (role, error) {
	if entityID == "" {
		return role{}, errors.New("no entity ID is given")
	}
	entities, err := findEntities(root, entityID, time.Time{})
	if err != nil {
		return role{}, err
	}
	if len(entities) != 1 {
		return role{}, fmt.Errorf("they describe the entity %.200q %d times, not once", entityID, len(entities))
	}
	return entities[0].identityProvider()
}

// findEntities looks for the descriptors of an entity, here and in the groups below (SAML Metadata 2.3.1).
func findEntities(e *element, entityID string, until time.Time) ([]role, error) {
	until, err := earlier(until, e)
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

// identityProvider goes from an entity to its role as an identity provider that speaks SAML 2.0.
func (r role) identityProvider() (role, error) {
	var found []*element
	for _, descriptor := range r.descriptor.all(nsMetadata, "IDPSSODescriptor") {
		if slices.Contains(strings.Fields(descriptor.attributes["protocolSupportEnumeration"]), nsProtocol) {
			found = append(found, descriptor)
		}
	}
	if len(found) != 1 {
		return role{}, fmt.Errorf("they describe %d identity providers for SAML 2.0 under this entity ID, not one", len(found))
	}
	until, err := earlier(r.until, found[0])
	return role{found[0], until}, err
}

// earlier returns the earlier one of a time and an element's validUntil. None is later than all.
func earlier(until time.Time, e *element) (time.Time, error) {
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

// readTime reads a time (SAML Core 1.3.3). One that does not say how far it is from UTC is refused.
func readTime(text string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, strings.TrimSpace(text))
	if err != nil {
		return time.Time{}, errors.New("it is no time in UTC")
	}
	return t.UTC(), nil
}

// describe takes what we need of an IDPSSODescriptor (SAML Metadata 2.4.1 to 2.4.3).
func (p *Provider) describe(descriptor *element) error {
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
	for _, service := range descriptor.all(nsMetadata, kind) {
		if service.attributes["Binding"] != redirectBinding {
			continue
		}
		if _, err := endpoint(service.attributes["Location"]); err != nil {
			return nil, fmt.Errorf("the location of the %s: %w", kind, err)
		}
		if elsewhere, ok := service.attributes["ResponseLocation"]; ok {
			if _, err := endpoint(elsewhere); err != nil {
				return nil, fmt.Errorf("the response location of the %s: %w", kind, err)
			}
		}
		return service, nil
	}
	return nil, nil
}
