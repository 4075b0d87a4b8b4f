// Package mergepatch applies JSON merge patches (RFC 7396).
package mergepatch

import "maps"

// Apply returns the result of applying patch to target (RFC 7396 section 2): a member that is null in the patch is
// removed, an object is merged recursively, any other value replaces the target's. Values are of the types that
// strictjson.Decode returns. The arguments are not modified, but the result may share values with them.
func Apply(target, patch any) any {
	changes, ok := patch.(map[string]any)
	if !ok {
		return patch
	}

	merged := map[string]any{}
	if members, ok := target.(map[string]any); ok {
		maps.Copy(merged, members)
	}

	for name, value := range changes {
		if value == nil {
			delete(merged, name)
			continue
		}
		merged[name] = Apply(merged[name], value)
	}
	return merged
}
