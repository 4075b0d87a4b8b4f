package protocol

import (
	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
	"github.com/russellhaering/goxmldsig/etreeutils"
)

// canonical returns an element's exclusive canonical form without comments. One child may be left out. The element stays
// as it is.
func canonical(el *etree.Element, without *etree.Element, prefixes string) ([]byte, error) {
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

// detach copies an element with all namespaces that hold where it stands. The library's usual context counts elements and
// gives up after 1,000; this one does not, since the gate has bounded them.
func detach(el *etree.Element) (*etree.Element, error) {
	around, err := contextOf(el.Parent())
	if err != nil {
		return nil, err
	}
	return etreeutils.NSDetatch(around, el)
}

func contextOf(el *etree.Element) (etreeutils.NSContext, error) {
	if el == nil {
		return etreeutils.EmptyNSContext, nil
	}
	around, err := contextOf(el.Parent())
	if err != nil {
		return around, err
	}
	return around.SubContext(el)
}
