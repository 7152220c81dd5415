// Package rockqueue is the client of RockQueue, a durable job queue: push a job, and it is on disk when the call returns.
// Handlers fail, processes die, machines restart; the job is still there.
//
// # Define a job
//
// The arguments of a job are a struct with a Kind; PushOptions are optional:
//
//	type WelcomeEmail struct {
//		To string `json:"to"`
//	}
//
//	func (WelcomeEmail) Kind() string { return "welcome_email" }
//
//	func (WelcomeEmail) PushOptions() rockqueue.PushOptions { return rockqueue.PushOptions{Queue: "mail"} }
//
// # Push
//
//	client, err := rockqueue.NewClient(rockqueue.Config{}) // or rockqueue.Local("./jobs.db")
//	defer client.Close()
//	pushed, err := client.Push(ctx, WelcomeEmail{To: "ada@example.com"}, nil)
//
// Pushes made by many goroutines travel together, so one [Client] serves a whole program.
//
// # Work
//
// A [Worker] works on one kind of job; [Workers] take jobs from the server and run their handlers:
//
//	workers := rockqueue.NewWorkers(client, rockqueue.WorkersConfig{Concurrency: 20})
//	rockqueue.AddWorker(workers, rockqueue.WorkFunc(func(ctx context.Context, job *rockqueue.Job[WelcomeEmail]) error {
//		return send(ctx, job.Args.To)
//	}))
//	err := workers.Run(ctx) // until SIGTERM, or until ctx ends
//
// Jobs run at least once: a worker that dies after its work and before its answer leaves a job that runs again. Give outside
// systems something to tell repeats by, such as Delivery.ID.
//
// # Schedules, flows, limits, webhooks
//
// [Client.Schedules] push jobs again and again, by cron or every so often. [Client.Flows] push graphs of jobs that wait for
// each other, built with [NewFlow]. [Client.Queues] set rates and limits, for whole queues and for groups of jobs;
// [Client.Explain] tells why a job is not running. [Client.Webhooks] send events as HTTP requests, which package
// rockqueuehook receives.
//
// # Errors
//
// Calls that fail return an [Error], to compare with the sentinels of this package by errors.Is. Each call has a deadline and
// is repeated where the contract allows it, under one request id, so that a repeat never makes a second job.
//
// # More
//
// Package rockqueuetest helps to test, rockqueuehttp serves web servers, rockqueuehook receives webhooks, rockqueuepb has
// the messages of the contract for [Client.Raw], and the module otelrockqueue traces pushes and handlers with
// OpenTelemetry.
package rockqueue
