package suggest

import "testing"

// Ensures that typing errors are recognized, and that other names are not suggested.
func TestNearest(t *testing.T) {
	t.Parallel()
	names := []string{"listen", "admin.listen", "store", "session.idle", "log.level", "log.format", "role"}
	for given, want := range map[string]string{
		"lissen":       "listen",
		"listne":       "listen",
		"sotre":        "store",
		"session.idel": "session.idle",
		"log.levle":    "log.level",
		"log_level":    "log.level",
		"colour":       "",
		"stoer":        "store",
		"nope":         "", // two of four characters differ from "role"
		"rol":          "role",
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

// Ensures that a prefix that all names have does not make a name longer, and so more differences a typing error.
func TestHintAfter(t *testing.T) {
	t.Parallel()
	names := []string{"--file", "--store"}
	for given, want := range map[string]string{
		"--sotre": "; did you mean --store?",
		"--nope":  "",
		"--time":  "",
	} {
		if got := HintAfter("--", given, names); got != want {
			t.Errorf("HintAfter(%q) = %q; want %q", given, got, want)
		}
	}
}
