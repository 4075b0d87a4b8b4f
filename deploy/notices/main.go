// Command notices prints the licences of all that the program contains: of Go, of the modules that it is built from on
// any of its platforms, and of the files from others that it embeds. It fails if a licence is missing, or of a kind
// that is not allowed. It reads the module cache only.
package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// platforms are those that the program is released for. Modules depend on the system, and not on the processor.
var platforms = []string{"linux", "darwin", "windows"}

// embedded are the folders, from the root of the repository, with files of others that the program embeds.
var embedded = []string{"impl/http/reference/static", "impl/http/console/static/vendor"}

func main() {
	out := bufio.NewWriter(os.Stdout)
	err := write(out, ".")
	if err == nil {
		err = out.Flush()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "notices:", err)
		os.Exit(1)
	}
}

// write writes the notices of the program in the repository at root.
func write(w io.Writer, root string) error {
	components, err := collect(root)
	if err != nil {
		return err
	}
	var text bytes.Buffer
	text.WriteString("Sallyport contains software of others. These are its names, versions and licences, and the texts\n" +
		"of licences and notices, each once. Modules are unmodified, and their source code is where their names say.\n\n")
	for _, c := range components {
		fmt.Fprintf(&text, "%s %s: %s\n", c.name, c.version, strings.Join(c.kinds, ", "))
	}

	// Many components have the same text.
	var texts []string
	sources := map[string][]string{}
	for _, c := range components {
		for _, n := range c.notices {
			if sources[n.text] == nil {
				texts = append(texts, n.text)
			}
			sources[n.text] = append(sources[n.text], c.name+" "+c.version+", "+n.name)
		}
	}
	for _, each := range texts {
		fmt.Fprintf(&text, "\n%s\n%s\n\n%s\n", strings.Repeat("=", 80), strings.Join(sources[each], "\n"), each)
	}
	_, err = w.Write(text.Bytes())
	return err
}

// collect returns the components of the program in the repository at root: first Go, then modules, then files.
func collect(root string) ([]component, error) {
	goroot, err := run(root, nil, "env", "GOROOT", "GOVERSION")
	if err != nil {
		return nil, err
	}
	golang, err := newComponent("go", strings.TrimPrefix(goroot[1], "go"), []string{goroot[0]})
	if err != nil {
		return nil, err
	}

	components := []component{golang}
	modules, err := modulesOf(root)
	if err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(modules)) {
		m := modules[name]
		c, err := newComponent(name, m.version, slices.Sorted(maps.Keys(m.folders)))
		if err != nil {
			return nil, err
		}
		components = append(components, c)
	}

	for _, folder := range embedded {
		c, err := newComponent(folder, "in the program", []string{filepath.Join(root, folder)})
		if err != nil {
			return nil, err
		}
		components = append(components, c)
	}
	return components, nil
}

// module is a module of which the program contains packages.
type module struct {
	version string
	// folders are those of the packages, and all above them in the module.
	folders map[string]bool
}

// modulesOf returns the modules of the program by their paths, for all platforms and for the image.
func modulesOf(root string) (map[string]module, error) {
	modules := map[string]module{}
	for _, system := range platforms {
		environment := []string{"GOOS=" + system, "GOARCH=amd64", "CGO_ENABLED=0"}
		lines, err := run(root, environment, "list", "-deps", "-tags", "image", "-f",
			`{{with .Module}}{{if not .Main}}{{.Path}}{{"\t"}}{{.Version}}{{"\t"}}{{.Dir}}{{"\t"}}{{$.Dir}}{{end}}{{end}}`,
			"./cmd/sallyport")
		if err != nil {
			return nil, err
		}
		for _, line := range lines {
			fields := strings.Split(line, "\t")
			if len(fields) != 4 {
				continue // a package of Go, or of this module
			}
			m, seen := modules[fields[0]]
			if !seen {
				m = module{version: fields[1], folders: map[string]bool{fields[2]: true}}
				modules[fields[0]] = m
			}
			for folder := fields[3]; len(folder) > len(fields[2]); folder = filepath.Dir(folder) {
				m.folders[folder] = true
			}
		}
	}
	return modules, nil
}

// run returns the lines that the go command prints.
func run(root string, env []string, arguments ...string) ([]string, error) {
	cmd := exec.Command("go", arguments...) //nolint:gosec,noctx // the arguments are fixed, and it ends by itself
	cmd.Dir, cmd.Env, cmd.Stderr = root, append(os.Environ(), env...), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go %s: %w", arguments[0], err)
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n"), nil
}
