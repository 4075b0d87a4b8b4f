package store

import (
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/store/condition"
)

// The statements on keys that a condition selects are built per request, because there is one for each combination of
// columns. Values are always arguments.

var (
	selectSweeping = prepare(`SELECT name FROM users WHERE sweeping LIMIT 1`)
	selectSpecial  = prepare(`SELECT type FROM api_keys WHERE type <> 'rest' LIMIT 1`)
)

// creatorRealm is the realm in a document about a key's owner, and isCreator whether a document is one. An index has
// both.
const (
	creatorRealm = `COALESCE((body` + asJSON + ` ->> 'realm')` + byBytes + `, '')`
	isCreator    = `substr(body, 1, 13) = '{"principal":'`
	// asJSON converts a text for the operator ->>.
	asJSON = `::json`
	// containedIn is a function that returns where a text contains another one, or 0.
	containedIn = `strpos`
	// byBytes compares the text before it by its bytes. Without it, a member of a document has the database's locale.
	byBytes = ` COLLATE "C"`
)

// keyRealm is the realm of a key's owner. A key without a document about the owner is of a user of this server.
var keyRealm = `COALESCE((SELECT ` + creatorRealm + ` FROM documents WHERE documents.id = creator),
	'` + identity.Native.Name + `')`

// keyStatement is a statement on keys under construction.
type keyStatement struct {
	text strings.Builder
	args []any
	// columns are the expressions of the columns, and compared those in conditions.
	columns, compared [9]string
	// source is the tables and the condition that every key meets.
	source string
	// creator is the expression of the column.
	creator string
}

// onlyType is the type of all keys while there is no other. It has a form that can be grouped by.
const onlyType = `('` + condition.Rest + `' || '')`

// keyStatement begins a statement. While no rows of users wait for the sweep, the columns are plain, so that indexes
// can be used. While all keys are of one type, none is read for its type.
func (tx *Tx) keyStatement() (*keyStatement, error) {
	sweeping, err := all(tx, single[string], selectSweeping)
	if err != nil {
		return nil, err
	}
	special, err := all(tx, single[string], selectSpecial)
	if err != nil {
		return nil, err
	}
	s := &keyStatement{
		columns: [...]string{"id", "description", "user_name", keyRealm, onlyType, "metadata", "created_at", "expires_at",
			"invalidated_at"},
		source:  ` FROM api_keys WHERE TRUE`,
		creator: `creator`,
	}
	if len(special) > 0 {
		s.columns[condition.Type] = "type"
	}
	if len(sweeping) > 0 {
		s.text.WriteString(sweepingOwners)
		s.columns[condition.Invalidation] = invalidatedColumn
		s.source = keySource
	}
	s.compared = s.columns
	return s, nil
}

// write appends to the statement.
func (s *keyStatement) write(texts ...string) {
	for _, text := range texts {
		s.text.WriteString(text)
	}
}

// argument appends a placeholder of an argument.
func (s *keyStatement) argument(value any) {
	s.args = append(s.args, value)
	fmt.Fprintf(&s.text, "$%d", len(s.args))
}

// where appends the tables and a condition.
func (s *keyStatement) where(c condition.Condition) {
	if c.Narrow() {
		s.creator = withoutIndex(condition.Realm, s.creator)
	}
	s.write(s.source, ` AND `)
	s.condition(c)
}

func (s *keyStatement) condition(c condition.Condition) {
	switch c.Kind {
	case condition.Every:
		s.write(`TRUE`)
	case condition.None:
		s.write(`FALSE`)
	case condition.Comparison, condition.Membership:
		s.values(c)
	case condition.Conjunction:
		s.parts(c.Parts, ` AND `)
	case condition.Disjunction:
		s.parts(c.Parts, ` OR `)
	case condition.Negation:
		s.write(`NOT (`)
		s.condition(c.Parts[0])
		s.write(`)`)
	}
}

// parts appends operands, each half in parentheses of its own: SQLite refuses an expression of more than 1,000 levels,
// and a row of operands has as many levels as operands.
func (s *keyStatement) parts(parts []condition.Condition, operator string) {
	if len(parts) == 1 {
		s.condition(parts[0])
		return
	}
	half := len(parts) / 2
	s.write(`(`)
	s.parts(parts[:half], operator)
	s.write(operator)
	s.parts(parts[half:], operator)
	s.write(`)`)
}

