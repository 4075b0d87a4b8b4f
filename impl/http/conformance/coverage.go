package conformance

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/sallyport/sallyport/api"
	"github.com/sallyport/sallyport/impl/http/compatibility"
	"github.com/sallyport/sallyport/impl/http/contract"
)

// Family is an API family.
type Family string

const (
	// ECE is the API of Elastic Cloud Enterprise.
	ECE Family = "ece"
	// Elasticsearch is the API of Elasticsearch.
	Elasticsearch Family = "elasticsearch"
)

// Families are all families.
var Families = []Family{ECE, Elasticsearch}

// FamilyOf returns the family of an operation's path.
func FamilyOf(path string) Family {
	for _, prefix := range []string{"/api/", "/.well-known/", "/sso/"} {
		if strings.HasPrefix(path, prefix) {
			return ECE
		}
	}
	return Elasticsearch
}

// Coverage is the table of the published operations: which of them are served here, and how (api/coverage.json).
type Coverage struct {
	// Documents are where the operations of a family are published.
	Documents map[Family]Document `json:"documents"`
	// Served are the operations of the contract, by their ids.
	Served map[string]Served `json:"served"`
	// Absent are published operations that the contract does not have.
	Absent []Absent `json:"absent"`
}

// Document is where operations are published.
type Document struct {
	Title    string `json:"title"`
	Versions string `json:"versions"`
	// Page is the address of an operation's page without the operation's name.
	Page string `json:"page"`
}

// Served is an operation of the contract.
type Served struct {
	// Source is the published name of the operation; "" if it is the id in the contract.
	Source string `json:"source,omitempty"`
	// Since is the first version with the operation, if that is later than the first that can be spoken.
	Since string `json:"since,omitempty"`
	// Page is where the operation is published, if that is not a page of its family's document.
	Page string `json:"page,omitempty"`
	// Differs are the rows of docs/divergences.md with the deliberate differences, by their first column.
	Differs []string `json:"differs,omitempty"`
	// Members are the JSON pointers of published members of responses that this server does not have, or of which it has
	// a part. The step * stands for any.
	Members []string `json:"members,omitempty"`
	// Unpublished operations are this project's own although the contract does not mark them: pages for browsers.
	Unpublished bool `json:"unpublished,omitempty"`
	// Untested says why no case compares a successful answer of the operation.
	Untested string `json:"untested,omitempty"`
}

// Absent is a published operation, or family of operations, that is not served.
type Absent struct {
	Family    Family `json:"family"`
	Operation string `json:"operation"`
	Source    string `json:"source"`
	Since     string `json:"since,omitempty"`
	Reason    string `json:"reason"`
}

// LoadCoverage returns the table. It returns an error if the table has members that it should not have.
func LoadCoverage() (*Coverage, error) { return loadCoverage() }

var loadCoverage = sync.OnceValues(func() (*Coverage, error) {
	decoder := json.NewDecoder(bytes.NewReader(api.Coverage))
	decoder.DisallowUnknownFields()
	var c Coverage
	if err := decoder.Decode(&c); err != nil {
		return nil, fmt.Errorf("api/coverage.json: %w", err)
	}
	return &c, nil
})

// Source is where a fact is published.
type Source struct {
	Document string `json:"document"`
	Versions string `json:"versions"`
	Page     string `json:"page"`
}

// Source returns the page of an operation.
func (c *Coverage) Source(op *contract.Operation) Source {
	name := c.Served[op.ID].Source
	if name == "" {
		name = op.ID
	}
	source := c.page(FamilyOf(op.Path), name)
	source.Page = cmp.Or(c.Served[op.ID].Page, source.Page)
	return source
}

// sourceOf returns where the fact of a case is published.
func (c *Coverage) sourceOf(of Case, op *contract.Operation) Source {
	source := c.Source(op)
	source.Page = cmp.Or(of.Page, source.Page)
	return source
}

// State is what a version has of an operation.
type State string

const (
	// AsPublished operations have no deliberate differences of their own.
	AsPublished State = "same"
	// Differs is for operations with deliberate differences, which docs/divergences.md lists.
	Differs State = "differs"
	// NotServed operations are unknown in the version.
	NotServed State = "404"
	// Own operations are extensions of this project.
	Own State = "own"
)

// State returns what a version has of an operation of the contract.
func (c *Coverage) State(op *contract.Operation, version string) State {
	switch {
	case c.Lacks(op, version):
		return NotServed
	case op.Own || c.Served[op.ID].Unpublished:
		return Own
	case c.Served[op.ID].Differs != nil:
		return Differs
	}
	return AsPublished
}

// Lacks reports whether a version does not have an operation of the contract.
func (c *Coverage) Lacks(op *contract.Operation, version string) bool {
	if FamilyOf(op.Path) == Elasticsearch {
		return before(version, c.Served[op.ID].Since)
	}
	spoken, err := compatibility.FindECE(version)
	return err == nil && slices.Contains(spoken.Operations, op.ID)
}

// page returns the page of an operation by its published name, in which Elasticsearch's specification has a dot.
func (c *Coverage) page(family Family, name string) Source {
	document := c.Documents[family]
	return Source{
		Document: document.Title,
		Versions: document.Versions,
		Page:     document.Page + strings.NewReplacer(".", "-", "_", "-").Replace(name),
	}
}

// before reports whether a version is earlier than another. Unknown versions are not.
func before(version, other string) bool {
	if version == "" || other == "" {
		return false
	}
	return slices.Compare(numbers(version), numbers(other)) < 0
}

func numbers(version string) (found []int) {
	for part := range strings.SplitSeq(version, ".") {
		n, err := strconv.Atoi(part)
		if err != nil {
			return nil
		}
		found = append(found, n)
	}
	return found
}
