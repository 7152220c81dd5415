package otelrockqueue_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	rockqueue "github.com/rockqueue/rockqueue/sdk-go"
	"github.com/rockqueue/rockqueue/sdk-go/otelrockqueue"
	"github.com/rockqueue/rockqueue/sdk-go/rockqueuetest"
)

func TestMain(m *testing.M) {
	if programs, err := filepath.Abs("../../.venv/bin"); err == nil {
		os.Setenv("PATH", programs+string(os.PathListSeparator)+os.Getenv("PATH"))
	}
	os.Exit(m.Run())
}

func TestTheTraceOfAPushGoesOnInItsHandler(t *testing.T) {
	recorder := tracetest.NewSpanRecorder()
	config := otelrockqueue.Config{
		TracerProvider: sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder)),
		Propagator:     propagation.TraceContext{},
	}
	client := rockqueuetest.NewServer(t).Client(rockqueue.Config{
		PushMiddleware: []rockqueue.PushMiddleware{otelrockqueue.PushMiddleware(config)},
		Logger:         slog.New(slog.DiscardHandler),
	})
	workers := rockqueue.NewWorkers(client, rockqueue.WorkersConfig{
		Queues: []string{"mail"}, Middleware: []rockqueue.WorkMiddleware{otelrockqueue.WorkMiddleware(config)},
	})
	workers.HandleFunc("welcome", func(context.Context, *rockqueue.Delivery) error {
		return rockqueue.NonRetryable(errors.New("no such address"))
	})
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	if err := workers.Start(ctx); err != nil {
		t.Fatal(err)
	}
	pushed, err := client.Push(ctx, rockqueue.NamedArgs{Name: "welcome"}, &rockqueue.PushOptions{Queue: "mail"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Wait(ctx, pushed.ID); err != nil {
		t.Fatal(err)
	}
	if err := workers.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	spans := recorder.Ended()
	if len(spans) != 2 {
		t.Fatalf("expected two spans, got %d", len(spans))
	}
	push, work := spans[0], spans[1]
	if push.SpanKind() != trace.SpanKindProducer {
		// The handler may end before the push has heard of its job.
		push, work = work, push
	}
	if push.Name() != "push mail" || push.SpanKind() != trace.SpanKindProducer {
		t.Fatalf("expected a producer, got %s (%s)", push.Name(), push.SpanKind())
	}
	if work.Name() != "process mail" || work.SpanKind() != trace.SpanKindConsumer {
		t.Fatalf("expected a consumer, got %s (%s)", work.Name(), work.SpanKind())
	}
	if work.Parent().SpanID() != push.SpanContext().SpanID() || work.SpanContext().TraceID() != push.SpanContext().TraceID() {
		t.Fatalf("expected the handler's span to be a child of the push, got %v after %v", work.Parent(), push.SpanContext())
	}
	if work.Status().Code != codes.Error {
		t.Fatalf("expected the failure to be told, got %v", work.Status())
	}
}
