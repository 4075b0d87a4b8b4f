package reference

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// eceServers are where the operations of ECE's family are served. Clients that are generated from ECE's own contract
// have the region in the address too.
const eceServers = `
- url: /api/v1
- url: /api/v1/regions/{region_id}
  description: The same operations, as ECE's clients call them. Any region does.
  variables:
    region_id:
      default: ece-region
`

// reduceToECE leaves the operations of ECE's family in a contract, with paths below each of eceServers, and what they
// refer to.
func reduceToECE(document *yaml.Node) error {
	root := document.Content[0]
	var servers yaml.Node
	if err := yaml.Unmarshal([]byte(eceServers), &servers); err != nil {
		return fmt.Errorf("reference: servers: %w", err)
	}
	*member(root, "servers") = *servers.Content[0]

	paths := member(root, "paths")
	keep(paths, func(path string) bool { return strings.HasPrefix(path, "/api/v1/") })
	tags := map[string]bool{}
	for i := 0; i < len(paths.Content); i += 2 {
		paths.Content[i].Value = strings.TrimPrefix(paths.Content[i].Value, "/api/v1")
		addTags(tags, paths.Content[i+1])
	}

	all := member(root, "tags")
	all.Content = slices.DeleteFunc(all.Content, func(tag *yaml.Node) bool { return !tags[member(tag, "name").Value] })
	keepReferred(member(root, "components"), paths)
	return nil
}

// addTags adds the tags of a path's operations.
func addTags(tags map[string]bool, path *yaml.Node) {
	for i := 1; i < len(path.Content); i += 2 {
		if list := member(path.Content[i], "tags"); list != nil {
			for _, tag := range list.Content {
				tags[tag.Value] = true
			}
		}
	}
}

// keepReferred leaves those components to which the paths refer, themselves or by way of others, and how callers
// authenticate, to which a contract does not refer by a path.
func keepReferred(components, paths *yaml.Node) {
	referred := map[string]bool{}
	var follow func(*yaml.Node)
	follow = func(n *yaml.Node) {
		for i, each := range n.Content {
			if n.Kind == yaml.MappingNode && i%2 == 1 && n.Content[i-1].Value == "$ref" && !referred[each.Value] {
				referred[each.Value] = true
				kind, name, _ := strings.Cut(strings.TrimPrefix(each.Value, "#/components/"), "/")
				follow(member(member(components, kind), name))
			}
			follow(each)
		}
	}
	follow(paths)

	for i := 0; i < len(components.Content); i += 2 {
		if kind := components.Content[i].Value; kind != "securitySchemes" {
			keep(components.Content[i+1], func(name string) bool { return referred["#/components/"+kind+"/"+name] })
		}
	}
}

// member returns the member of an object, or nil.
func member(object *yaml.Node, name string) *yaml.Node {
	if object.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i < len(object.Content); i += 2 {
		if object.Content[i].Value == name {
			return object.Content[i+1]
		}
	}
	return nil
}

// keep leaves some members of an object.
func keep(object *yaml.Node, wanted func(name string) bool) {
	kept := object.Content[:0]
	for i := 0; i < len(object.Content); i += 2 {
		if wanted(object.Content[i].Value) {
			kept = append(kept, object.Content[i], object.Content[i+1])
		}
	}
	object.Content = kept
}
