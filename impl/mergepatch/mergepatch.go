// Package mergepatch applies JSON merge patches (RFC 7396).
package mergepatch

// Apply returns the target changed by the patch, as RFC 7396 section 2 defines it: a member that is null in the patch is
// removed, an object is merged member by member, anything else replaces. Values are those of strictjson.Decode. The
// arguments are left alone, but the result may share parts with them.
func Apply(target, patch any) any {
	changes, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	merged := map[string]any{}
	if members, ok := target.(map[string]any); ok {
		for name, value := range members {
			merged[name] = value
		}
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
