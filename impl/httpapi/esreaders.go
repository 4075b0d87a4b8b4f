package httpapi

// readers word the refusals of bodies, by the ids of the operations that have one.
var readers = map[string]bodyReader{
	"security-bulk-update-api-keys":     reading(readBulkUpdate),
	"security-update-api-key":           reading(readGivenUpdate),
	"security-create-api-key":           reading(readNewKey),
	"security-create-api-key-put":       reading(readNewKey),
	"security-invalidate-api-keys":      reading(readInvalidation),
	"security-query-api-keys":           reading(readQuery),
	"security-query-api-keys-get":       reading(readQuery),
	"security-grant-api-key":            reading(readGrant),
	"security-grant-api-key-put":        reading(readGrant),
	"security-put-user":                 reading(readNative),
	"security-put-user-post":            reading(readNative),
	"security-change-password":          reading(readSecret),
	"security-change-password-post":     reading(readSecret),
	"security-change-own-password":      reading(readSecret),
	"security-change-own-password-post": reading(readSecret),
	"security-put-privileges":           reading(readPrivileges),
	"security-put-privileges-post":      reading(readPrivileges),
	"security-has-privileges":           reading(readAnyQuestion),
	"security-has-privileges-get":       reading(readAnyQuestion),
	"security-has-user-privileges":      readingOf("username", readQuestion),
	"security-has-user-privileges-get":  readingOf("username", readQuestion),
	"security-get-token":                reading(readTokenRequest),
	"security-invalidate-token":         reading(readTokenSelection),
	"security-put-role":                 readingOf("name", readRole),
	"security-put-role-post":            readingOf("name", readRole),
}

// reading makes a bodyReader of a handler's.
func reading[T any](read func(any) (T, error)) bodyReader {
	return func(document any, _ map[string]string) error {
		_, err := read(document)
		return err
	}
}

// readingOf is reading of what a parameter of the path names.
func readingOf[T any](parameter string, read func(string, any) (T, error)) bodyReader {
	return func(document any, params map[string]string) error {
		_, err := read(params[parameter], document)
		return err
	}
}
