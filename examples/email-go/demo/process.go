package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"syscall"
	"time"
)

const (
	readyTimeout   = 20 * time.Second
	stopTimeout    = 10 * time.Second
	lockedExitCode = 3
)

var listening = regexp.MustCompile(`listening on (\S+)`)

// app is the web app as a process that can be killed.
type app struct {
	command *exec.Cmd
	url     string
	exited  chan struct{}
}

// startApp starts the app on the files in store.
func startApp(program, store, mailServer string) (*app, error) {
	command := exec.Command(program, "--data", store, "--listen", "127.0.0.1:0")
	command.Env = append(os.Environ(), "MAIL_SERVER="+mailServer)
	command.Stderr = os.Stderr
	output, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, err
	}
	started := &app{command: command, exited: make(chan struct{})}
	timer := time.AfterFunc(readyTimeout, started.signal(syscall.SIGKILL))
	defer timer.Stop()
	lines := bufio.NewScanner(output)
	for started.url == "" && lines.Scan() {
		if found := listening.FindStringSubmatch(lines.Text()); found != nil {
			started.url = found[1]
		}
	}
	go func() {
		defer close(started.exited)
		_, _ = io.Copy(io.Discard, output)
		_ = command.Wait()
	}()
	if started.url == "" {
		started.kill()
		return nil, fmt.Errorf("the app did not start within %s; its last words stand above", readyTimeout)
	}
	return started, nil
}

func (a *app) signal(signal syscall.Signal) func() {
	return func() { _ = a.command.Process.Signal(signal) }
}

// kill is kill -9: the app gets no chance to say goodbye. It returns when the app is gone.
func (a *app) kill() {
	a.signal(syscall.SIGKILL)()
	<-a.exited
}

// stop asks the app to end, and kills it when it does not.
func (a *app) stop() {
	a.signal(syscall.SIGTERM)()
	timer := time.AfterFunc(stopTimeout, a.signal(syscall.SIGKILL))
	defer timer.Stop()
	<-a.exited
}

// get asks the app, and stores its answer in the value that into points to.
func (a *app) get(ctx context.Context, path string, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, a.url+path, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	return json.NewDecoder(response.Body).Decode(into)
}

// remains are what `rockqueue check` finds when everything is dead.
type remains struct {
	Jobs     int      `json:"jobs"`
	Problems []string `json:"problems"`
}

// examine looks at files that no process has open; the server of a killed app takes a moment to notice its death.
func examine(ctx context.Context, store string) (*remains, error) {
	ctx, cancel := context.WithTimeout(ctx, stopTimeout)
	defer cancel()
	for {
		output, err := exec.CommandContext(ctx, "rockqueue", "check", store, "--json").Output()
		if err == nil {
			found := new(remains)
			return found, json.Unmarshal(output, found)
		}
		if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != lockedExitCode {
			return nil, fmt.Errorf("rockqueue check: %w\n%s", err, output)
		}
	}
}
