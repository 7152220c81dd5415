// A worker on the public SDK for Go. Arguments: URL, name, journal, queues by commas; runs until it is ended. What it notes
// in its journal is told in python_worker.py.
package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"strings"
	"time"

	rockqueue "github.com/rockqueue/rockqueue/sdk-go"
	"golang.org/x/sys/unix"
)

type torment struct {
	Tag     string `json:"tag"`
	Fate    string `json:"fate"`
	Filling string `json:"filling"`
}

func (torment) Kind() string { return "torment" }

type journal struct{ file *os.File }

// note appends one line in one write; the time is that of CLOCK_MONOTONIC, which all processes share.
func (j journal) note(kind string, rest ...any) {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		log.Fatal(err)
	}
	line, err := json.Marshal(append([]any{kind, now.Nano()}, rest...))
	if err != nil {
		log.Fatal(err)
	}
	if _, err := j.file.Write(append(line, '\n')); err != nil {
		log.Fatal(err)
	}
}

func handler(name string, notes journal) func(context.Context, *rockqueue.Job[torment]) error {
	told := errors.New("as it was told")
	return func(ctx context.Context, job *rockqueue.Job[torment]) error {
		tag, fate, first := job.Args.Tag, job.Args.Fate, job.Attempt == 1
		end := func(kind, body string) { notes.note("end", job.ID, job.Attempt, tag, kind, body) }
		sum := sha256.Sum256([]byte(job.Args.Filling))
		notes.note("start", job.ID, job.Attempt, tag, hex.EncodeToString(sum[:])[:16], job.Queue)
		switch {
		case fate == "slow", fate == "hang_once" && first:
			select {
			case <-time.After(200 * time.Millisecond):
			case <-ctx.Done():
				end("cancelled", "")
				return context.Cause(ctx)
			}
		case fate == "fail", fate == "fail_once" && first:
			end("fail", "")
			return told
		case fate == "never":
			end("never", "")
			return rockqueue.NonRetryable(told)
		case fate == "snooze_once" && first:
			end("snooze", "")
			return rockqueue.Snooze(80 * time.Millisecond)
		case fate == "release_once" && first:
			end("release", "")
			return rockqueue.Release()
		}
		result := fmt.Sprintf("%s/%d/%s", tag, job.Attempt, name)
		body, err := json.Marshal(result)
		if err != nil {
			return err
		}
		end("complete", string(body))
		return job.SetResult(result)
	}
}

func main() {
	url, name, path, queues := os.Args[1], os.Args[2], os.Args[3], strings.Split(os.Args[4], ",")
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		log.Fatal(err)
	}
	client, err := rockqueue.NewClient(rockqueue.Config{URL: url})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	workers := rockqueue.NewWorkers(client, rockqueue.WorkersConfig{
		Queues: queues, Concurrency: 4, Name: name, Lease: 2 * time.Second, ResumeGrace: new(5 * time.Second),
	})
	rockqueue.AddWorker(workers, rockqueue.WorkFunc(handler(name, journal{file})))
	if err := workers.Run(context.Background()); err != nil {
		log.Print(err)
	}
}
