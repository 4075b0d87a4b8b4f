package secret

import (
	"fmt"
	"os"
	"runtime"
)

// CheckFile reports whether the mode of a file that holds a secret lets every user of the machine read it. It returns an error
// if every user may write to it, and so replace the secret. The owner and the group may be any: in containers, secrets belong to
// root and are read by a group. As with ssh, the folder does not count, from which a copy may be made. What is no regular
// file, or cannot be looked at, is left to the reader of the file.
func CheckFile(path string) (readable bool, err error) {
	if runtime.GOOS == "windows" { // its modes say nothing of other users
		return false, nil
	}
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return false, nil //nolint:nilerr // the reader fails
	}
	if info.Mode()&0o002 != 0 {
		return true, fmt.Errorf("every user of this machine can write to %s, which holds a secret: chmod 600 shuts them out", path)
	}
	return info.Mode()&0o004 != 0, nil
}
