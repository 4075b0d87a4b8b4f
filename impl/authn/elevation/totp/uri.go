package totp

import (
	"encoding/base32"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// URI returns the content of a QR code for authenticators, otpauth://totp/ISSUER:ACCOUNT?secret=…, in the Key URI
// Format (github.com/google/google-authenticator/wiki/Key-Uri-Format). A colon separates issuer and account, so colons
// in names are replaced by hyphens. Without an issuer, the label is the account only.
func (s Settings) URI(secret []byte, issuer, account string) string {
	label, parameter := encodeName(account), ""
	if issuer != "" {
		label, parameter = encodeName(issuer)+":"+label, "&issuer="+encodeName(issuer)
	}

	text := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(secret)
	return fmt.Sprintf("otpauth://totp/%s?secret=%s%s&algorithm=SHA1&digits=%d&period=%d",
		label, text, parameter, s.Digits, s.Period/time.Second)
}

// encodeName percent-encodes all but unreserved characters (RFC 3986 section 2.3). A space becomes %20, because some
// authenticators display a plus sign literally.
func encodeName(text string) string {
	return strings.ReplaceAll(url.QueryEscape(strings.ReplaceAll(text, ":", "-")), "+", "%20")
}
