package rockqueuetest

import (
	"context"
	"testing"

	rockqueue "github.com/rockqueue/rockqueue/sdk-go"
)

// Pushed is a job that was found, with its arguments.
type Pushed[T rockqueue.JobArgs] struct {
	*rockqueue.JobInfo

	// Args are the job's arguments.
	Args T
}

// RequirePushed returns the one job of T's kind that matches the filter, whose Name need not be set. None, or more than
// one, fails the test.
func RequirePushed[T rockqueue.JobArgs](
	ctx context.Context, tb testing.TB, client *rockqueue.Client, filter rockqueue.JobFilter,
) Pushed[T] {
	tb.Helper()
	found := AllPushed[T](ctx, tb, client, filter)
	if len(found) != 1 {
		tb.Fatalf("expected one job of kind %q that matches %+v, found %d", kindOf[T](), filter, len(found))
	}
	return found[0]
}

// RequireNotPushed fails the test when there is a job of T's kind that matches the filter.
func RequireNotPushed[T rockqueue.JobArgs](
	ctx context.Context, tb testing.TB, client *rockqueue.Client, filter rockqueue.JobFilter,
) {
	tb.Helper()
	if found := AllPushed[T](ctx, tb, client, filter); len(found) > 0 {
		tb.Fatalf("expected no job of kind %q that matches %+v, found %d: %v", kindOf[T](), filter, len(found), found[0])
	}
}

// AllPushed returns all jobs of T's kind that match the filter, oldest first.
func AllPushed[T rockqueue.JobArgs](
	ctx context.Context, tb testing.TB, client *rockqueue.Client, filter rockqueue.JobFilter,
) []Pushed[T] {
	tb.Helper()
	filter.Name = kindOf[T]()
	var found []Pushed[T]
	for job, err := range client.List(ctx, filter, &rockqueue.ListOptions{IncludePayload: true}) {
		if err != nil {
			tb.Fatalf("rockqueuetest: listing the jobs: %v", err)
		}
		one := Pushed[T]{JobInfo: job}
		if err := job.UnmarshalArgs(&one.Args); err != nil {
			tb.Fatalf("rockqueuetest: %v", err)
		}
		found = append(found, one)
	}
	return found
}

func kindOf[T rockqueue.JobArgs]() string {
	var args T
	return args.Kind()
}
