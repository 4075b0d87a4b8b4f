package main

import (
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/saml/samltest"
)

// realmsFile writes a file with two realms of one identity provider, of which the second expects another entity ID,
// and returns it as an environment variable.
func realmsFile(t *testing.T) []string {
	t.Helper()
	idp, folder := samltest.New(time.Now()), t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "idp.xml"), idp.Metadata(), 0o600); err != nil {
		t.Fatal(err)
	}
	realm := func(id, entity string) string {
		return `
  - id: ` + id + `
    idp: {entity_id: "` + entity + `", metadata: idp.xml}
    sp: {entity_id: "urn:sp", acs: "https://sp.example/api/v1/users/auth/saml/_callback"}
    role_mappings: {default_roles: [ece_deployment_viewer]}
`
	}
	path := filepath.Join(folder, "realms.yaml")
	writeFile(t, path, "realms:"+realm("good", idp.EntityID)+realm("bad", "urn:other"))
	return []string{"SALLYPORT_SAML_REALMS=" + path}
}

// Ensures that "saml check" prints the facts of a usable realm and exits with 0, despite a warning.
func TestSAMLCheck(t *testing.T) {
	t.Parallel()
	o := run(t, invocation{args: []string{"saml", "check", "--realm", "good"}, env: realmsFile(t)})
	if o.code != 0 || !strings.Contains(o.stderr, "warning: realm good: idp.metadata: its signing certificate") {
		t.Errorf("exit code %d: %s", o.code, o.stderr)
	}
	for _, want := range []string{
		"\ngood ", "urn:sp\n", "https://sp.example/api/v1/users/auth/saml/metadata?realm=good\n",
		"https://idp.example.com/sso\n",
	} {
		if !strings.Contains(o.stdout, want) {
			t.Errorf("the output lacks %q:\n%s", want, o.stdout)
		}
	}
	wantSilence(t, o.stdout+o.stderr, "\nbad ", "realm bad")
}

// Ensures that without --realm all realms are checked, and that a misconfigured one fails the command.
func TestSAMLCheck_Wrong(t *testing.T) {
	t.Parallel()
	o := run(t, invocation{args: []string{"saml", "check"}, env: realmsFile(t)})
	if o.code != 1 || !strings.Contains(o.stdout, "\ngood ") || !strings.Contains(o.stdout, "\nbad ") ||
		!strings.Contains(o.stderr,
			"\nrealm bad: idp.metadata: saml metadata: the document must describe the entity \"urn:other\" exactly once") {
		t.Errorf("exit code %d:\n%s\n%s", o.code, o.stdout, o.stderr)
	}
}

// Ensures that "saml check" creates no database, and fails without realms.
func TestSAMLCheck_Nothing(t *testing.T) {
	t.Parallel()
	wantMistake(t, run(t, invocation{args: []string{"saml", "check"}}), "no realms are configured")
	dir := t.TempDir()
	wantMistake(t, run(t, invocation{args: []string{"saml", "check", "--realm", "other"}, env: realmsFile(t), dir: dir}),
		`there is no realm "other"`)
	if files, err := os.ReadDir(dir); err != nil || len(files) != 0 {
		t.Errorf("%v, %v; want nothing", files, err)
	}
}

// Ensures that "saml check" reports no error for the documented realms file.
func TestSAMLCheck_Documented(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/how-to/single-sign-on.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(page), "```yaml\nrealms:\n")
	text, _, _ = strings.Cut(text, "```")
	folder := t.TempDir()
	writeFile(t, filepath.Join(folder, "realms.yaml"), "realms:\n"+text)
	idp := samltest.New(time.Now())
	writeFile(t, filepath.Join(folder, "idp.xml"), string(idp.Metadata()))
	key, err := x509.MarshalPKCS8PrivateKey(idp.Attacker.Signer)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(folder, "saml.key"),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})))
	writeFile(t, filepath.Join(folder, "saml.crt"),
		string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: idp.Attacker.Certificate.Raw})))
	o := run(t,
		invocation{
			args: []string{"saml", "check", "--realm", "corporate"}, env: []string{"SALLYPORT_SAML_REALMS=realms.yaml"},
			dir: folder,
		})
	if o.code != 0 || !strings.Contains(o.stdout, "/api/v1/users/auth/saml/metadata?realm=corporate\n") {
		t.Errorf("exit code %d:\n%s\n%s", o.code, o.stdout, o.stderr)
	}
}

var (
	realmsBlock   = regexp.MustCompile("(?s)```yaml\n(realms:\n.*?)```")
	idpEntityID   = regexp.MustCompile(`(?m)^(      entity_id: )\S+(\n      metadata: )\S+$`)
	providersName = regexp.MustCompile(`(?m)^    name: (.*)$`)
)

// Ensures that the documented realms of identity providers are valid, with the metadata of one in the place of theirs.
func TestSAMLCheck_IdentityProviders(t *testing.T) {
	t.Parallel()
	page := deployed(t, "../docs/how-to/identity-providers.md")
	blocks := realmsBlock.FindAllStringSubmatch(page, -1)
	if len(blocks) != 3 {
		t.Fatalf("%d realms were found; want 3", len(blocks))
	}
	for _, block := range blocks {
		t.Run(providersName.FindStringSubmatch(block[1])[1], func(t *testing.T) {
			t.Parallel()
			idp, folder := samltest.New(time.Now()), t.TempDir()
			writeFile(t, filepath.Join(folder, "idp.xml"), string(idp.Metadata()))
			writeFile(t, filepath.Join(folder, "realms.yaml"),
				idpEntityID.ReplaceAllString(block[1], "${1}"+idp.EntityID+"${2}idp.xml"))
			o := run(t, invocation{
				args: []string{"saml", "check", "--realm", "corporate"}, env: []string{"SALLYPORT_SAML_REALMS=realms.yaml"},
				dir: folder,
			})
			if o.code != 0 || !strings.Contains(o.stdout, "/api/v1/users/auth/saml/metadata?realm=corporate\n") {
				t.Errorf("exit code %d:\n%s\n%s", o.code, o.stdout, o.stderr)
			}
		})
	}
}
