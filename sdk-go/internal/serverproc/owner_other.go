//go:build !unix

package serverproc

import (
	"errors"
	"fmt"
	"os/exec"
)

func own(*exec.Cmd) {}

// watch fails: there is no Unix socket to serve on here.
func watch(int) (*owner, error) {
	return nil, fmt.Errorf("a local store needs Unix sockets (%w): run a server and use its URL", errors.ErrUnsupported)
}

func watchByPipe(pid int) (*owner, error) { return watch(pid) }
