package store

import (
	"encoding/binary"
	"encoding/hex"
	"hash/fnv"
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// tag is a hash of the name of a record that can change: a user, a session, a token, a key. Records can share a tag,
// so a cache may invalidate more than has changed, and never less. A tag does not reveal its record.
type tag uint16

func accountTag() tag          { return makeTag("account") }
func roleTag(name string) tag  { return makeTag("role:" + name) }
func userTag(name string) tag  { return makeTag("user:" + name) }
func sessionTag(id string) tag { return makeTag("session:" + id) }
func tokenTag(id string) tag   { return makeTag("token:" + id) }
func keyTag(id string) tag     { return makeTag("key:" + id) }

func serviceTokenTag(account, name string) tag {
	return makeTag("service_token:" + account + "/" + name)
}

func makeTag(text string) tag {
	h := fnv.New32a()
	_, _ = h.Write([]byte(text)) // a hash returns no error
	sum := h.Sum32()
	return tag(sum>>16) ^ tag(sum) //nolint:gosec // the hash is folded
}

// dependencies are the records that a value was made of, and the bytes of the texts among them without a small limit.
type dependencies struct {
	tags  []tag
	bytes int
}

func (d *dependencies) add(more ...tag) { d.tags = append(d.tags, more...) }

// maxTags is the maximum number of changes that one transaction lists. A transaction with more, such as one that
// changes many keys, invalidates everything.
const maxTags = 512

// tags are the changes of a transaction.
type tags struct {
	list []tag
	all  bool
}

func (t *tags) add(more ...tag) {
	if t.all = t.all || len(t.list)+len(more) > maxTags; t.all {
		t.list = nil
		return
	}
	t.list = append(t.list, more...)
}

func (t *tags) keys(ids []string) {
	for _, id := range ids {
		t.add(keyTag(id))
	}
}

func (t *tags) empty() bool { return !t.all && len(t.list) == 0 }

// everything is the message that invalidates all cached values.
const everything = "*"

// String encodes tags as an invalidation message.
func (t *tags) String() string {
	if t.all {
		return everything
	}
	var bytes []byte
	for _, one := range t.list {
		bytes = binary.BigEndian.AppendUint16(bytes, uint16(one))
	}
	return hex.EncodeToString(bytes)
}

// readTags decodes an invalidation message. A malformed one invalidates everything.
func readTags(text string) tags {
	bytes, err := hex.DecodeString(text)
	if err != nil || len(bytes)%2 != 0 {
		return tags{all: true}
	}
	var t tags
	for ; len(bytes) > 0; bytes = bytes[2:] {
		t.add(tag(binary.BigEndian.Uint16(bytes)))
	}
	return t
}

// changes records, in the order in which this process learns of them, when each tag changed last, which decides
// whether a cached value is still valid. So nothing has to be searched and evicted, and a value that was read before
// a change and cached after it is not valid either.
type changes struct {
	now      func() time.Time
	lifetime time.Duration

	// count is the number of changes recorded so far.
	count atomic.Uint64
	// since is the count from which on all changes are recorded, or disconnected.
	since atomic.Uint64
	// latest holds the count of each tag's last change, by the upper and the lower byte of the tag. Most servers change
	// few records: what nothing changed in is nil.
	latest [math.MaxUint8 + 1]atomic.Pointer[counts]
	// mu makes counting a change and recording it one step.
	mu sync.Mutex
	// flushes counts how often everything was invalidated.
	flushes atomic.Uint64
}

// counts holds the counts of tags with the same upper byte, by their lower byte.
type counts [math.MaxUint8 + 1]atomic.Uint64

const disconnected = math.MaxUint64

func newChanges(now func() time.Time, lifetime time.Duration) *changes {
	c := &changes{now: now, lifetime: lifetime}
	c.disconnect()
	return c
}

// moment is a time no later than the beginning of a read.
type moment struct {
	count uint64
	at    time.Time
}

func (c *changes) moment() moment { return moment{c.count.Load(), c.now()} }

// record records committed changes. It is called before a caller can rely on them.
func (c *changes) record(t tags) {
	c.mu.Lock()
	defer c.mu.Unlock()
	count := c.count.Add(1)
	for _, one := range t.list {
		c.set(one, count)
	}
	if t.all && c.connected() {
		c.since.Store(count)
		c.flushes.Add(1)
	}
}

// set records the last change of a tag. The caller holds mu.
func (c *changes) set(one tag, count uint64) {
	group := &c.latest[one>>8]
	if group.Load() == nil {
		group.Store(new(counts))
	}
	group.Load()[one&math.MaxUint8].Store(count)
}

// last returns the count of a tag's last change, or 0 before the first one.
func (c *changes) last(one tag) uint64 {
	group := c.latest[one>>8].Load()
	if group == nil {
		return 0
	}
	return group[one&math.MaxUint8].Load()
}

// disconnect turns caching off, because invalidation messages may be missed from now on.
func (c *changes) disconnect() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.since.Store(disconnected)
}

// connect turns caching on: all invalidation messages arrive from now on.
func (c *changes) connect() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.since.Store(c.count.Add(1))
}

func (c *changes) connected() bool { return c.since.Load() != disconnected }

// valid reports whether a value that was read at a moment, and depends on these tags, can still be used.
func (c *changes) valid(read moment, of []tag) bool {
	// The age is negative after the server's clock was set back, or another server has taken over.
	age := c.now().Sub(read.at)
	if age < 0 || age >= c.lifetime || read.count < c.since.Load() {
		return false
	}
	for _, one := range of {
		if read.count < c.last(one) {
			return false
		}
	}
	return true
}
