// Prints what happens to pictures as it happens. ROCKQUEUE_URL says where the queue is.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	rockqueue "github.com/rockqueue/rockqueue/sdk-go"
)

func main() {
	until := flag.Int("until", 0, "end when so many `jobs` are finished; 0: when asked to")
	flag.Parse()
	if err := follow(*until); err != nil {
		fmt.Fprintln(os.Stderr, "live-events:", err)
		os.Exit(1)
	}
}

// shown in the README: [events]
func follow(until int) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	client, err := rockqueue.NewClient(rockqueue.Config{})
	if err != nil {
		return err
	}
	defer client.Close()
	options := rockqueue.EventOptions{Queues: []string{"images"}, Types: shown, FromBeginning: true}
	finished := make(map[string]bool)
	numbers := make(map[string]int)
	for event, err := range client.Events(ctx, options) {
		if err != nil {
			return err
		}
		if numbers[event.JobID] == 0 {
			numbers[event.JobID] = len(numbers) + 1
		}
		show(event, numbers[event.JobID])
		if event.State.Finished() {
			finished[event.JobID] = true
		}
		if until > 0 && len(finished) == until {
			return nil
		}
	}
	return nil
}

// shown in the README: [/events]

// shown are the events that people want to see: pushes and their like would be as many again.
var shown = []rockqueue.EventType{
	rockqueue.EventJobStarted, rockqueue.EventJobFailed, rockqueue.EventJobCrashed, rockqueue.EventJobRetried,
	rockqueue.EventJobCompleted, rockqueue.EventJobDead, rockqueue.EventJobCancelled,
}

func show(event rockqueue.Event, number int) {
	fmt.Printf("  %s  %-13s  %s #%d", event.Time.Local().Format("15:04:05.000"), event.Type, event.Name, number)
	if event.Worker != "" {
		fmt.Printf("  by %s", event.Worker)
	}
	if event.Attempt > 1 {
		fmt.Printf("  attempt %d", event.Attempt)
	}
	if event.Err != nil {
		fmt.Printf("  %s", event.Err.Message)
	}
	fmt.Println()
}
