package http_test

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/app"
	"github.com/sallyport/sallyport/impl/http/compatibility"
	"github.com/sallyport/sallyport/impl/http/conformance"
)

// conformanceOptions are those of a run against a world, as a platform admin that may own API keys.
func conformanceOptions(target string, family conformance.Family, version string) conformance.Options {
	return conformance.Options{
		Target:   target,
		Username: "bob",
		Password: bobPassword,
		Families: []conformance.Family{family},
		Version:  version,
		Write:    true,
		Timeout:  time.Minute,
	}
}

// conforming returns a world that speaks versions of both APIs.
func conforming(t *testing.T, ece, elasticsearch string) *world {
	t.Helper()
	w := openWith(t, newDSN(t), io.Discard, func(s *app.Settings) {
		var err error
		if s.Compatibility.ECE, err = compatibility.FindECE(ece); err != nil {
			t.Fatal(err)
		}
		if s.Compatibility.Elasticsearch, err = compatibility.FindElasticsearch(elasticsearch); err != nil {
			t.Fatal(err)
		}
	})
	w.addUsers()
	return w
}

// Ensures that this server answers as is published in each version that it can speak, and that a run leaves nothing
// behind.
func TestConformance(t *testing.T) {
	t.Parallel()
	for _, version := range compatibility.ElasticsearchVersions() {
		t.Run("elasticsearch "+version, func(t *testing.T) {
			t.Parallel()
			conforms(t, conforming(t, "sallyport", version), conformance.Elasticsearch, version)
		})
	}
	for _, version := range compatibility.ECEVersions() {
		t.Run("ece "+version, func(t *testing.T) {
			t.Parallel()
			conforms(t, conforming(t, version, "9.5"), conformance.ECE, version)
		})
	}
}

func conforms(t *testing.T, w *world, family conformance.Family, version string) {
	t.Helper()
	const stored = `SELECT (SELECT COUNT(*) FROM users) + (SELECT COUNT(*) FROM roles)
		+ (SELECT COUNT(*) FROM application_privileges) + (SELECT COUNT(*) FROM api_keys WHERE invalidated_at = 0)`
	before := w.count(stored)

	report, err := conformance.Run(t.Context(), conformanceOptions(w.url, family, version))
	if err != nil {
		t.Fatal(err)
	}
	for _, result := range report.Results {
		t.Run(result.Case, func(t *testing.T) {
			notRun := result.Status == conformance.NotRun && !strings.HasPrefix(result.Details[0], "not in version")
			if result.Status == conformance.Different || notRun {
				t.Errorf("%s: %s", result.Status, strings.Join(result.Details, "\n"))
			}
		})
	}
	if report.Left != nil || report.Unanswered {
		t.Errorf("left %v, unanswered %t", report.Left, report.Unanswered)
	}
	if after := w.count(stored); after != before {
		t.Errorf("there are %d records, before there were %d", after, before)
	}
}
