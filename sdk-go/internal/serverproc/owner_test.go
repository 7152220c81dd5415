//go:build unix

package serverproc

import (
	"os/exec"
	"testing"
	"time"
)

func startSleeper(t *testing.T) (*exec.Cmd, <-chan struct{}) {
	t.Helper()
	sleeper := exec.Command("/bin/sh", "-c", "read -r _")
	input, err := sleeper.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := sleeper.Start(); err != nil {
		t.Fatal(err)
	}
	gone := make(chan struct{})
	go func() {
		_ = sleeper.Wait()
		close(gone)
	}()
	t.Cleanup(func() {
		_ = sleeper.Process.Kill()
		<-gone
		_ = input.Close()
	})
	return sleeper, gone
}

func TestTheWatcherKillsWhenItsOwnerIsGone(t *testing.T) {
	sleeper, gone := startSleeper(t)
	owner, err := watchByPipe(sleeper.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	// What the system does when a process ends, in whatever way.
	if err := owner.pipe.Close(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-gone:
	case <-time.After(10 * time.Second):
		t.Fatal("the watched process was not killed")
	}
	owner.end()
}

func TestAWatcherThatIsLetGoKillsNobody(t *testing.T) {
	sleeper, gone := startSleeper(t)
	owner, err := watchByPipe(sleeper.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	owner.end()
	select {
	case <-gone:
		t.Fatal("the process was killed")
	default:
	}
}
