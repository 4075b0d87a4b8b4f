package protocol

import (
	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
	"github.com/russellhaering/goxmldsig/etreeutils"
)

// canonicalize returns the exclusive canonical form of an element without comments. The child without, if not nil, is
// left out. The element itself is not changed.
func canonicalize(el *etree.Element, without *etree.Element, prefixes string) ([]byte, error) {
	detached, err := detach(el)
	if err != nil {
		return nil, refuse(reasonNamespaces)
	}
	if without != nil {
		detached.RemoveChildAt(without.Index())
	}

	content, err := dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList(prefixes).Canonicalize(detached)
	if err != nil {
		return nil, refuse(reasonNamespaces)
	}

	return content, nil
}

// detach copies an element with all namespaces in scope. The library's default context refuses more than 1,000
// elements; this one has no such limit, because the gate has bounded the document.
func detach(el *etree.Element) (*etree.Element, error) {
	around, err := namespaceContext(el.Parent())
	if err != nil {
		return nil, err
	}
	return etreeutils.NSDetatch(around, el)
}

// namespaceContext returns the namespaces in scope at an element.
func namespaceContext(el *etree.Element) (etreeutils.NSContext, error) {
	if el == nil {
		return etreeutils.EmptyNSContext, nil
	}

	around, err := namespaceContext(el.Parent())
	if err != nil {
		return around, err
	}

	return around.SubContext(el)
}
