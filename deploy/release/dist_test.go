// Package release tests what make release-snapshot has built.
package release

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// dist returns the folder with the artefacts, or skips the test.
func dist(t *testing.T) string {
	t.Helper()
	folder := os.Getenv("SALLYPORT_TEST_DIST")
	if folder == "" {
		t.Skip("SALLYPORT_TEST_DIST is not set: make release-snapshot sets it")
	}
	return folder
}

// artefact is an entry of goreleaser's list of what it has built.
type artefact struct {
	Name, Path, Type string
	OS               string `json:"goos"`
	Arch             string `json:"goarch"`
}

// artefacts returns what goreleaser has built, of the types given.
func artefacts(t *testing.T, types ...string) []artefact {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dist(t), "artifacts.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all []artefact
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	found := slices.DeleteFunc(all, func(a artefact) bool { return !slices.Contains(types, a.Type) })
	for i := range found {
		found[i].Path = filepath.Join(filepath.Dir(dist(t)), found[i].Path)
	}
	return found
}

// platforms are those that a release has programs for.
var platforms = []string{"darwin/amd64", "darwin/arm64", "linux/amd64", "linux/arm64", "windows/amd64", "windows/arm64"}

// wantPlatforms fails the test unless the artefacts are those of all platforms given, one for each.
func wantPlatforms(t *testing.T, found []artefact, want []string) {
	t.Helper()
	var got []string
	for _, a := range found {
		got = append(got, a.OS+"/"+a.Arch)
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Fatalf("there are those of %q; want %q", got, want)
	}
}

// Ensures that there is a static program for each platform, that "version" prints its version and commit, and that it
// has no paths of the machine that built it.
func TestPrograms(t *testing.T) {
	programs := artefacts(t, "Binary")
	wantPlatforms(t, programs, platforms)
	for _, a := range programs {
		t.Run(a.OS+"-"+a.Arch, func(t *testing.T) {
			info, err := buildinfo.ReadFile(a.Path)
			if err != nil {
				t.Fatal(err)
			}
			settings := map[string]string{}
			for _, s := range info.Settings {
				settings[s.Key] = s.Value
			}
			for key, want := range map[string]string{
				"CGO_ENABLED": "0", "-trimpath": "true", "GOOS": a.OS, "GOARCH": a.Arch, "vcs.revision": commit(t),
			} {
				if settings[key] != want {
					t.Errorf("%s is %q; want %q", key, settings[key], want)
				}
			}
			if info.Main.Version == "" || info.Main.Version == "(devel)" {
				t.Errorf("the version is %q", info.Main.Version)
			}

			if a.OS == runtime.GOOS && a.Arch == runtime.GOARCH {
				out, err := exec.CommandContext(t.Context(), a.Path, "version").Output()
				if want := "sallyport " + info.Main.Version + " " + commit(t) + " go"; !strings.HasPrefix(string(out), want) {
					t.Errorf("it prints %q (%v); want %q…", out, err, want)
				}
			}
		})
	}
}

// commit returns the commit that was built.
func commit(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dist(t), "metadata.json"))
	if err != nil {
		t.Fatal(err)
	}
	var metadata struct{ Commit string }
	if err := json.Unmarshal(data, &metadata); err != nil || len(metadata.Commit) != 40 {
		t.Fatalf("the commit is %q (%v)", metadata.Commit, err)
	}
	return metadata.Commit
}

