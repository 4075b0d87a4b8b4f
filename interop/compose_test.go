package interop_test

import (
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
)

// loadCompose reads a folder's compose file as Docker does, by the schema of the Compose Specification.
func loadCompose(t *testing.T, folder string) *types.Project {
	t.Helper()
	folder, err := filepath.Abs(folder)
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

// Ensures that the compose file is valid, that every file that it names exists or is created by the documented
// commands, that no container has more privileges than it needs, and that the proxy has the servers' addresses.
func TestCompose(t *testing.T) {
	t.Parallel()
	project := loadCompose(t, "../deploy")
	read := func(path string) string {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	page, proxy := read("../docs/how-to/high-availability.md"), read("../deploy/haproxy.cfg")
	for name, secret := range project.Secrets {
		if !strings.Contains(page, "> "+filepath.Base(secret.File)+"\n") ||
			filepath.Base(filepath.Dir(secret.File)) != "secrets" {
			t.Errorf("high-availability.md does not create the secret %s in %s", name, secret.File)
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

// Ensures that no container is given the proxy's fixed address, that the database is created with a role for the
// servers, and that the image is built once, outside of compose.
func TestCompose_AddressDatabaseImage(t *testing.T) {
	t.Parallel()
	project := loadCompose(t, "../deploy")
	address := netip.MustParseAddr(project.Services["proxy"].Networks["front"].Ipv4Address)
	pool := project.Networks["front"].Ipam.Config[0]
	if !netip.MustParsePrefix(pool.Subnet).Contains(address) || netip.MustParsePrefix(pool.IPRange).Contains(address) {
		t.Errorf("the proxy has %s; want an address of %s that is not of %s", address, pool.Subnet, pool.IPRange)
	}
	mounted := func(v types.ServiceVolumeConfig) bool {
		return filepath.Base(v.Source) == "create-database.sh" && v.ReadOnly &&
			v.Target == "/docker-entrypoint-initdb.d/create-database.sh"
	}
	if !slices.ContainsFunc(project.Services["database"].Volumes, mounted) {
		t.Error("the database is not given create-database.sh")
	}
	for name, service := range project.Services {
		if service.Build != nil {
			t.Errorf("%s builds an image", name)
		}
	}
}

// Ensures that the compose file for CI is valid, mounts its seed, and serves this machine only, without privileges.
func TestCompose_CI(t *testing.T) {
	t.Parallel()
	service := loadCompose(t, "../deploy/ci").Services["sallyport"]
	if len(service.Volumes) != 1 || service.Volumes[0].Target != "/seed.yaml" {
		t.Fatalf("the volumes are %+v; want the seed", service.Volumes)
	}
	if _, err := os.Stat(service.Volumes[0].Source); err != nil {
		t.Error(err)
	}
	if len(service.Ports) != 1 || service.Ports[0].HostIP != "127.0.0.1" {
		t.Errorf("the ports are %+v; want one of this machine", service.Ports)
	}
	if service.Build != nil || !service.ReadOnly || len(service.CapDrop) != 1 || service.Image != "sallyport" {
		t.Errorf("%s is built, or has more privileges than it needs", service.Image)
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
