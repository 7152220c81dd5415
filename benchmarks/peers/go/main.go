// Command peers-load puts load on the queues that RockQueue is compared with: `peers-load SYSTEM prepare|produce|consume`.
//
// The harness speaks with it in lines of JSON. Parameters come in; an empty object goes out when the load is connected and
// warm; an empty object comes in and lets it go; the result goes out.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

var systems = map[string]system{
	"beanstalkd":    beanstalkd{},
	"nats":          jetStream{},
	"rabbitmq":      rabbitMQ{},
	"redis-list":    redisList{},
	"redis-streams": redisStreams{},
	"river":         &riverQueue{},
	"rustqueue":     rustQueue{},
}

// params is what the harness asks for. Clients is the number of connections; Window bounds, for each of them, the jobs
// that are delivered and not acknowledged, where a system pushes jobs to its consumers.
type params struct {
	Address      string  `json:"address"`
	Queue        string  `json:"queue"`
	Kind         string  `json:"kind"`
	Batch        int     `json:"batch"`
	Clients      int     `json:"clients"`
	Window       int     `json:"window"`
	PayloadBytes int     `json:"payload_bytes"`
	Seconds      float64 `json:"seconds"`
	// Jobs ends a load besides Seconds; 0: only Seconds does.
	Jobs int64 `json:"jobs"`
	// PauseMS comes between two pushes, so that delays are those of a system that is not busy.
	PauseMS float64 `json:"pause_ms"`
}

// result says how many jobs were acknowledged between two moments of the monotonic clock.
type result struct {
	Jobs    int64   `json:"jobs"`
	BeganNS int64   `json:"began_ns"`
	EndedNS int64   `json:"ended_ns"`
	P50MS   float64 `json:"p50_ms"`
	P99MS   float64 `json:"p99_ms"`
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "peers-load:", err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	if len(arguments) != 2 || systems[arguments[0]] == nil {
		names := make([]string, 0, len(systems))
		for name := range systems {
			names = append(names, name)
		}
		slices.Sort(names)
		return fmt.Errorf("usage: peers-load %s prepare|produce|consume", strings.Join(names, "|"))
	}
	link := link{in: bufio.NewReader(os.Stdin)}
	var p params
	if err := link.hear(&p); err != nil {
		return err
	}
	chosen := systems[arguments[0]]
	ctx := context.Background()
	switch arguments[1] {
	case "prepare":
		if err := chosen.prepare(ctx, p); err != nil {
			return fmt.Errorf("prepare: %w", err)
		}
		return link.say(result{})
	case "produce":
		return produce(ctx, chosen, p, link)
	case "consume":
		return consume(ctx, chosen, p, link)
	}
	return fmt.Errorf("no role %s; there are prepare, produce, consume", arguments[1])
}

type link struct{ in *bufio.Reader }

func (l link) hear(message any) error {
	line, err := l.in.ReadBytes('\n')
	if err != nil {
		return errors.New("the harness is gone")
	}
	return json.Unmarshal(line, message)
}

func (l link) say(message any) error {
	return json.NewEncoder(os.Stdout).Encode(message)
}

// ready tells that the load is warm, and returns when it may go.
func (l link) ready() error {
	if err := l.say(struct{}{}); err != nil {
		return err
	}
	return l.hear(&struct{}{})
}

// now is the monotonic clock, which is the same in all processes of a machine.
func now() int64 {
	var at unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &at); err != nil {
		panic(err)
	}
	return at.Nano()
}

func seconds(amount float64) time.Duration { return time.Duration(amount * float64(time.Second)) }
