package http_test

import (
	"context"
	"net/http"
	"slices"
	"testing"
)

// navigating sends what a browser sends when a person opens an address, or when a page of an identity provider posts
// its form.
func navigating(_ context.Context, r *http.Request) error {
	r.Header.Set("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")
	r.Header.Set("Sec-Fetch-Mode", "navigate")
	return nil
}

// Ensures that no operation makes a browser ask for a name and a password in which a person opens its address, and that
// programs get all challenges.
func TestNavigation_NoDialog(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for path, basic := range map[string]string{
		"/api/v1/user":    `Basic realm="sallyport", charset="UTF-8"`,
		"/_security/user": `Basic realm="security", charset="UTF-8"`,
	} {
		t.Run(path, func(t *testing.T) {
			program, _ := w.do(http.MethodGet, path, "")
			challenges := program.Header["Www-Authenticate"]
			if !slices.Contains(challenges, basic) {
				t.Fatalf("a program gets the challenges %q", challenges)
			}

			person, _ := w.do(http.MethodGet, path, "", navigating)
			without := slices.DeleteFunc(slices.Clone(challenges), func(each string) bool { return each == basic })
			if got := person.Header["Www-Authenticate"]; !slices.Equal(got, without) ||
				person.StatusCode != program.StatusCode {
				t.Errorf("a browser gets %d with the challenges %q, want %d with %q", person.StatusCode, got,
					program.StatusCode, without)
			}
		})
	}
}
