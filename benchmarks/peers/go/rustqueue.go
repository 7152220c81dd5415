package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"time"
)

// rustQueue speaks the newline-delimited JSON of RustQueue over TCP. It has no call that waits for a job.
type rustQueue struct{}

const rustQueuePoll = time.Millisecond

type rustQueueClient struct {
	connection net.Conn
	in         *bufio.Reader
	params     params
}

type rustQueueJob struct {
	Name    string            `json:"name"`
	Data    json.RawMessage   `json:"data"`
	Options *rustQueueOptions `json:"options,omitempty"`
	ID      string            `json:"id,omitempty"`
}

// rustQueueOptions keeps finished jobs from piling up: with all of them kept each tick of the server costs more.
type rustQueueOptions struct {
	RemoveOnComplete bool `json:"remove_on_complete"`
}

type rustQueueAnswer struct {
	OK    bool            `json:"ok"`
	IDs   []string        `json:"ids"`
	Job   *rustQueueJob   `json:"job"`
	Jobs  []rustQueueJob  `json:"jobs"`
	Acked int             `json:"acked"`
	Error json.RawMessage `json:"error"`
}

func (rustQueue) prepare(context.Context, params) error { return nil }

func (rustQueue) producer(_ context.Context, p params) (producer, error) { return connectRustQueue(p) }

func (rustQueue) consumer(_ context.Context, p params) (consumer, error) { return connectRustQueue(p) }

func connectRustQueue(p params) (*rustQueueClient, error) {
	connection, err := net.Dial("tcp", p.Address)
	if err != nil {
		return nil, err
	}
	return &rustQueueClient{connection, bufio.NewReaderSize(connection, 1<<20), p}, nil
}

func (c *rustQueueClient) close() { _ = c.connection.Close() }

func (c *rustQueueClient) push(_ context.Context, jobs [][]byte) error {
	specs := make([]rustQueueJob, len(jobs))
	for index, job := range jobs {
		specs[index] = rustQueueJob{Name: "noop", Data: job, Options: &rustQueueOptions{RemoveOnComplete: true}}
	}
	answers, err := c.call(map[string]any{"cmd": "push_batch", "queue": c.params.Queue, "jobs": specs})
	if err != nil {
		return err
	}
	if len(answers[0].IDs) != len(jobs) {
		return fmt.Errorf("%d of %d jobs were taken", len(answers[0].IDs), len(jobs))
	}
	return nil
}

func (c *rustQueueClient) work(ctx context.Context, t *tally) error {
	pull := map[string]any{"cmd": "pull", "queue": c.params.Queue, "count": c.params.Batch}
	var hands []string
	for ctx.Err() == nil || len(hands) > 0 {
		var requests []any
		if len(hands) > 0 {
			requests = append(requests, map[string]any{"cmd": "ack_batch", "ids": hands})
		}
		if ctx.Err() == nil {
			requests = append(requests, pull)
		}
		if len(requests) == 0 {
			break
		}
		answers, err := c.call(requests...)
		if err != nil {
			return err
		}
		if len(hands) > 0 {
			if answers[0].Acked != len(hands) {
				return fmt.Errorf("%d of %d acknowledgments were taken", answers[0].Acked, len(hands))
			}
			t.acked(len(hands))
		}
		hands = hands[:0]
		taken := answers[len(answers)-1]
		if taken.Job != nil {
			taken.Jobs = append(taken.Jobs, *taken.Job)
		}
		for _, job := range taken.Jobs {
			t.started(job.Data)
			hands = append(hands, job.ID)
		}
		if len(hands) == 0 && ctx.Err() == nil {
			time.Sleep(rustQueuePoll)
		}
	}
	return nil
}

// call sends requests in one write, and reads one answer for each.
func (c *rustQueueClient) call(requests ...any) ([]rustQueueAnswer, error) {
	var out []byte
	for _, request := range requests {
		line, err := json.Marshal(request)
		if err != nil {
			return nil, err
		}
		out = append(append(out, line...), '\n')
	}
	if _, err := c.connection.Write(out); err != nil {
		return nil, err
	}
	answers := make([]rustQueueAnswer, len(requests))
	for index := range answers {
		line, err := c.in.ReadBytes('\n')
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(line, &answers[index]); err != nil {
			return nil, err
		}
		if !answers[index].OK {
			return nil, fmt.Errorf("the server refused: %s", line)
		}
	}
	return answers, nil
}
