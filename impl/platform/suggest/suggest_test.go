package suggest

import "testing"

// Ensures that typing errors are recognized, and that other names are not suggested.
func TestNearest(t *testing.T) {
	t.Parallel()
	names := []string{"listen", "admin.listen", "store", "session.idle", "log.level", "log.format"}
	for given, want := range map[string]string{
		"lissen":       "listen",
		"listne":       "listen",
		"sotre":        "store",
		"session.idel": "session.idle",
		"log.levle":    "log.level",
		"log_level":    "log.level",
		"colour":       "",
		"x":            "",
		"":             "",
	} {
		t.Run(given, func(t *testing.T) {
			t.Parallel()
			if got := Nearest(given, names); got != want {
				t.Errorf("Nearest(%q) = %q; want %q", given, got, want)
			}
		})
	}
}