// values appends a comparison with one or several values.
func (s *keyStatement) values(c condition.Condition) {
	if c.Operator == condition.Contains {
		s.write(containedIn, `(`, s.compared[c.Column], `, `)
		s.argument(c.Values[0])
		s.write(`) > 0`)
		return
	}
	if c.Operator == condition.NotEqual && c.Values[0] == int64(0) {
		// An index on the keys that have a time is used only if the statement has its condition, and an index on
		// all keys is read from the first time on only with the other one.
		s.write(`(`, s.compared[c.Column], ` <> 0 AND `, s.compared[c.Column], ` > 0)`)
		return
	}
	if c.Column != condition.Realm {
		s.write(s.compared[c.Column])
		s.compare(c)
		return
	}

	// A key without a document about its owner is of a user of this server.
	s.write(`(`)
	if nativeMeets(c) {
		s.write(`creator = '' OR `)
	}
	s.write(s.creator, ` IN (SELECT id FROM documents WHERE `, isCreator, ` AND `, creatorRealm)
	s.compare(c)
	s.write(`))`)
}

// absent is the stored form of an absent value. An index on the keys that have a value is used only if the statement
// has it as a constant.
func absent(column condition.Column) string {
	if column >= condition.Creation {
		return `0`
	}
	return `''`
}

// present is 1 where a column has a value, and 0 where it has none.
func (s *keyStatement) present(column condition.Column) string {
	return `CASE WHEN ` + s.columns[column] + ` = ` + absent(column) + ` THEN 0 ELSE 1 END`
}

// compare appends the right side of a comparison.
func (s *keyStatement) compare(c condition.Condition) {
	if c.Kind == condition.Comparison {
		s.write(` `, string(c.Operator), ` `)
		if c.Values[0] == "" || c.Values[0] == int64(0) {
			s.write(absent(c.Column))
		} else {
			s.argument(c.Values[0])
		}
		return
	}
	s.write(` IN (`)
	for i, value := range c.Values {
		if i > 0 {
			s.write(`, `)
		}
		s.argument(value)
	}
	s.write(`)`)
}

// nativeMeets reports whether the realm of this server's users meets a condition on realms.
func nativeMeets(c condition.Condition) bool {
	if c.Kind == condition.Membership {
		return slices.Contains(c.Values, any(identity.Native.Name))
	}
	value, _ := c.Values[0].(string)
	order := strings.Compare(identity.Native.Name, value)
	switch c.Operator {
	case condition.Equal:
		return order == 0
	case condition.NotEqual:
		return order != 0
	case condition.Less:
		return order < 0
	case condition.LessOrEqual:
		return order <= 0
	case condition.Greater:
		return order > 0
	case condition.GreaterOrEqual:
		return order >= 0
	case condition.Contains:
	}
	return false
}

// withoutIndex returns an expression with the value of a column that no index has.
func withoutIndex(column condition.Column, expression string) string {
	if column >= condition.Creation {
		return `(` + expression + ` + 0)`
	}
	return `(` + expression + ` || '')`
}

// walk makes the database read keys in an order until enough are selected, rather than all selected ones: it leaves an
// index to the first column of the order only.
func (s *keyStatement) walk(orders []condition.Order) {
	s.creator = withoutIndex(condition.Realm, s.creator)
	for i := range s.compared {
		if column := condition.Column(i); column != condition.Realm && column != orders[0].Column {
			s.compared[column] = withoutIndex(column, s.compared[column])
		}
	}
}

// order appends an ORDER BY. Without an index, the database sorts the selected keys, and cannot choose to read all
// keys in this order instead.
func (s *keyStatement) order(orders []condition.Order, indexed bool) {
	before := ` ORDER BY `
	for _, o := range orders {
		expression := s.columns[o.Column]
		switch {
		case o.Presence:
			expression = s.present(o.Column)
		case !indexed:
			expression = withoutIndex(o.Column, expression)
		}
		s.write(before, expression)
		if o.Descending {
			s.write(` DESC`)
		}
		before = `, `
	}
}

