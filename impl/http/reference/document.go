package reference

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// generators are the prefixes of the contract's extensions that only generators of code read.
var generators = []string{"x-go-", "x-ogen-", "x-order", "x-statuses"}

// publish returns a contract without the extensions of generators, as YAML and as JSON, in the order of the contract.
// If there is a function to reduce it, that leaves a part of it.
func publish(contract []byte, reduce func(*yaml.Node) error) (asYAML, asJSON []byte, err error) {
	var document yaml.Node
	if err := yaml.Unmarshal(contract, &document); err != nil {
		return nil, nil, fmt.Errorf("reference: %w", err)
	}
	removeGenerators(&document)
	if reduce != nil {
		if err := reduce(&document); err != nil {
			return nil, nil, err
		}
	}

	var text bytes.Buffer
	encoder := yaml.NewEncoder(&text)
	encoder.SetIndent(2)
	if err := encoder.Encode(&document); err != nil {
		return nil, nil, fmt.Errorf("reference: YAML: %w", err)
	}
	asJSON, err = appendJSON(nil, &document)
	if err != nil {
		return nil, nil, fmt.Errorf("reference: JSON: %w", err)
	}
	return text.Bytes(), asJSON, nil
}

// removeGenerators removes the extensions of generators, and the comments, which are about the contract's source.
func removeGenerators(n *yaml.Node) {
	n.HeadComment, n.LineComment, n.FootComment = "", "", ""
	if n.Kind == yaml.MappingNode {
		keep(n, func(name string) bool { return !forGenerators(name) })
	}
	for _, each := range n.Content {
		removeGenerators(each)
	}
}

func forGenerators(name string) bool {
	for _, prefix := range generators {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// appendJSON appends a node as JSON. Unlike a map, it keeps the order of members.
func appendJSON(to []byte, n *yaml.Node) ([]byte, error) {
	switch n.Kind {
	case yaml.DocumentNode:
		return appendJSON(to, n.Content[0])
	case yaml.MappingNode:
		return appendElements(append(to, '{'), n.Content, 2, '}')
	case yaml.SequenceNode:
		return appendElements(append(to, '['), n.Content, 1, ']')
	case yaml.AliasNode:
		return appendJSON(to, n.Alias)
	case yaml.ScalarNode:
		return appendScalar(to, n)
	default:
		return nil, fmt.Errorf("line %d: unknown kind of node", n.Line)
	}
}

func appendScalar(to []byte, n *yaml.Node) ([]byte, error) {
	var value any
	if err := n.Decode(&value); err != nil {
		return nil, err
	}
	text, err := json.Marshal(value)
	return append(to, text...), err
}

// appendElements appends the elements of a list, or with a step of 2 the members of an object, and the end.
func appendElements(to []byte, elements []*yaml.Node, step int, end byte) (_ []byte, err error) {
	for i, each := range elements {
		if i%step == 1 {
			to = append(to, ':')
		} else if i > 0 {
			to = append(to, ',')
		}

		// The name of a member is a text, whatever it would be as a value: '200'.
		if step == 2 && i%2 == 0 {
			name, _ := json.Marshal(each.Value) // a text can be marshaled
			to = append(to, name...)
			continue
		}
		if to, err = appendJSON(to, each); err != nil {
			return nil, err
		}
	}
	return append(to, end), nil
}
