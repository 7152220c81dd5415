//go:build unix && !linux

package serverproc

import (
	"os/exec"
	"syscall"
)

// own keeps Ctrl-C in a terminal from the child: workers drain first.
func own(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
}

// watch starts a watcher, because this kernel does not tell a child of its parent's end.
func watch(pid int) (*owner, error) { return watchByPipe(pid) }
