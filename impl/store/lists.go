package store

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// list is a column that holds strings, as a JSON array.
type list[T ~string] []T

// Value implements driver.Valuer.
func (l list[T]) Value() (driver.Value, error) {
	if len(l) == 0 {
		return "[]", nil // a nil slice would be null
	}
	text, err := json.Marshal([]T(l))
	return string(text), err
}

// Scan implements sql.Scanner. The list is never nil then.
func (l *list[T]) Scan(column any) error {
	text, ok := column.(string)
	if !ok {
		return fmt.Errorf("a %T is not the text of a list", column)
	}
	return json.Unmarshal([]byte(text), (*[]T)(l))
}

// sorted returns ids in order and once each. Statements that go through a table in the order of its key read each page
// once, and transactions that lock rows in one order do not wait for each other in a circle.
func sorted(ids []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(ids)))
}

// placeholders returns so many of them, for a list in a statement.
func placeholders(n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = "$" + strconv.Itoa(i+1)
	}
	return strings.Join(list, ", ")
}
