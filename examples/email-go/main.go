// A web app that queues its mails on disk, and a worker that sends them.
//
//	email-go          serves the web app; without --server, it also sends the mails
//	email-go work     sends the mails of a queue server
package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/rockqueue/rockqueue/examples/email-go/shop"
	rockqueue "github.com/rockqueue/rockqueue/sdk-go"
	"github.com/rockqueue/rockqueue/sdk-go/rockqueuehttp"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "email-go:", err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	if len(arguments) > 0 && arguments[0] == "work" {
		return work(arguments[1:])
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return serve(ctx, arguments)
}

// serve serves the web app until ctx ends. Jobs are kept in a folder of this process, or on a queue server with --server.
func serve(ctx context.Context, arguments []string) error {
	flags := flag.NewFlagSet("email-go", flag.ExitOnError)
	server := flags.String("server", "", "`URL` of a queue server, such as rockqueue://127.0.0.1:7655")
	data := flags.String("data", "./jobs.db", "folder of the jobs")
	listen := flags.String("listen", "127.0.0.1:8000", "`address` to listen on; port 0: the system chooses one")
	_ = flags.Parse(arguments)
	settings := shop.QueueSettings{URL: *server}
	if *server == "" {
		settings.URL = "embedded:" + *data
	}

	client, err := rockqueue.NewClient(rockqueue.Config{URL: settings.URL})
	if err != nil {
		return err
	}
	defer client.Close()
	receiver, err := shop.NewReceiver()
	if err != nil {
		return err
	}
	// shown in the README: [serve]
	var workers []*rockqueue.Workers
	if settings.Embedded() {
		if err := shop.PutSchedules(ctx, client); err != nil {
			return err
		}
		workers = append(workers, shop.NewWorkers(client, settings))
	}
	listener, err := net.Listen("tcp", *listen)
	if err != nil {
		return err
	}
	go shop.LimitTenants(ctx, client)
	fmt.Printf("listening on http://%s\n", listener.Addr())
	web := &http.Server{Handler: shop.NewHandler(client, receiver), ReadHeaderTimeout: 10 * time.Second}
	return rockqueuehttp.ServeListener(ctx, web, listener, client, workers...)
	// shown in the README: [/serve]
}

// work sends the mails of a queue server until SIGTERM or Ctrl-C; mails under way are finished first.
func work(arguments []string) error {
	flags := flag.NewFlagSet("email-go work", flag.ExitOnError)
	server := flags.String("server", rockqueue.DefaultURL, "`URL` of the queue server")
	lease := flags.Duration("lease", 30*time.Second, "how long until the mails of a worker gone silent go to another")
	_ = flags.Parse(arguments)
	client, err := rockqueue.NewClient(rockqueue.Config{URL: *server})
	if err != nil {
		return err
	}
	defer client.Close()
	if err := shop.PutSchedules(context.Background(), client); err != nil {
		return err
	}
	fmt.Printf("sending the mails of queue %s at %s\n", shop.Queue, client.URL())
	return shop.NewWorkers(client, shop.QueueSettings{URL: *server, Lease: *lease}).Run(context.Background())
}