// Ensures that the SBOM of each program has exactly the modules that "go version -m" shows.
func TestSBOM(t *testing.T) {
	programs := artefacts(t, "Binary")
	sboms := artefacts(t, "SBOM")
	if len(sboms) != len(programs) {
		t.Fatalf("there are %d SBOMs and %d programs", len(sboms), len(programs))
	}
	for _, program := range programs {
		t.Run(program.OS+"-"+program.Arch, func(t *testing.T) {
			suffix := "_" + program.OS + "_" + program.Arch + ".cdx.json"
			i := slices.IndexFunc(sboms, func(a artefact) bool { return strings.HasSuffix(a.Name, suffix) })
			if i < 0 {
				t.Fatalf("there is no SBOM *%s", suffix)
			}
			info, err := buildinfo.ReadFile(program.Path)
			if err != nil {
				t.Fatal(err)
			}
			var want, got []string
			for _, module := range info.Deps {
				want = append(want, module.Path+" "+module.Version)
			}

			data, err := os.ReadFile(sboms[i].Path)
			if err != nil {
				t.Fatal(err)
			}
			var bom struct {
				Format     string `json:"bomFormat"`
				Components []struct{ Name, Version string }
			}
			if err := json.Unmarshal(data, &bom); err != nil {
				t.Fatal(err)
			}
			for _, c := range bom.Components {
				got = append(got, c.Name+" "+c.Version)
			}
			slices.Sort(want)
			slices.Sort(got)
			if bom.Format != "CycloneDX" || len(want) < 50 || !slices.Equal(got, want) {
				t.Errorf("the %s SBOM has\n%s\nand the program\n%s", bom.Format, strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		})
	}
}

// Ensures that each archive has the program, the licences of all that it contains, and what is needed to install it.
func TestArchives(t *testing.T) {
	archives := artefacts(t, "Archive")
	wantPlatforms(t, archives, platforms)
	for _, a := range archives {
		t.Run(a.Name, func(t *testing.T) {
			files := filesOf(t, a.Path)
			folder := strings.TrimSuffix(strings.TrimSuffix(a.Name, ".zip"), ".tar.gz") + "/"
			program := "sallyport"
			if a.OS == "windows" {
				program += ".exe"
			}
			wantFiles(t, files, folder+program, folder+"LICENSE", folder+"README.md", folder+"CHANGELOG.md",
				folder+"SECURITY.md", folder+"completions/sallyport.bash", folder+"completions/sallyport.powershell",
				folder+"systemd/sallyport.yaml", folder+"systemd/sallyport.service")
			wantLicences(t, files[folder+program], files[folder+"THIRD-PARTY-LICENCES.txt"])
		})
	}
}

// Ensures that the packages have the service with the program's path, its configuration and user, and the licences, and
// that they enable and start nothing.
func TestPackages(t *testing.T) {
	packages := artefacts(t, "Linux Package")
	wantPlatforms(t, packages, []string{"linux/amd64", "linux/amd64", "linux/arm64", "linux/arm64"})
	for _, a := range packages {
		t.Run(a.Name, func(t *testing.T) {
			var files, scripts map[string][]byte
			switch filepath.Ext(a.Name) {
			case ".deb":
				files = tarOf(t, output(t, "dpkg-deb", "--fsys-tarfile", a.Path))
				scripts = tarOf(t, output(t, "dpkg-deb", "--ctrl-tarfile", a.Path))
				if string(scripts["conffiles"]) != "/etc/sallyport/sallyport.yaml\n" {
					t.Errorf("the configuration files are %q", scripts["conffiles"])
				}
			case ".rpm":
				files = tarOf(t, output(t, "sh", "-c", `rpm2archive -n - < "$1"`, "sh", a.Path))
				scripts = map[string][]byte{"postinst": output(t, "rpm", "--query", "--scripts", "--package", a.Path)}
				configured := string(output(t, "rpm", "--query", "--configfiles", "--package", a.Path))
				if configured != "/etc/sallyport/sallyport.yaml\n" {
					t.Errorf("the configuration files are %q", configured)
				}
			}
			wantFiles(t, files, "usr/bin/sallyport", "etc/sallyport/sallyport.yaml", "usr/lib/sysusers.d/sallyport.conf",
				"usr/lib/systemd/system/sallyport.service", "usr/share/doc/sallyport/copyright",
				"usr/share/bash-completion/completions/sallyport")
			wantLicences(t, files["usr/bin/sallyport"], files["usr/share/doc/sallyport/THIRD-PARTY-LICENCES.txt"])

			if unit := string(files["usr/lib/systemd/system/sallyport.service"]); !strings.Contains(unit,
				"\nExecStart=/usr/bin/sallyport serve --config /etc/sallyport/sallyport.yaml\n") {
				t.Errorf("the unit is %s", unit)
			}
			script := string(scripts["postinst"])
			if !strings.Contains(script, "systemd-sysusers") || strings.Contains(script, "systemctl enable") ||
				strings.Contains(script, "systemctl start") {
				t.Errorf("after the installation it runs %s", script)
			}
		})
	}
}

// Ensures that the checksums are those of all archives, packages and SBOMs, and lists them with their sizes.
func TestChecksums(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(dist(t), "checksums.txt"))
	if err != nil {
		t.Fatal(err)
	}
	sums := map[string]string{}
	for line := range strings.Lines(string(data)) {
		sum, name, _ := strings.Cut(strings.TrimSpace(line), "  ")
		sums[name] = sum
	}

	var list []string
	for _, a := range artefacts(t, "Archive", "Linux Package", "SBOM") {
		content, err := os.ReadFile(a.Path)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(content)
		if sums[a.Name] != hex.EncodeToString(sum[:]) {
			t.Errorf("the checksum of %s is %q", a.Name, sums[a.Name])
		}
		delete(sums, a.Name)
		list = append(list, fmt.Sprintf("%9d  %s", len(content), a.Name))
	}
	if len(sums) > 0 {
		t.Errorf("there are checksums of other files: %v", sums)
	}
	t.Logf("sizes in bytes:\n%s", strings.Join(list, "\n"))
}

func wantFiles(t *testing.T, files map[string][]byte, names ...string) {
	t.Helper()
	for _, name := range names {
		if len(files[name]) == 0 {
			t.Errorf("there is no %s", name)
		}
	}
}

// wantLicences fails the test unless the notices have Go and each module of a program, in its version.
func wantLicences(t *testing.T, program, notices []byte) {
	t.Helper()
	info, err := buildinfo.Read(bytes.NewReader(program))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"go " + strings.TrimPrefix(info.GoVersion, "go")}
	for _, module := range info.Deps {
		want = append(want, module.Path+" "+module.Version)
	}
	for _, each := range want {
		if !strings.Contains(string(notices), "\n"+each+": ") || !strings.Contains(string(notices), "\n"+each+", ") {
			t.Errorf("the notices lack %s", each)
		}
	}
}

