package totp

import (
	"encoding/base32"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// URI returns what an authenticator reads from a QR code, otpauth://totp/ISSUER:ACCOUNT?secret=…, as in the Key URI
// Format (github.com/google/google-authenticator/wiki/Key-Uri-Format). A colon may not occur in a name there, because it
// divides the two; each becomes a hyphen. Without an issuer, the account stands alone.
func (s Settings) URI(secret []byte, issuer, account string) string {
	label, parameter := name(account), ""
	if issuer != "" {
		label, parameter = name(issuer)+":"+label, "&issuer="+name(issuer)
	}
	text := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(secret)
	return fmt.Sprintf("otpauth://totp/%s?secret=%s%s&algorithm=SHA1&digits=%d&period=%d",
		label, text, parameter, s.Digits, s.Period/time.Second)
}

// name percent-encodes everything but unreserved characters (RFC 3986 section 2.3). A blank is %20, because some
// authenticators show a plus sign as such.
func name(text string) string {
	return strings.ReplaceAll(url.QueryEscape(strings.ReplaceAll(text, ":", "-")), "+", "%20")
}
