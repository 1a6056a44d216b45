// Package lifetime ties a server's life to its standard input.
package lifetime

import (
	"io"
	"os"
)

// FolderVariable names the environment variable with the folder that is removed when standard input ends.
const FolderVariable = "TESTCLUSTER_FOLDER"

// EndWithStdin ends this process when its standard input does, and removes the folder that it was given.
//
// A test holds the other end of the pipe: the kernel closes it even when the test is killed, so that neither
// processes nor data are left behind. The last server of a control plane to end leaves the folder removed.
func EndWithStdin() {
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		if folder := os.Getenv(FolderVariable); folder != "" {
			_ = os.RemoveAll(folder)
		}
		os.Exit(0)
	}()
}
