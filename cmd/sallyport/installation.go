package main

import (
	"os"
	"path/filepath"
	"strings"
)

// installation is how the program was installed, which decides what a user can paste.
type installation int

const (
	// asBinary: the program was built or downloaded, and is run by its path.
	asBinary installation = iota
	// inContainer: the program is the entry point of an image.
	inContainer
	// asService: the program is in a folder of the system, and a service manager runs it with a configuration file.
	asService
)

// serviceConfig is the configuration file of the service.
const serviceConfig = "/etc/sallyport/sallyport.yaml"

// installed returns how this program was installed.
func installed() installation {
	path, err := os.Executable()
	if err != nil {
		return asBinary
	}
	return installedAt(path, exists(serviceConfig))
}

// installedAt returns how a program at a path was installed.
func installedAt(path string, hasServiceConfig bool) installation {
	switch folder := filepath.Dir(path); {
	case path == "/sallyport":
		return inContainer
	case hasServiceConfig && (folder == "/usr/bin" || folder == "/usr/local/bin"):
		return asService
	}
	return asBinary
}

// command returns how to run a command of this program.
func (i installation) command(args string) string {
	switch i {
	case inContainer:
		return "docker exec CONTAINER /sallyport " + args
	case asService:
		return "runuser -u sallyport -- sallyport " + args + " --config " + serviceConfig
	default:
		return "sallyport " + args
	}
}

// otherDatabase returns how to work on another database than the missing one, which is probably that of a server.
func (i installation) otherDatabase() string {
	switch i {
	case inContainer:
		return "mount the volume with the server's database at /data, or name another with " +
			i.setting("store", "sqlite:PATH")
	case asService:
		return "for that of the service, run: " + i.command("COMMAND")
	default:
		return "name another with " + i.setting("store", "sqlite:PATH")
	}
}

// setting returns how to give a setting another value.
func (i installation) setting(key, value string) string {
	switch i {
	case inContainer:
		return "--env SALLYPORT_" + strings.ToUpper(strings.ReplaceAll(key, ".", "_")) + "=" + value
	case asService:
		return key + ": " + value + " in " + serviceConfig
	default:
		return "--" + flagName(key) + " " + value
	}
}
