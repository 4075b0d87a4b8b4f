package attempts

import (
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// clock is a clock that a test advances.
type clock struct{ nanoseconds atomic.Int64 }

func (c *clock) now() time.Time { return start.Add(time.Duration(c.nanoseconds.Load())) }

func (c *clock) advance(d time.Duration) { c.nanoseconds.Add(int64(d)) }

// fail counts a number of failures from an address, each of which must be allowed.
func fail(t *testing.T, a *AddressLimiter, address string, times int) {
	t.Helper()
	for i := range times {
		if wait, ok := a.Allowed(address); !ok || wait != 0 {
			t.Fatalf("%s: failure %d must wait for %v", address, i+1, wait)
		}
		a.Fail(address)
	}
}

// Ensures that an address may fail burst times and then once per interval, that Allowed counts nothing, and that the
// reported wait is exact.
func TestAddressLimiter_Rate(t *testing.T) {
	var c clock
	a := NewAddressLimiter(3, time.Minute, c.now)
	for range 100 {
		if _, ok := a.Allowed("192.0.2.1"); !ok {
			t.Fatal("an address without failures must wait")
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
	c.advance(time.Minute - time.Nanosecond)
	if wait, ok := a.Allowed("192.0.2.1"); ok || wait <= 0 || wait > time.Nanosecond {
		t.Errorf("after a minute less a nanosecond: %v, %t", wait, ok)
	}
	c.advance(time.Nanosecond)
	fail(t, a, "192.0.2.1", 1)
	if wait, ok := a.Allowed("192.0.2.1"); ok || wait != time.Minute {
		t.Errorf("after one more: %v, %t", wait, ok)
	}
	c.advance(time.Hour)
	fail(t, a, "192.0.2.1", 3)
	if _, ok := a.Allowed("192.0.2.1"); ok {
		t.Error("the burst grew beyond three")
	}
}

// Ensures that an address is allowed after the reported wait, for intervals up to a day.
func TestAddressLimiter_Wait(t *testing.T) {
	for _, every := range []time.Duration{1, 7, time.Millisecond, 333_333_333, time.Second, 7 * time.Minute,
		24 * time.Hour} {
		var c clock
		a := NewAddressLimiter(1, every, c.now)
		for i := range 200 {
			a.Fail("192.0.2.1")
			c.advance(every * time.Duration(i) / 1000)
			wait, ok := a.Allowed("192.0.2.1")
			c.advance(wait)
			if rest, now := a.Allowed("192.0.2.1"); !now && (ok || rest > 1) {
				t.Fatalf("every %v: %v left after waiting for %v", every, rest, wait)
			}
			c.advance(2)
		}
	}
}

// Ensures that the addresses of one network are limited together.
func TestAddressLimiter_Network(t *testing.T) {
	var c clock
	a := NewAddressLimiter(1, time.Minute, c.now)
	fail(t, a, "2001:db8::1", 1)
	if _, ok := a.Allowed("2001:db8::2"); ok {
		t.Error("another address of the network is allowed")
	}
	if _, ok := a.Allowed("2001:db8:0:1::1"); !ok {
		t.Error("an address of another network is not allowed")
	}
}

// Ensures that everything is allowed without a limit or without an address.
func TestAddressLimiter_Unlimited(t *testing.T) {
	var c clock
	for name, a := range map[string]*AddressLimiter{
		"nil":         nil,
		"no burst":    NewAddressLimiter(0, time.Minute, c.now),
		"no interval": NewAddressLimiter(1, 0, c.now),
		"negative":    NewAddressLimiter(-1, -1, c.now),
	} {
		t.Run(name, func(t *testing.T) {
			if a != nil {
				t.Error("there is a limit")
			}
			fail(t, a, "192.0.2.1", 100)
		})
	}
	fail(t, NewAddressLimiter(1, time.Minute, c.now), "", 100)
}

// numbered returns the nth of many addresses in different networks.
func numbered(n int) string {
	return netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 0, byte(n >> 16), byte(n >> 8), byte(n)}).String()
}

// Ensures that a flood of addresses neither exceeds the memory bound nor evicts a limited address.
func TestAddressLimiter_Flood(t *testing.T) {
	var c clock
	a := NewAddressLimiter(2, time.Hour, c.now)
	fail(t, a, "192.0.2.1", 2)
	for n := range 5 * maxAddresses {
		fail(t, a, numbered(n), 1)
		if count := a.limited.Len(); count > maxAddresses {
			t.Fatalf("%d addresses are stored", count)
		}
	}
	if wait, ok := a.Allowed("192.0.2.1"); ok || wait != time.Hour {
		t.Errorf("the limited address: %v, %t", wait, ok)
	}
}

// Ensures that a flood of addresses with repeated failures does not evict an address that stays active.
func TestAddressLimiter_FloodOfRepeatedFailures(t *testing.T) {
	var c clock
	a := NewAddressLimiter(2, time.Hour, c.now)
	fail(t, a, "192.0.2.1", 2)
	for n := range 3 * maxAddresses {
		a.Fail(numbered(n))
		a.Fail(numbered(n))
		if _, ok := a.Allowed("192.0.2.1"); ok {
			t.Fatalf("evicted by %d addresses", n+1)
		}
	}
}

// Ensures that concurrent failures are all counted.
func TestAddressLimiter_Concurrent(t *testing.T) {
	const workers, failures, burst = 16, 100, 400
	var c clock
	a := NewAddressLimiter(burst, time.Hour, c.now)
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
