// The demo as a command: it queues mails, sends some, kills the app with -9, starts it again on the same files, and counts
// what arrived. The exit code is 0 only if every row of the books holds.
//
//	demo PROGRAM          plays the demo with the web app PROGRAM
//	demo mail-server      runs a mail server on port 2525 that shows what it is sent
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/rockqueue/rockqueue/examples/email-go/smtpsink"
)

const (
	signups      = 15
	resets       = 5
	laterSignups = 5
	killAfter    = 6
	refusedShare = 0.2
	smtpPause    = 250 * time.Millisecond
	patience     = 25 * time.Second
	pollEvery    = 50 * time.Millisecond
)

type figures map[string]float64

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	switch {
	case len(arguments) != 1:
		return errors.New("usage: demo PROGRAM, or demo mail-server")
	case arguments[0] == "mail-server":
		return serveMail(ctx)
	}
	folder, err := os.MkdirTemp("", "rockqueue-email-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	counted, err := play(ctx, arguments[0], filepath.Join(folder, "jobs.db"))
	if err != nil {
		return err
	}
	return show(closeBooks(*counted))
}

// serveMail takes mail until ctx ends.
func serveMail(ctx context.Context) error {
	sink, err := smtpsink.Start(smtpsink.Options{Address: "127.0.0.1:2525", Accepted: showMail})
	if err != nil {
		return err
	}
	defer sink.Close()
	fmt.Println("taking mail at", sink.Address())
	<-ctx.Done()
	return nil
}

func play(ctx context.Context, program, store string) (*counted, error) {
	sink, err := smtpsink.Start(smtpsink.Options{
		Share: refusedShare, Seed: 1, Pause: smtpPause, Accepted: showMail,
	})
	if err != nil {
		return nil, err
	}
	defer sink.Close()
	people := new(visitors)
	if err := workAndKill(ctx, program, store, sink, people); err != nil {
		return nil, err
	}
	before := len(people.acknowledged)
	left, err := examine(ctx, store)
	if err != nil {
		return nil, err
	}
	sayf("left on disk: %d mails", left.Jobs)

	app, err := startApp(program, store, sink.Address())
	if err != nil {
		return nil, err
	}
	defer app.stop()
	dead, err := goOn(ctx, app, people)
	if err != nil {
		return nil, err
	}
	return &counted{people.acknowledged, before, people.unanswered, sink.Arrivals(), dead, *left}, nil
}

// workAndKill lets visitors ask for mails, and kills the app while it sends them.
func workAndKill(ctx context.Context, program, store string, sink *smtpsink.Sink, people *visitors) error {
	app, err := startApp(program, store, sink.Address())
	if err != nil {
		return err
	}
	defer app.kill()
	people.visit(ctx, app, "signup", signups)
	people.visit(ctx, app, "reset-password", resets)
	sayf("%d requests were answered with 202: their mails are on disk, resets go first", len(people.acknowledged))
	err = until(ctx, app, "the first mails", func(now figures) bool { return now["completed"] >= killAfter })
	if err != nil {
		return err
	}
	sayf("kill -9 %d, the app, while it sends", app.command.Process.Pid)
	return nil
}

// goOn lets more visitors ask, and returns the dead letters when the queue has run empty.
func goOn(ctx context.Context, app *app, people *visitors) ([]string, error) {
	now := figures{}
	if err := app.get(ctx, "/stats", &now); err != nil {
		return nil, err
	}
	sayf("started again on the same files: %s", now)
	people.visit(ctx, app, "signup", laterSignups)
	sayf("%d more signups; old and new mails are sent side by side", laterSignups)
	err := until(ctx, app, "sending the rest", func(now figures) bool {
		return now["waiting"]+now["delayed"]+now["active"] == 0
	})
	if err != nil {
		return nil, err
	}
	var letters []struct {
		JobID string `json:"job_id"`
	}
	if err := app.get(ctx, "/dead-letters", &letters); err != nil {
		return nil, err
	}
	var dead []string
	for _, letter := range letters {
		dead = append(dead, letter.JobID)
	}
	return dead, nil
}

// until asks the app for its figures until they are as wanted.
func until(ctx context.Context, app *app, what string, reached func(figures) bool) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	for {
		now := figures{}
		if err := app.get(ctx, "/stats", &now); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		if reached(now) {
			return nil
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return fmt.Errorf("%s: not done within %s: %s", what, patience, now)
		}
	}
}

func (f figures) String() string {
	var held []string
	for state, count := range f {
		if count > 0 && state != "oldest_age_s" {
			held = append(held, fmt.Sprintf("%.0f %s", count, state))
		}
	}
	slices.Sort(held)
	return strings.Join(held, ", ")
}

func showMail(mail smtpsink.Arrival) {
	fmt.Printf("  mail to %s: %s", mail.Recipient, mail.Subject)
	if mail.Attempt > 1 {
		fmt.Printf(" (attempt %d)", mail.Attempt)
	}
	fmt.Println()
}

func sayf(format string, values ...any) {
	fmt.Printf("* "+format+"\n", values...)
}

func show(rows []row) error {
	fmt.Println("\nThe books")
	for _, row := range rows {
		fmt.Printf("  %-5s %-30s %3d  %s\n", row.verdict, row.what, row.count, row.note)
	}
	passed, failed := sum(rows)
	if failed == 0 {
		fmt.Println("\nNothing was lost: every acknowledged mail has arrived or is in the dead letters.")
	}
	fmt.Printf("%d passed, %d failed\n", passed, failed)
	if failed > 0 {
		return errors.New("the promise was broken: see the rows marked above")
	}
	return nil
}
