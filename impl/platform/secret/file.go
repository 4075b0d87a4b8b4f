package secret

import (
	"fmt"
	"os"
	"runtime"
)

// CheckFile reports whether the mode of a file with a secret lets every user of the machine read it. It returns an
// error if every user can write to it, and so replace the secret. Any owner and group are accepted: in containers,
// secrets belong to root and are read by a group. As in ssh, the mode of the directory is not checked. Paths that are
// not regular files, or cannot be examined, are left to the code that reads the file.
func CheckFile(path string) (readable bool, err error) {
	// On Windows the mode does not describe the access of other users.
	if runtime.GOOS == "windows" {
		return false, nil
	}

	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return false, nil //nolint:nilerr // reading the file fails, too
	}

	if info.Mode()&0o002 != 0 {
		return true, fmt.Errorf("every user of this machine can write to %s, which holds a secret: chmod 600 shuts them out",
			path)
	}
	return info.Mode()&0o004 != 0, nil
}
