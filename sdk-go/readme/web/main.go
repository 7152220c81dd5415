package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"os/signal"
	"syscall"

	"mail/jobs"

	rockqueue "github.com/rockqueue/rockqueue/sdk-go"
	"github.com/rockqueue/rockqueue/sdk-go/rockqueuehttp"
)

func signup(w http.ResponseWriter, r *http.Request) {
	client, _ := rockqueue.ClientFromContext(r.Context())
	job, err := client.Push(r.Context(), jobs.WelcomeEmail{To: r.FormValue("email")}, nil)
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusAccepted)
	fmt.Fprintln(w, job.ID)
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	client, err := rockqueue.NewClient(rockqueue.Config{URL: jobs.URL})
	if err != nil {
		log.Fatal(err)
	}
	workers := rockqueue.NewWorkers(client, rockqueue.WorkersConfig{Concurrency: 4})
	rockqueue.AddWorker(workers, &jobs.WelcomeWorker{})

	mux := http.NewServeMux()
	mux.HandleFunc("POST /signup", signup)
	server := &http.Server{Addr: "127.0.0.1:8000", Handler: rockqueuehttp.Middleware(client)(mux)}
	if err := rockqueuehttp.Serve(ctx, server, client, workers); err != nil {
		log.Fatal(err)
	}
}
