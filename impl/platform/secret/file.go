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
	mode := fileMode(path)
	if mode&0o002 != 0 {
		return true, fmt.Errorf("every user of this machine can write to %s, which holds a secret: chmod 600 shuts them out",
			path)
	}
	return mode&0o004 != 0, nil
}

// CheckWriters is CheckFile for a file without a secret that says where secrets are, or where they are sent.
func CheckWriters(path string) error {
	if fileMode(path)&0o002 == 0 {
		return nil
	}
	return fmt.Errorf("every user of this machine can write to %[1]s: run chmod o-w %[1]s", path)
}

// fileMode returns the mode of a regular file; 0 for any other path, and on Windows, where the mode does not describe
// the access of other users.
func fileMode(path string) os.FileMode {
	info, err := os.Stat(path)
	if runtime.GOOS == "windows" || err != nil || !info.Mode().IsRegular() {
		return 0
	}
	return info.Mode()
}
