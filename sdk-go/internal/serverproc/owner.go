package serverproc

import (
	"io"
	"os/exec"
)

// owner is what ends the server with this process, where the kernel does not: a shell that reads from a pipe until this
// process is gone.
type owner struct {
	watcher *exec.Cmd
	pipe    io.Closer
}

// end lets the watcher go; before the number of the child that it watches may be given to another process.
func (o *owner) end() {
	if o.watcher == nil {
		return
	}
	_ = o.watcher.Process.Kill()
	_ = o.watcher.Wait()
	_ = o.pipe.Close()
}
