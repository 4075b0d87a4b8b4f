package lockout

import (
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// clock is a time that only a test moves.
type clock struct{ nanoseconds atomic.Int64 }

func (c *clock) now() time.Time { return start.Add(time.Duration(c.nanoseconds.Load())) }

func (c *clock) wait(d time.Duration) { c.nanoseconds.Add(int64(d)) }

// fail counts that many failures from an address, each of which must be allowed.
func fail(t *testing.T, a *Addresses, address string, times int) {
	t.Helper()
	for i := range times {
		if wait, ok := a.Allowed(address); !ok || wait != 0 {
			t.Fatalf("%s: failure %d has to wait for %v", address, i+1, wait)
		}
		a.Fail(address)
	}
}

// Ensures that an address may fail so many times at once and then once an interval, that asking costs nothing, and that
// the wait is as long as it is said to be.
func TestAddresses(t *testing.T) {
	var c clock
	a := NewAddresses(3, time.Minute, c.now)
	for range 100 {
		if _, ok := a.Allowed("192.0.2.1"); !ok {
			t.Fatal("an address that never failed has to wait")
		}
	}
	fail(t, a, "192.0.2.1", 3)
	for range 100 {
		if wait, ok := a.Allowed("192.0.2.1"); ok || wait != time.Minute {
			t.Fatalf("after three failures: %v, %t", wait, ok)
		}
		a.Fail("192.0.2.1")
	}
	fail(t, a, "192.0.2.2", 3)
	c.wait(time.Minute - time.Nanosecond)
	if wait, ok := a.Allowed("192.0.2.1"); ok || wait <= 0 || wait > time.Nanosecond {
		t.Errorf("after a minute less a nanosecond: %v, %t", wait, ok)
	}
	c.wait(time.Nanosecond)
	fail(t, a, "192.0.2.1", 1)
	if wait, ok := a.Allowed("192.0.2.1"); ok || wait != time.Minute {
		t.Errorf("after one more: %v, %t", wait, ok)
	}
	c.wait(time.Hour)
	fail(t, a, "192.0.2.1", 3)
	if _, ok := a.Allowed("192.0.2.1"); ok {
		t.Error("more than three are saved up")
	}
}

// Ensures that whoever waits as long as told is let in, whatever the interval up to a day.
func TestAddresses_Wait(t *testing.T) {
	for _, every := range []time.Duration{1, 7, time.Millisecond, 333_333_333, time.Second, 7 * time.Minute, 24 * time.Hour} {
		var c clock
		a := NewAddresses(1, every, c.now)
		for i := range 200 {
			a.Fail("192.0.2.1")
			c.wait(every * time.Duration(i) / 1000)
			wait, ok := a.Allowed("192.0.2.1")
			c.wait(wait)
			if rest, now := a.Allowed("192.0.2.1"); !now && (ok || rest > 1) {
				t.Fatalf("every %v: %v left after waiting for %v", every, rest, wait)
			}
			c.wait(2)
		}
	}
}

// Ensures that addresses which one client can choose among are limited together, and others not.
func TestAddresses_Groups(t *testing.T) {
	for _, c := range []struct {
		first, second string
		together      bool
	}{
		{"192.0.2.1", "192.0.2.1", true},
		{"192.0.2.1", "192.0.2.2", false},
		{"192.0.2.1", "::ffff:192.0.2.1", true},
		{"::ffff:192.0.2.1", "::ffff:192.0.2.2", false},
		{"2001:db8::1", "2001:DB8:0:0:ffff:ffff:ffff:ffff", true},
		{"2001:db8::1", "2001:db8:0:1::1", false},
		{"fe80::1%eth0", "fe80::2%eth1", true},
		{"::1", "127.0.0.1", false},
		{"nonsense", "192.0.2.1:443", true},
		{"nonsense", "192.0.2.1", false},
		{"nonsense", "::", false},
		{"nonsense", "0.0.0.0", false},
	} {
		var clock clock
		a := NewAddresses(1, time.Minute, clock.now)
		fail(t, a, c.first, 1)
		if _, ok := a.Allowed(c.second); ok == c.together {
			t.Errorf("%s and %s: allowed is %t", c.first, c.second, ok)
		}
	}
}

// Ensures that without a limit, and without an address, everything is allowed.
func TestAddresses_None(t *testing.T) {
	var c clock
	for name, a := range map[string]*Addresses{
		"nil": nil, "no burst": NewAddresses(0, time.Minute, c.now), "no interval": NewAddresses(1, 0, c.now), "negative": NewAddresses(-1, -1, c.now),
	} {
		if a != nil {
			t.Errorf("%s: there is a limit", name)
		}
		fail(t, a, "192.0.2.1", 100)
	}
	fail(t, NewAddresses(1, time.Minute, c.now), "", 100)
}

// numbered returns the nth of many addresses, each in a group of its own.
func numbered(n int) string {
	return netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 0, byte(n >> 16), byte(n >> 8), byte(n)}).String()
}

// Ensures that a flood of addresses neither takes memory without bound nor clears an address that is limited.
func TestAddresses_Flood(t *testing.T) {
	var c clock
	a := NewAddresses(2, time.Hour, c.now)
	fail(t, a, "192.0.2.1", 2)
	for n := range 5 * maxAddresses {
		fail(t, a, numbered(n), 1)
		if count := a.limited.Len(); count > maxAddresses {
			t.Fatalf("%d addresses are remembered", count)
		}
	}
	if wait, ok := a.Allowed("192.0.2.1"); ok || wait != time.Hour {
		t.Errorf("the limited address: %v, %t", wait, ok)
	}
}

// Ensures that even a flood of addresses that all come back does not clear an address that keeps coming.
func TestAddresses_FloodOfReturning(t *testing.T) {
	var c clock
	a := NewAddresses(2, time.Hour, c.now)
	fail(t, a, "192.0.2.1", 2)
	for n := range 3 * maxAddresses {
		a.Fail(numbered(n))
		a.Fail(numbered(n))
		if _, ok := a.Allowed("192.0.2.1"); ok {
			t.Fatalf("cleared by %d addresses", n+1)
		}
	}
}

// Ensures that failures from everywhere at the same time are all counted.
func TestAddresses_Parallel(t *testing.T) {
	const workers, failures, burst = 16, 100, 400
	var c clock
	a := NewAddresses(burst, time.Hour, c.now)
	var group sync.WaitGroup
	for worker := range workers {
		group.Go(func() {
			for i := range failures {
				a.Allowed("192.0.2.1")
				a.Fail("192.0.2.1")
				a.Fail(fmt.Sprintf("2001:db8:%x::%x", i, worker))
			}
		})
	}
	group.Wait()
	if wait, ok := a.Allowed("192.0.2.1"); ok || wait != time.Hour {
		t.Errorf("the busy address: %v, %t", wait, ok)
	}
	fail(t, a, "2001:db8:1::", burst-workers)
	if _, ok := a.Allowed("2001:db8:1::1"); ok {
		t.Error("a failure was not counted")
	}
}
