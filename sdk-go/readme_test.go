package rockqueue_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

const readmeTime = 3 * time.Minute

var (
	readmeProgram = regexp.MustCompile("(?ms)^```go\n// (\\S+)\n(.*?)^```$")
	readmeBlock   = regexp.MustCompile("(?m)^```go$")
)

// TestTheProgramsOfTheREADMETellTheStory runs them in a module of their own, in the order in which a newcomer meets them.
func TestTheProgramsOfTheREADMETellTheStory(t *testing.T) {
	if testing.Short() {
		t.Skip("builds programs")
	}
	t.Parallel()
	story := newStory(t)
	story.have(story.run("push"), "on disk:")

	story.workUntil("mail to ada@example.com: welcome, Ada!", "mail to user1@example.com", "mail to user2@example.com",
		"mail to grace@example.com")
	story.have(story.run("watch"), "JOB_PUSHED welcome_email 0", "JOB_DEAD welcome_email 1", "completed: 4")
	story.have(story.run("deadletters"),
		`dead: {"to":"nobody"} NON_RETRYABLE "nobody" is not an address`, "put back: 1")
	story.have(story.run("schedule"), "new: true next:", "[2026-03-29 01:00:00 +0000 UTC 2026-03-30 00:30:00 +0000 UTC]", "now: ")
	story.workUntil("mail to night@example.com: welcome, Owl!")
	story.have(story.run("newsletter"), "sent issue 7 to readers", "sent issue 7 to friends", "flow: COMPLETED 3 of 3")
	story.have(story.run("limits"), "why it waits: NO_WORKER ")
	story.have(story.run("webhook"), "this secret, it is not shown again: whsec_")
	story.have(story.run("workers"), "mailer RUNNING rockqueue-go/", "stuck: []")
	story.have(story.run("options"), "DELAYED until 20", "the same job: true")
	story.have(story.run("failures"), "refused: UNIQUE_CONFLICT held by ")
	story.have(story.run("cleanup"), "would be cancelled: 2", "cancelled: 2", "deleted: 2")
	story.have(story.run("tracing"), "pushed ")
	story.have(story.run("middleware"), "welcome_email: attempt 1 took ", "sent to ada@example.com")
	story.have(story.output("go", "test", "./jobs"), "ok")
}

// story is a module with the programs of the README.
type story struct {
	t      *testing.T
	folder string
}

func newStory(t *testing.T) *story {
	t.Helper()
	text, err := os.ReadFile("README.md")
	noError(t, err)
	programs := readmeProgram.FindAllStringSubmatch(string(text), -1)
	equal(t, len(programs), len(readmeBlock.FindAllString(string(text), -1)), "programs with a name")
	story := &story{t: t, folder: t.TempDir()}
	for _, program := range programs {
		story.write(program[1], program[2])
	}
	own, err := filepath.Abs(".")
	noError(t, err)
	sums, err := os.ReadFile("readme/go.sum")
	noError(t, err)
	story.write("go.sum", string(sums))
	module, err := os.ReadFile("readme/go.mod")
	noError(t, err)
	story.write("go.mod", strings.ReplaceAll(string(module), "=> ../", "=> "+own+"/"))
	story.output("go", "build", "-o", "bin/", "./...")
	return story
}

func (s *story) write(name, text string) {
	s.t.Helper()
	path := filepath.Join(s.folder, name)
	noError(s.t, os.MkdirAll(filepath.Dir(path), 0o750))
	noError(s.t, os.WriteFile(path, []byte(text), 0o600))
}

func (s *story) command(program string, arguments ...string) *exec.Cmd {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), readmeTime)
	s.t.Cleanup(cancel)
	command := exec.CommandContext(ctx, program, arguments...)
	command.Dir = s.folder
	command.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOPROXY=off", "GOWORK=off", "GOTOOLCHAIN=local")
	return command
}

func (s *story) output(program string, arguments ...string) string {
	s.t.Helper()
	output, err := s.command(program, arguments...).CombinedOutput()
	if err != nil {
		s.t.Fatalf("%s %s: %v\n%s", program, strings.Join(arguments, " "), err, output)
	}
	return string(output)
}

func (s *story) run(program string) string {
	s.t.Helper()
	return s.output(filepath.Join(s.folder, "bin", program))
}

// workUntil runs the worker until it has printed each of the wanted texts, in whatever order, and stops it as a service
// manager would.
func (s *story) workUntil(wanted ...string) {
	s.t.Helper()
	worker := s.command(filepath.Join(s.folder, "bin", "worker"))
	output, err := worker.StdoutPipe()
	noError(s.t, err)
	noError(s.t, worker.Start())
	var lines strings.Builder
	signalled := false
	for scanner := bufio.NewScanner(output); scanner.Scan(); {
		fmt.Fprintln(&lines, scanner.Text())
		if !signalled && containsAll(lines.String(), wanted) {
			signalled = true
			noError(s.t, worker.Process.Signal(syscall.SIGTERM))
		}
	}
	if err := worker.Wait(); err != nil {
		s.t.Fatalf("the worker: %v\n%s", err, lines.String())
	}
	s.have(lines.String(), wanted...)
}

func containsAll(text string, wanted []string) bool {
	return !slices.ContainsFunc(wanted, func(one string) bool { return !strings.Contains(text, one) })
}

func (s *story) have(output string, wanted ...string) {
	s.t.Helper()
	for _, one := range wanted {
		if !strings.Contains(output, one) {
			s.t.Fatalf("expected %q in:\n%s", one, output)
		}
	}
}