// filesOf returns the files of an archive by their names.
func filesOf(t *testing.T, path string) map[string][]byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if filepath.Ext(path) != ".zip" {
		return tarOf(t, gunzip(t, data))
	}

	archive, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, file := range archive.File {
		content, err := file.Open()
		if err != nil {
			t.Fatal(err)
		}
		if files[file.Name], err = io.ReadAll(content); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// tarOf returns the files of a tar archive by their names, without "./".
func tarOf(t *testing.T, data []byte) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	for archive := tar.NewReader(bytes.NewReader(data)); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimPrefix(strings.TrimPrefix(header.Name, "."), "/")
		if files[name], err = io.ReadAll(archive); err != nil {
			t.Fatal(err)
		}
	}
}

func gunzip(t *testing.T, data []byte) []byte {
	t.Helper()
	reader, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	unpacked, err := io.ReadAll(reader)
	if err != nil {
		t.Fatal(err)
	}
	return unpacked
}

// output returns what a program prints, or skips the test if the program is not installed.
func output(t *testing.T, name string, arguments ...string) []byte {
	t.Helper()
	tool := name
	if name == "sh" {
		tool = "rpm2archive"
	}
	if _, err := exec.LookPath(tool); err != nil {
		t.Skipf("%s is not installed", tool)
	}
	out, err := exec.CommandContext(t.Context(), name, arguments...).Output()
	if err != nil {
		t.Fatalf("%s: %v", tool, err)
	}
	return out
}
