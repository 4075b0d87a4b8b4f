package totp

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// rfcSecret is the secret of the test vectors in RFC 4226 and RFC 6238.
var rfcSecret = []byte("12345678901234567890")

// reference is an independent implementation of RFC 4226 section 5.3.
func reference(secret []byte, step int64, digits int) string {
	mac := hmac.New(sha1.New, secret)
	_ = binary.Write(mac, binary.BigEndian, step)
	sum := mac.Sum(nil)
	number := binary.BigEndian.Uint32(sum[sum[19]&15:]) & math.MaxInt32
	return fmt.Sprintf("%0*d", digits, int(number)%int(math.Pow10(digits)))
}

// Ensures that the test vectors of RFC 6238 appendix B match, with the steps given there.
func TestMatch_RFC6238(t *testing.T) {
	settings := Settings{Digits: 8, Period: 30 * time.Second}
	for _, c := range []struct {
		unix, step int64
		code       string
	}{
		{59, 0x1, "94287082"},
		{1111111109, 0x23523EC, "07081804"},
		{1111111111, 0x23523ED, "14050471"},
		{1234567890, 0x273EF07, "89005924"},
		{2000000000, 0x3F940AA, "69279037"},
		{20000000000, 0x27BC86AA, "65353130"},
	} {
		if step, ok := settings.Match(rfcSecret, c.code, time.Unix(c.unix, 0)); !ok || step != c.step {
			t.Errorf("%s at %d: step %x, %t; want %x", c.code, c.unix, step, ok, c.step)
		}
	}
}

// Ensures that the test vectors of RFC 4226 appendix D match, with steps as the counter.
func TestMatch_RFC4226(t *testing.T) {
	settings := Settings{Digits: 6, Period: time.Second}
	for count, code := range []string{
		"755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489",
	} {
		if step, ok := settings.Match(rfcSecret, code, time.Unix(int64(count), 0)); !ok || step != int64(count) {
			t.Errorf("%s: step %d, %t; want %d", code, step, ok, count)
		}
	}
}

// Ensures that a code is accepted from Skew steps before its own to Skew steps after it, with nanosecond precision.
func TestMatch_Skew(t *testing.T) {
	const step = 41_152_263
	begin := time.Unix(step*30, 0)
	code := reference(rfcSecret, step, 6)
	for skew := range 4 {
		settings := Settings{Digits: 6, Period: 30 * time.Second, Skew: skew}
		first := begin.Add(time.Duration(-skew) * 30 * time.Second)
		last := begin.Add(time.Duration(skew+1)*30*time.Second - 1)
		for _, c := range []struct {
			now  time.Time
			good bool
		}{
			{first.Add(-time.Second), false}, {first.Add(-1), false}, {first, true}, {begin, true},
			{last.Truncate(time.Second), true}, {last, true}, {last.Add(1), false}, {last.Add(time.Second), false},
		} {
			got, ok := settings.Match(rfcSecret, code, c.now)
			if ok != c.good || ok && got != step {
				t.Errorf("skew %d, %v from the step's beginning: step %d, %t", skew, c.now.Sub(begin), got, ok)
			}
		}
	}
}

// Ensures that no code matches before 1970, and that the first step does.
func TestMatch_UnixEpoch(t *testing.T) {
	first := reference(rfcSecret, 0, 6)
	for seconds, good := range map[int64]bool{
		-62_135_596_800: false, -31: false, -1: false, 0: true, 29: true, 59: true, 60: false,
	} {
		if step, ok := DefaultSettings.Match(rfcSecret, first, time.Unix(seconds, 0)); ok != good || step != 0 {
			t.Errorf("at %d: step %d, %t", seconds, step, ok)
		}
	}
	if _, ok := DefaultSettings.Match(rfcSecret, reference(rfcSecret, -1, 6), time.Unix(0, 0)); ok {
		t.Error("the code of step -1 matches")
	}
}

// Ensures that all ways of typing a code are accepted, and that other texts are not.
func TestMatch_TypedForms(t *testing.T) {
	now := time.Unix(59, 0) // 287082
	for text, good := range map[string]bool{
		"287082": true, " 287082\r\n": true, "\u00a0287082": true, "287 082": true, "2 87082": true, " 287 082 ": true,
		"": false, " ": false, "28 70 82": false, "287  082": false, "287\t082": false, "287-082": false, "287082 0": false,
		"28708": false, "2870820": false, "0287082": false, "+87082": false, "-287082": false, "287O82": false,
		"287082\x00": false,
		"２８７０８２":     false, "٢٨٧٠٨٢": false, "\xff87082": false, "0x4616a": false,
	} {
		if _, ok := DefaultSettings.Match(rfcSecret, text, now); ok != good {
			t.Errorf("%q: %t", text, ok)
		}
	}
}

