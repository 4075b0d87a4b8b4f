package roledescriptor

import (
	"crypto/sha256"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/sallyport/sallyport/impl/platform/xcontent"
)

// source is what a set is parsed from, and nothing else: so a cached set cannot be another one's.
type source struct {
	digest  [sha256.Size]byte
	options Options
}

const (
	// maxParsed and maxParsedText, in bytes, bound the memory of the cached sets, a few times as much as their texts.
	maxParsed     = 128
	maxParsedText = 8 << 10
)

// parsed caches sets by their text. Fleets send the same descriptors again and again, and parsing them takes a hundred
// times as long as their digest.
var parsed, _ = lru.New[source, Set](maxParsed) // this fails for a size that is not positive only

// readRaw is Field for text. The set is shared by all that read the same text.
func readRaw(raw xcontent.Raw, target *Set, options Options) error {
	text := raw.Text()
	from := source{sha256.Sum256(text), options}
	if set, known := parsed.Get(from); known {
		*target = set
		return nil
	}

	err := NamedField(roleDescriptors, target, options)(raw.Decode())
	if err == nil && len(text) <= maxParsedText {
		parsed.Add(from, *target)
	}
	return err
}