// limit appends a LIMIT. Zero is no limit.
func (s *keyStatement) limit(limit int) {
	if limit > 0 {
		s.write(` LIMIT `)
		s.argument(limit)
	}
}

// Count returns the number of selected keys, at most the limit. Zero is no limit.
func (t Keys) Count(where condition.Condition, limit int) (int, error) {
	s, err := t.tx.keyStatement()
	if err != nil {
		return 0, err
	}
	if limit == 0 {
		s.write(`SELECT COUNT(*)`)
		s.where(where)
	} else {
		s.write(`SELECT COUNT(*) FROM (SELECT 1`)
		s.where(where)
		s.write(` LIMIT `)
		s.argument(limit)
		s.write(`) AS selected`)
	}
	return one(t.tx, single[int], adHoc(s.text.String()), s.args...)
}

// sortedInMemory is the number of selected keys up to which sorting them takes less time than reading keys in the
// requested order until enough are selected.
const sortedInMemory = 10_000

// sortedOfUser is sortedInMemory for the keys of one user: indexes have them in the order of the sort.
const sortedOfUser = 1_000

// inOrder reports whether keys are read in the requested order, rather than sorted.
func inOrder(where condition.Condition, orders []condition.Order, total int) bool {
	if total < 0 || total > sortedInMemory {
		return true
	}
	others := []condition.Column{orders[0].Column, condition.Expiration, condition.Invalidation, condition.Type}
	return total > sortedOfUser && where.OfUser(others...)
}

// IDs returns the ids of the first selected keys in an order, at most the limit; zero is no limit. total is about the
// number of selected keys, or negative if there may be many.
func (t Keys) IDs(where condition.Condition, orders []condition.Order, limit, total int) ([]string, error) {
	s, err := t.tx.keyStatement()
	if err != nil {
		return nil, err
	}
	s.write(`SELECT id`)
	many := inOrder(where, orders, total)
	if many && !where.Narrow() {
		s.walk(orders)
	}
	s.where(where)
	s.order(orders, many)
	s.limit(limit)
	return all(t.tx, single[string], adHoc(s.text.String()), s.args...)
}

// Oldest is the order of keys by creation.
var Oldest = []condition.Order{{Column: condition.Creation}, {Column: condition.ID}}

// KeyPosition is the place of a key in the order Oldest, which never changes. The zero value is before all keys.
type KeyPosition struct {
	// Creation is in milliseconds since 1970.
	Creation int64
	ID       string
	// Shown is the size of the key's metadata and role descriptors in bytes.
	Shown int
}

// following selects the keys after a position.
func (p KeyPosition) following() condition.Condition {
	if p.ID == "" {
		return condition.Condition{}
	}
	return condition.And(
		condition.Compare(condition.Creation, condition.GreaterOrEqual, p.Creation),
		condition.Or(
			condition.Compare(condition.Creation, condition.Greater, p.Creation),
			condition.Compare(condition.ID, condition.Greater, p.ID),
		),
	)
}

// Positions returns the first selected keys after a position, oldest first, at most the limit. With limits, the owner's
// role descriptors count as shown.
func (t Keys) Positions(where condition.Condition, after KeyPosition, limits bool, limit int) ([]KeyPosition, error) {
	s, err := t.tx.keyStatement()
	if err != nil {
		return nil, err
	}
	s.write(`SELECT created_at, id, octet_length(metadata) + `, documentSize(`assigned`))
	if limits {
		s.write(` + `, documentSize(`limited_by`))
	}
	narrow := where.Narrow()
	if !narrow {
		s.walk(Oldest)
	}
	s.where(condition.And(where, after.following()))
	s.order(Oldest, !narrow)
	s.limit(limit)
	fields := func(p *KeyPosition) []any { return []any{&p.Creation, &p.ID, &p.Shown} }
	return all(t.tx, fields, adHoc(s.text.String()), s.args...)
}

// documentSize is the size of the document that a column of a key refers to, in bytes.
func documentSize(column string) string {
	return `COALESCE((SELECT octet_length(body) FROM documents WHERE documents.id = ` + column + `), 0)`
}

