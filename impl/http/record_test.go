package http_test

import (
	"encoding/json"
	"net/http"
	"os"
	"regexp"
	"sync"
)

// recordVariable names the environment variable with the file to which every request and its answer are appended, a
// line each, with what varies from run to run masked. Two runs of equal servers give the same set of lines, so a change
// of the code's structure is checked by comparing the sorted lines of before and after:
//
//	SALLYPORT_RECORD=/tmp/before go test -count=1 ./impl/http
const recordVariable = "SALLYPORT_RECORD"

// exchange is a request and its answer as they are recorded.
type exchange struct {
	Method   string      `json:"method"`
	Path     string      `json:"path"`
	Request  http.Header `json:"request_headers"`
	Sent     string      `json:"sent"`
	Status   int         `json:"status"`
	Response http.Header `json:"response_headers"`
	Received string      `json:"received"`
}

// longest is how many bytes of a body are recorded; the length stands for the rest.
const longest = 4 << 10

var volatile = []struct {
	pattern *regexp.Regexp
	mask    string
}{
	{regexp.MustCompile(`(127\.0\.0\.1|localhost|\[::1\])(:|%3A)[0-9]+`), "<server>"},
	{regexp.MustCompile(`[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(Z|\+00:00)`), "<time>"},
	{regexp.MustCompile(`(%[0-9A-F]{2}|[A-Za-z0-9+/=_.-]){16,}`), ""}, // see maskToken
	{regexp.MustCompile(`\b[a-z2-7]{4,5}(-[a-z2-7]{4,5}){3}\b`), "<recovery code>"},
	{regexp.MustCompile(`\b[0-9]{6}\b`), "<code>"},
	{regexp.MustCompile(`\b[0-9]{13}\b`), "<millis>"},
}

// maskToken replaces what looks random: hexadecimal, or changing often between small letters, capitals and digits.
func maskToken(text string) string {
	if hexadecimal.MatchString(text) || changes(text) >= 6 {
		return "<random>"
	}
	return text
}

var hexadecimal = regexp.MustCompile(`^_?[0-9a-f]{16,}$`)

// changes counts how often a text changes between small letters, capitals and digits.
func changes(text string) int {
	count, before := 0, ' '
	for _, r := range text {
		kind := before
		switch {
		case r >= 'a' && r <= 'z':
			kind = 'a'
		case r >= 'A' && r <= 'Z':
			kind = 'A'
		case r >= '0' && r <= '9':
			kind = '0'
		}
		if kind != before {
			count++
		}
		before = kind
	}
	return count
}

func mask(text string) string {
	for _, each := range volatile {
		if each.mask == "" {
			text = each.pattern.ReplaceAllStringFunc(text, maskToken)
			continue
		}
		text = each.pattern.ReplaceAllString(text, each.mask)
	}
	return text
}

func maskHeaders(h http.Header) http.Header {
	masked := http.Header{}
	for name, values := range h {
		switch name {
		case "Date", "Content-Length", "X-Request-Id", "User-Agent":
			continue
		}
		for _, value := range values {
			masked.Add(name, mask(value))
		}
	}
	return masked
}

func maskBody(body []byte) string {
	text := mask(string(body))
	if len(text) > longest {
		return text[:longest] + "…"
	}
	return text
}

var recording sync.Mutex

// record appends an exchange to the file that the environment names, if it names one.
func record(r *http.Request, sent []byte, response *http.Response, received []byte) error {
	path := os.Getenv(recordVariable)
	if path == "" {
		return nil
	}
	line, err := json.Marshal(exchange{
		Method:   r.Method,
		Path:     mask(r.URL.RequestURI()),
		Request:  maskHeaders(r.Header),
		Sent:     maskBody(sent),
		Status:   response.StatusCode,
		Response: maskHeaders(response.Header),
		Received: maskBody(received),
	})
	if err != nil {
		return err
	}

	recording.Lock()
	defer recording.Unlock()
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err := file.Write(append(line, '\n')); err != nil {
		return err
	}
	return file.Close()
}