// Ensures that no code matches without a secret or with invalid settings.
func TestMatch_InvalidSettings(t *testing.T) {
	now := time.Unix(59, 0)
	for _, secret := range [][]byte{nil, {}} {
		if _, ok := DefaultSettings.Match(secret, reference(nil, 1, 6), now); ok {
			t.Error("the code of an empty secret matches")
		}
	}
	for _, settings := range []Settings{
		{}, {Digits: 6}, {Digits: 6, Period: time.Millisecond}, {Digits: 6, Period: 1500 * time.Millisecond},
		{Digits: 6, Period: -30 * time.Second}, {Digits: 6, Period: 30 * time.Second, Skew: -1},
		{Digits: 6, Period: 30 * time.Second, Skew: 11},
		{Digits: 5, Period: 30 * time.Second}, {Digits: 9, Period: 30 * time.Second}, {Digits: -6, Period: 30 * time.Second},
	} {
		for digits := range 10 {
			if _, ok := settings.Match(rfcSecret, reference(rfcSecret, 1, digits), now); ok {
				t.Errorf("%+v matches %d digits", settings, digits)
			}
		}
	}
}

// Ensures that the newer of two steps with the same code is returned, so that accepting it uses up both.
func TestMatch_EqualCodes(t *testing.T) {
	settings := Settings{Digits: 6, Period: 30 * time.Second, Skew: 10}
	for step := int64(10); step < 200_000; step++ {
		code := reference(rfcSecret, step, 6)
		for older := step - 10; older < step; older++ {
			if reference(rfcSecret, older, 6) != code {
				continue
			}
			if got, ok := settings.Match(rfcSecret, code, time.Unix(older*30, 0)); !ok || got != step {
				t.Errorf("%s belongs to the steps %d and %d: got %d, %t", code, older, step, got, ok)
			}
			return
		}
	}
	t.Fatal("no two nearby steps have the same code")
}

// Ensures that codes of oathtool, an independent implementation, match.
func TestMatch_Oathtool(t *testing.T) {
	tool, err := exec.LookPath("oathtool")
	if err != nil {
		t.Skip("oathtool is not installed (Debian package oathtool); its codes were not compared")
	}
	secret := NewSecret(rand.Reader)
	for _, settings := range []Settings{DefaultSettings, {Digits: 8, Period: time.Minute},
		{Digits: 7, Period: 45 * time.Second, Skew: 2}} {
		now, period := time.Now(), int64(settings.Period/time.Second)
		out, err := exec.CommandContext(t.Context(), tool, "--totp=sha1", fmt.Sprintf("--digits=%d", settings.Digits),
			fmt.Sprintf("--time-step-size=%ds", period), "--now="+now.UTC().Format("2006-01-02 15:04:05 UTC"),
			hex.EncodeToString(secret)).Output()
		if err != nil {
			t.Fatalf("oathtool: %v", err)
		}
		if step, ok := settings.Match(secret, string(out), now); !ok || step != now.Unix()/period {
			t.Errorf("%+v: oathtool's %q is of step %d, %t", settings, out, step, ok)
		}
	}
}

// Ensures that secrets have their length and are unique.
func TestNewSecret(t *testing.T) {
	first, second := NewSecret(rand.Reader), NewSecret(rand.Reader)
	if len(first) != SecretSize || len(second) != SecretSize || bytes.Equal(first, second) {
		t.Errorf("%x, %x", first, second)
	}
}

// Ensures that no text causes a panic, and that a matching text without spaces is the code of the returned step.
func FuzzMatch(f *testing.F) {
	f.Add(rfcSecret, "287082", int64(59), 6, 1)
	f.Add(rfcSecret, " 14 050471 ", int64(1111111111), 8, 0)
	f.Add([]byte{}, "000000", int64(0), 6, 10)
	f.Add([]byte{0}, "१२३४५६", int64(math.MinInt64), -1, -1)
	f.Fuzz(func(t *testing.T, secret []byte, text string, unix int64, digits, skew int) {
		settings := Settings{Digits: digits, Period: 30 * time.Second, Skew: skew}
		now := time.Unix(unix, 0)
		if len(secret) > 0 && settings.valid() && unix >= 0 && unix < math.MaxInt64/2 {
			code := reference(secret, unix/30, digits)
			if step, ok := settings.Match(secret, code, now); !ok || step < unix/30 {
				t.Errorf("the current code %s: step %d, %t", code, step, ok)
			}
		}
		step, ok := settings.Match(secret, text, now)
		if !ok {
			return
		}
		code := strings.Join(strings.Fields(text), "")
		if len(secret) == 0 || code != reference(secret, step, digits) || max(step-unix/30, unix/30-step) > int64(skew) {
			t.Errorf("%q at %d: step %d", text, unix, step)
		}
	})
}
