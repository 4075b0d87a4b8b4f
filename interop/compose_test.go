package interop_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
)

// loadCompose reads the compose file as Docker does, by the schema of the Compose Specification.
func loadCompose(t *testing.T) *types.Project {
	t.Helper()
	folder, err := filepath.Abs("../deploy")
	if err != nil {
		t.Fatal(err)
	}
	project, err := loader.LoadWithContext(t.Context(), types.ConfigDetails{
		WorkingDir: folder, ConfigFiles: []types.ConfigFile{{Filename: filepath.Join(folder, "compose.yaml")}},
		Environment: types.Mapping{},
	})
	if err != nil {
		t.Fatal(err)
	}
	return project
}

// Ensures that the compose file is valid, that every file that it names exists or is created by the README's
// commands, that no container has more privileges than it needs, and that the proxy has the servers' addresses.
func TestCompose(t *testing.T) {
	t.Parallel()
	project := loadCompose(t)
	read := func(path string) string {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	readme, proxy := read("../README.md"), read("../deploy/haproxy.cfg")
	for name, secret := range project.Secrets {
		if !strings.Contains(readme, "> "+filepath.Base(secret.File)+"\n") ||
			filepath.Base(filepath.Dir(secret.File)) != "secrets" {
			t.Errorf("the README does not create the secret %s in %s", name, secret.File)
		}
	}
	for name, service := range project.Services {
		for _, volume := range service.Volumes {
			if volume.Type == types.VolumeTypeBind {
				read(volume.Source)
			}
		}
		if name != "database" && (!service.ReadOnly || len(service.CapDrop) != 1) {
			t.Errorf("%s has more privileges than it needs", name)
		}
		if service.Image == "sallyport" && !strings.Contains(proxy, "\n    server "+name+" "+name+":12400 port 12490\n") {
			t.Errorf("the proxy does not know %s", name)
		}
		for variable, value := range service.Environment {
			if strings.HasPrefix(variable, "SALLYPORT_") && value != nil && strings.HasPrefix(*value, "/run/secrets/") {
				if secret := strings.TrimPrefix(*value, "/run/secrets/"); !granted(service, secret) {
					t.Errorf("%s is not given the secret %s", name, secret)
				}
			}
		}
	}
	address := project.Services["proxy"].Networks["front"].Ipv4Address
	if got := project.Services["server-1"].Environment["SALLYPORT_TRUSTED_PROXIES"]; got == nil || *got != address+"/32" {
		t.Errorf("the servers trust a proxy other than %s", address)
	}
}

func granted(service types.ServiceConfig, secret string) bool {
	for _, each := range service.Secrets {
		if each.Source == secret {
			return true
		}
	}
	return false
}
