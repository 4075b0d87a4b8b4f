package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"github.com/sallyport/sallyport/impl/apikey"
	"github.com/sallyport/sallyport/impl/authz/roledescriptor"
	"github.com/sallyport/sallyport/impl/platform/strictjson"
)

// maxDocument bounds the size of a file with JSON or YAML, in bytes. It is that of a request.
const maxDocument = 1 << 20

// readObject reads a JSON or YAML file that a flag names, which holds an object; nil if the flag is not given.
func readObject(cmd *cobra.Command, flag, path string) (json.RawMessage, error) {
	if path == "" {
		return nil, nil
	}
	text, err := readDocument(cmd, path)
	if err == nil {
		text, err = asJSON(text)
	}
	if err != nil {
		return nil, usageErrorf("--%s: %w", flag, err)
	}
	return text, nil
}

func readDocument(cmd *cobra.Command, path string) ([]byte, error) {
	in := cmd.InOrStdin()
	if path != "-" {
		file, err := os.Open(path) //nolint:gosec // the caller chooses the file
		if err != nil {
			return nil, err
		}
		defer file.Close() //nolint:errcheck // opened for reading
		in = file
	}
	text, err := io.ReadAll(io.LimitReader(in, maxDocument+1))
	if err == nil && len(text) > maxDocument {
		err = fmt.Errorf("%s has more than %d bytes", path, maxDocument)
	}
	return text, err
}

// asJSON returns an object as JSON. A text that does not begin as JSON is read as YAML.
func asJSON(text []byte) (json.RawMessage, error) {
	if !bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) {
		var value any
		err := yaml.Unmarshal(text, &value)
		if err == nil {
			text, err = json.Marshal(value)
		}
		if err != nil {
			return nil, errors.New(strings.Join(strings.Fields(err.Error()), " ")) // in one line
		}
	}
	value, err := strictjson.Decode(text)
	if err != nil {
		return nil, err
	}
	if _, isObject := value.(map[string]any); !isObject {
		return nil, errors.New("this must be an object")
	}
	return text, nil
}

// decoded returns an object as the domain reads it; nil for none.
func decoded(text json.RawMessage) (map[string]any, error) {
	if text == nil {
		return nil, nil
	}
	value, err := strictjson.Decode(text)
	if err != nil {
		return nil, err
	}
	members, _ := value.(map[string]any)
	return members, nil
}

// sortedObject returns an object with sorted members, because databases and servers have them in other orders; nil for
// none. It first calls change with the members.
func sortedObject(text json.RawMessage, change func(map[string]any)) (json.RawMessage, error) {
	if len(text) == 0 {
		return nil, nil
	}
	members, err := decoded(text)
	if err != nil {
		return nil, err
	}
	change(members)
	var sorted bytes.Buffer
	encoder := json.NewEncoder(&sorted)
	encoder.SetEscapeHTML(false)
	err = encoder.Encode(members)
	return bytes.TrimSpace(sorted.Bytes()), err
}

// dropTransient removes from a role descriptor the member that servers add and that is no part of it.
func dropTransient(descriptor map[string]any) { delete(descriptor, "transient_metadata") }

// dropEachTransient is dropTransient for descriptors by name.
func dropEachTransient(descriptors map[string]any) {
	for _, value := range descriptors {
		if descriptor, ok := value.(map[string]any); ok {
			dropTransient(descriptor)
		}
	}
}

// creation returns the domain's description of the key.
func (n newKey) creation() (apikey.Creation, error) {
	c := apikey.Creation{Name: n.name}
	if n.lifetime != 0 {
		c.Lifetime = &n.lifetime
	}
	var err error
	if c.Metadata, err = decoded(n.metadata); err != nil {
		return c, err
	}
	descriptors, err := decoded(n.descriptors)
	if err != nil || descriptors == nil {
		return c, err
	}
	options := roledescriptor.Options{AllowRestriction: true, AllowDataSources: true}
	err = roledescriptor.Field(&c.Assigned, options)(descriptors)
	return c, err
}