// Chunks yields the selected keys in chunks of a bounded size, oldest first. It holds the ids of all of them.
func (t Keys) Chunks(where condition.Condition) iter.Seq2[[]APIKey, error] {
	return func(yield func([]APIKey, error) bool) {
		total := -1
		if where.Narrow() {
			total = 0
		}
		ids, err := t.IDs(where, Oldest, 0, total)
		if err != nil {
			yield(nil, err)
			return
		}
		for some := range slices.Chunk(ids, keysAtOnce) {
			if keys, err := t.InOrder(some); !yield(keys, err) || err != nil {
				return
			}
		}
	}
}

// keysAtOnce is the number of keys in a chunk.
const keysAtOnce = 500

// InOrder returns the keys with the ids, in their order. Ids that do not exist are left out.
func (t Keys) InOrder(ids []string) ([]APIKey, error) {
	found, err := t.ByIDs(ids)
	keys := make([]APIKey, 0, len(found))
	for _, id := range ids {
		if key, ok := found[id]; ok {
			keys = append(keys, key)
		}
	}
	return keys, err
}

// KeyRow is a key in a scan, or a group of keys.
type KeyRow struct {
	ID, Name, UserName, Realm, Type, Metadata string
	// Expiration and Invalidation are zero for a key that never expires, or is not invalidated.
	Creation, Expiration, Invalidation time.Time
	// Count is the number of keys in the group.
	Count int
}

// fields returns the destinations of the columns, by their numbers.
func (r *KeyRow) fields() [9]any {
	return [...]any{&r.ID, &r.Name, &r.UserName, &r.Realm, &r.Type, &r.Metadata, (*milliseconds)(&r.Creation),
		(*milliseconds)(&r.Expiration), (*milliseconds)(&r.Invalidation)}
}

// Scan yields the columns of the selected keys in an order; without one, as the database finds them. No other statement
// can be run before it ends.
func (t Keys) Scan(
	where condition.Condition, columns []condition.Column, order []condition.Order,
) iter.Seq2[*KeyRow, error] {
	return t.rows(func(s *keyStatement) []condition.Column {
		s.write(`SELECT 1`)
		for _, column := range columns {
			s.write(`, `, s.columns[column])
		}
		s.where(where)
		s.order(order, true)
		return columns
	})
}

// Groups is Scan with the keys that are equal in all columns together. Of Invalidation, only whether a key is
// invalidated counts.
func (t Keys) Groups(where condition.Condition, columns []condition.Column) iter.Seq2[*KeyRow, error] {
	return t.rows(func(s *keyStatement) []condition.Column {
		shown := s.columns
		shown[condition.Invalidation] = s.present(condition.Invalidation)
		s.write(`SELECT COUNT(*)`)
		for _, column := range columns {
			s.write(`, `, shown[column])
		}
		s.where(where)

		before := ` GROUP BY `
		for _, column := range columns {
			by := shown[column]
			if column == condition.Realm {
				by = `creator`
			}
			s.write(before, by)
			before = `, `
		}
		s.write(` HAVING COUNT(*) > 0`) // without columns there is one group, even of no keys
		return columns
	})
}

// rows yields the rows of a statement, which select a count and columns, always in the same record.
func (t Keys) rows(write func(*keyStatement) []condition.Column) iter.Seq2[*KeyRow, error] {
	return func(yield func(*KeyRow, error) bool) {
		s, err := t.tx.keyStatement()
		if err != nil {
			yield(nil, err)
			return
		}
		var row KeyRow
		fields := []any{&row.Count}
		for _, column := range write(s) {
			fields = append(fields, row.fields()[column])
		}
		for err := range t.tx.stream(adHoc(s.text.String()), s.args, fields) {
			if !yield(&row, err) || err != nil {
				return
			}
		}
	}
}

// stream scans each row of a query into the fields, and yields.
func (tx *Tx) stream(s statement, args, fields []any) iter.Seq[error] {
	return func(yield func(error) bool) {
		if anyUnstorable(args) {
			return
		}
		rows, err := tx.query(s, args)
		if err != nil {
			yield(tx.fail(s, err))
			return
		}
		defer rows.Close() //nolint:errcheck // Err says what went wrong

		for rows.Next() {
			if err := rows.Scan(fields...); err != nil {
				yield(tx.fail(s, err))
				return
			}
			if !yield(nil) {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(tx.fail(s, err))
		}
	}
}
