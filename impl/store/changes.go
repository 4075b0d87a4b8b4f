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

// tag stands for something that changes: a user, a session, a key. Different things may have one tag, so more may seem to
// have changed than has, and never less. A tag does not tell what it stands for.
type tag uint16

func userTag(name string) tag  { return makeTag("user:" + name) }
func sessionTag(id string) tag { return makeTag("session:" + id) }
func tokenTag(id string) tag   { return makeTag("token:" + id) }
func keyTag(id string) tag     { return makeTag("key:" + id) }

func makeTag(text string) tag {
	h := fnv.New32a()
	_, _ = h.Write([]byte(text)) // a hash takes everything
	sum := h.Sum32()
	return tag(sum>>16) ^ tag(sum) //nolint:gosec // folding it is the point
}

// maxTags is how many changes are told apart in one transaction. One that changes more, such as many keys at once, seems to
// change everything.
const maxTags = 512

// tags are what a transaction has changed.
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

// everything is how tags are written that stand for all there are.
const everything = "*"

// String writes tags for other processes.
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

// readTags reverses String. What it cannot read stands for everything.
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

// changes knows, in the order in which this process learns of them, when something with a tag changed last: that decides
// whether what was read before is still good. Nothing has to be looked for and thrown away, and what is read before a change
// and remembered after it is not good either.
type changes struct {
	now      func() time.Time
	lifetime time.Duration

	// count is how many changes there were.
	count atomic.Uint64
	// since is the count after which all changes are known; unknown while they are not.
	since  atomic.Uint64
	latest [math.MaxUint16 + 1]atomic.Uint64
	mu     sync.Mutex // makes counting a change and writing it down one step
}

const unknown = math.MaxUint64

func newChanges(now func() time.Time, lifetime time.Duration) *changes {
	c := &changes{now: now, lifetime: lifetime}
	c.lose()
	return c
}

// moment is when a read began, or before.
type moment struct {
	count uint64
	at    time.Time
}

func (c *changes) moment() moment { return moment{c.count.Load(), c.now()} }

// happened is called after changes were committed, and before anybody may rely on it.
func (c *changes) happened(t tags) {
	c.mu.Lock()
	defer c.mu.Unlock()
	count := c.count.Add(1)
	for _, one := range t.list {
		c.latest[one].Store(count)
	}
	if t.all && c.known() {
		c.since.Store(count)
	}
}

// lose is called when changes may happen from now on that are not told here.
func (c *changes) lose() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.since.Store(unknown)
}

// follow is called when all changes from now on are told here.
func (c *changes) follow() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.since.Store(c.count.Add(1))
}

func (c *changes) known() bool { return c.since.Load() != unknown }

// good tells whether what was read then, and depends on these tags, can still be used.
func (c *changes) good(read moment, of []tag) bool {
	age := c.now().Sub(read.at) // negative once the server's clock was set back, or another server has taken over
	if age < 0 || age >= c.lifetime || read.count < c.since.Load() {
		return false
	}
	for _, one := range of {
		if read.count < c.latest[one].Load() {
			return false
		}
	}
	return true
}
