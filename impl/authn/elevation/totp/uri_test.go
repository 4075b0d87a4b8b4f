package totp

import (
	"encoding/base32"
	"net/url"
	"strings"
	"testing"
	"time"
)

// Ensures that the URI conforms to the Key URI Format.
func TestURI_Format(t *testing.T) {
	wide := Settings{Digits: 8, Period: time.Minute}
	for want, got := range map[string]string{
		"otpauth://totp/Sallyport:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Sallyport&algorithm=SHA1&digits=6&period=30": DefaultSettings.URI(rfcSecret, "Sallyport", "alice"),

		"otpauth://totp/Big%20Co:a.b-c_d~e%40f%2Bg?secret=AE&issuer=Big%20Co&algorithm=SHA1&digits=8&period=60": wide.URI([]byte{1}, "Big Co", "a.b-c_d~e@f+g"),

		"otpauth://totp/localhost-12400:a-b?secret=AE&issuer=localhost-12400&algorithm=SHA1&digits=6&period=30":          DefaultSettings.URI([]byte{1}, "localhost:12400", "a:b"),
		"otpauth://totp/%3F%26%3D%23%2F%25:%C3%A9?secret=AE&issuer=%3F%26%3D%23%2F%25&algorithm=SHA1&digits=6&period=30": DefaultSettings.URI([]byte{1}, "?&=#/%", "é"),
		"otpauth://totp/alice?secret=AE&algorithm=SHA1&digits=6&period=30":                                               DefaultSettings.URI([]byte{1}, "", "alice"),
	} {
		if got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

// Ensures that parsing a URI yields the secret and the names that it was made of.
func FuzzURI(f *testing.F) {
	f.Add([]byte{1, 2, 3}, "Sallyport", "alice")
	f.Add(rfcSecret, "a b", "c+d%20?&#/")
	f.Fuzz(func(t *testing.T, secret []byte, issuer, account string) {
		text := DefaultSettings.URI(secret, issuer, account)
		u, err := url.Parse(text)
		if err != nil || u.Scheme != "otpauth" || u.Host != "totp" || u.Fragment != "" {
			t.Fatalf("%s: %v", text, err)
		}
		issuer, account = strings.ReplaceAll(issuer, ":", "-"), strings.ReplaceAll(account, ":", "-")
		label := "/" + account
		if issuer != "" {
			label = "/" + issuer + ":" + account
		}
		query := u.Query()
		got, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(query.Get("secret"))
		if u.Path != label || query.Get("issuer") != issuer || err != nil || string(got) != string(secret) {
			t.Errorf("%s: label %q, issuer %q, secret %x, %v", text, u.Path, query.Get("issuer"), got, err)
		}
	})
}
