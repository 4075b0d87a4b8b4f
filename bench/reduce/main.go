// Command reduce writes the part of a contract from which ogen generates a server for benchmarks, as JSON: the
// operations that are compared, with their successful answers.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"go.yaml.in/yaml/v3"
)

// operations are the paths and methods that stay. Failures are not compared, and none of the servers that are compared
// checks credentials.
var operations = map[string]string{
	"/api/v1/account":                 "get",
	"/api/v1/users/auth/_login":       "post",
	"/_security/api_key/_bulk_update": "post",
}

type object = map[string]any

func main() {
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(from, to string) error {
	text, err := os.ReadFile(from) //nolint:gosec // the Makefile names the file
	if err != nil {
		return err
	}
	var document object
	if err := yaml.Unmarshal(text, &document); err != nil {
		return err
	}

	paths := object{}
	for path, method := range operations {
		operation := document["paths"].(object)[path].(object)[method].(object)
		operation["responses"] = object{"200": operation["responses"].(object)["200"]}
		delete(operation, "security")
		paths[path] = object{method: operation}
	}
	components := object{}
	keep(paths, document["components"].(object), components)
	reduced := object{"openapi": document["openapi"], "info": document["info"], "paths": paths, "components": components}
	text, err = json.MarshalIndent(reduced, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(to, text, 0o600) //nolint:gosec // the Makefile names the file
}

// keep copies the components that a part of the document refers to.
func keep(part any, from, to object) {
	switch part := part.(type) {
	case []any:
		for _, each := range part {
			keep(each, from, to)
		}
	case object:
		for name, each := range part {
			if reference, ok := each.(string); ok && name == "$ref" {
				keepComponent(reference, from, to)
				continue
			}
			keep(each, from, to)
		}
	}
}

func keepComponent(reference string, from, to object) {
	kind, name, _ := strings.Cut(strings.TrimPrefix(reference, "#/components/"), "/")
	if to[kind] == nil {
		to[kind] = object{}
	}
	if to[kind].(object)[name] != nil {
		return
	}
	component := from[kind].(object)[name]
	to[kind].(object)[name] = component
	keep(component, from, to)
}
