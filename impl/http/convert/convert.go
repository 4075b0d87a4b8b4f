// Package convert converts between domain values and the optional members and lists of generated models.
package convert

import "time"

// Value returns what a pointer points to, or the zero value for nil.
func Value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// Text returns a pointer to a text, or nil for an empty one.
func Text(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// Time returns a pointer to a time, or nil for the zero time.
func Time(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// Each returns the converted elements of a list. It is never nil, which would be null in JSON.
func Each[T, U any](list []T, convert func(T) U) []U {
	converted := make([]U, 0, len(list))
	for _, element := range list {
		converted = append(converted, convert(element))
	}
	return converted
}

// Optional is Each for an optional member: it returns nil for an empty list.
func Optional[T, U any](list []T, convert func(T) U) *[]U {
	if len(list) == 0 {
		return nil
	}
	return new(Each(list, convert))
}

// Strings returns a list of names as strings. It is never nil.
func Strings[T ~string](list []T) []string {
	return Each(list, func(name T) string { return string(name) })
}
