//go:build unix

package serverproc

import (
	"fmt"
	"os/exec"
	"strconv"
	"syscall"
)

// watchByPipe starts a shell that kills the child when the other end of its standard input is closed: by the end of this
// process, however it comes.
func watchByPipe(pid int) (*owner, error) {
	//nolint:noctx // it lives as long as the process that it watches
	watcher := exec.Command("/bin/sh", "-c", `read -r _; kill -9 "$1" 2>/dev/null`, "watcher", strconv.Itoa(pid))
	watcher.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	pipe, err := watcher.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("watching over the server: %w", err)
	}
	if err := watcher.Start(); err != nil {
		return nil, fmt.Errorf("watching over the server: %w", err)
	}
	return &owner{watcher: watcher, pipe: pipe}, nil
}
