// Package hooks is how the packages beside rockqueue reach what that one does not show to everybody.
package hooks

import "context"

// Beat lets all worker sessions of a *rockqueue.Client send a heartbeat now: a test that turned the server's clock would
// otherwise have workers that have said nothing for long.
var Beat func(client any)

// Trial is what a handler did with a job that it was given without a server.
type Trial struct {
	// Err is what the handler returned.
	Err error
	// Settlement is the *rockqueuepb.Settlement that a worker would send.
	Settlement any
	// Reports are the progress and log lines, as *rockqueuepb.JobReport.
	Reports []any
}

// Try runs a handler on a *rockqueuepb.Delivery; register adds it to a *rockqueue.Workers, and parents are those of the job
// as *rockqueuepb.ParentJob.
var Try func(ctx context.Context, register func(workers any), codec, delivery any, parents []any) (*Trial, error)
