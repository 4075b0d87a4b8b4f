package store

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/sallyport/sallyport/impl/authn/identity"
)

// milliseconds is the destination of a column that holds milliseconds since 1970; zero is the zero time.
type milliseconds time.Time

// Scan implements sql.Scanner.
func (m *milliseconds) Scan(column any) error {
	millis, ok := column.(int64)
	if !ok {
		return fmt.Errorf("a %T is not a number of milliseconds", column)
	}
	*m = milliseconds(at(millis))
	return nil
}

// list is a column or an argument that holds a JSON array.
type list[T any] []T

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

// tenure is a column that holds a JSON object, or is empty for a user that was never promoted.
type tenure identity.Tenure

// Value implements driver.Valuer.
func (t tenure) Value() (driver.Value, error) {
	if t.Promotions == 0 && t.Since == nil {
		return "", nil
	}
	text, err := json.Marshal(identity.Tenure(t))
	return string(text), err
}

// Scan implements sql.Scanner.
func (t *tenure) Scan(column any) error {
	*t = tenure{}
	text, ok := column.(string)
	if !ok {
		return fmt.Errorf("a %T is not the text of a tenure", column)
	}
	if text == "" {
		return nil
	}
	return json.Unmarshal([]byte(text), (*identity.Tenure)(t))
}

// Statements on several records take them as a JSON array in $1, because one statement per record costs PostgreSQL a
// round trip, and SQLite more than the record itself. Both databases process them in order, so transactions that lock
// the same rows do not deadlock.
const (
	// among is a condition on a table's key: it is in an array of texts. A statement must have no other condition
	// that has an index, because PostgreSQL expects a short array, and might search it once per record.
	among = `= ANY (ARRAY(SELECT json_array_elements_text($1)))`
	// elements is a table of an array's elements, in the column value. The elements of a nested array are value ->>
	// 0, value ->> 1 and so on.
	elements = `json_array_elements($1)`
)

// texts returns the argument of such a statement, without texts that no record can hold.
func texts(values []string) list[string] {
	return slices.DeleteFunc(slices.Clone(values), unstorable)
}

// sorted returns texts in order and once each.
func sorted(texts []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(texts)))
}
