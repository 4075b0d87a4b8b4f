package config

import (
	"errors"
	"fmt"
	"slices"

	"github.com/sallyport/sallyport/impl/platform/secret"
	"github.com/sallyport/sallyport/impl/saml"
	"github.com/sallyport/sallyport/impl/store"
)

// SecretFile is a file that contains a secret.
type SecretFile struct {
	// Setting is the setting or variable that names the file, or "the configuration file".
	Setting string
	Path    string
}

// checkSecretFiles returns the secret files that every user of the machine can read. Its error names those that every
// user can write to.
func checkSecretFiles(from Sources, values map[string]string, realms []saml.Realm) (exposed []SecretFile, err error) {
	var problems []error
	for _, file := range secretFiles(from, values, realms) {
		readable, err := secret.CheckFile(file.Path)
		switch {
		case err != nil:
			problems = append(problems, fmt.Errorf("%s: %w", file.Setting, err))
		case readable:
			exposed = append(exposed, file)
		}
	}
	return exposed, errors.Join(problems...)
}

// secretFiles returns all files of a configuration that contain secrets, without duplicates.
func secretFiles(from Sources, values map[string]string, realms []saml.Realm) []SecretFile {
	var files []SecretFile
	if from.File != "" && fileHasSecret(from.File) {
		files = append(files, SecretFile{"the configuration file", from.File})
	}
	for _, s := range Settings {
		if path, ok := from.Env(s.Env() + "_FILE"); s.Secret && ok {
			files = append(files, SecretFile{s.Env() + "_FILE", path})
		}
	}
	if path := values["tls.key"]; path != "" {
		files = append(files, SecretFile{"tls.key", path})
	}
	for _, realm := range realms {
		pairs := slices.Clone(realm.Encryption)
		if realm.Signing != nil {
			pairs = append(pairs, *realm.Signing)
		}
		for _, pair := range pairs {
			file := SecretFile{"saml.realms: " + realm.ID, pair.File}
			// The same key may be used for signing and decryption.
			if !slices.Contains(files, file) {
				files = append(files, file)
			}
		}
	}
	return files
}

// fileHasSecret reports whether a file sets a secret. The store's address is a secret if it contains a password.
func fileHasSecret(path string) bool {
	values, _ := readFile(path) // errors are reported by gather
	for _, s := range Settings {
		value := text(values[s.Key])
		if s.Secret && value != "" && (s.Key != "store" || store.HasPassword(value)) {
			return true
		}
	}
	return false
}
