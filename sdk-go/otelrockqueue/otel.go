// Package otelrockqueue traces pushes and handlers with OpenTelemetry. The trace travels in the headers of the job, so that
// the span of a handler belongs to the trace of the push, in whatever program and language it runs.
//
//	client, err := rockqueue.NewClient(rockqueue.Config{
//		PushMiddleware: []rockqueue.PushMiddleware{otelrockqueue.PushMiddleware(otelrockqueue.Config{})},
//	})
//	workers := rockqueue.NewWorkers(client, rockqueue.WorkersConfig{
//		Middleware: []rockqueue.WorkMiddleware{otelrockqueue.WorkMiddleware(otelrockqueue.Config{})},
//	})
package otelrockqueue

import (
	"context"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	rockqueue "github.com/rockqueue/rockqueue/sdk-go"
	"github.com/rockqueue/rockqueue/sdk-go/rockqueuepb"
)

const scope = "github.com/rockqueue/rockqueue/sdk-go/otelrockqueue"

// Attributes beside those of the semantic conventions for messaging.
const (
	keySystem      = attribute.Key("messaging.system")
	keyOperation   = attribute.Key("messaging.operation.type")
	keyDestination = attribute.Key("messaging.destination.name")
	keyMessageID   = attribute.Key("messaging.message.id")
	keyBatchCount  = attribute.Key("messaging.batch.message_count")
	keyJobName     = attribute.Key("rockqueue.job.name")
	keyJobAttempt  = attribute.Key("rockqueue.job.attempt")
)

// Config says where spans go. The zero value is ready to use.
type Config struct {
	// TracerProvider makes the spans. Default: the global one.
	TracerProvider trace.TracerProvider

	// Propagator writes the trace into the job's headers, and reads it there. Default: the global one.
	Propagator propagation.TextMapPropagator
}

func (c Config) tracer() trace.Tracer {
	provider := c.TracerProvider
	if provider == nil {
		provider = otel.GetTracerProvider()
	}
	return provider.Tracer(scope, trace.WithInstrumentationVersion(rockqueue.Version))
}

func (c Config) propagator() propagation.TextMapPropagator {
	if c.Propagator != nil {
		return c.Propagator
	}
	return otel.GetTextMapPropagator()
}

// PushMiddleware makes a span around each push, and writes it into the headers of its jobs.
func PushMiddleware(config Config) rockqueue.PushMiddleware {
	tracer, propagator := config.tracer(), config.propagator()
	return func(
		ctx context.Context, jobs []*rockqueuepb.JobSpec, push rockqueue.PushFunc,
	) ([]rockqueue.PushedJob, error) {
		name := "push"
		attributes := []attribute.KeyValue{keySystem.String("rockqueue"), keyOperation.String("send")}
		if len(jobs) > 0 {
			name = "push " + jobs[0].GetQueue()
			attributes = append(attributes, keyDestination.String(jobs[0].GetQueue()), keyJobName.String(jobs[0].GetName()))
		}
		if len(jobs) != 1 {
			attributes = append(attributes, keyBatchCount.Int(len(jobs)))
		}
		ctx, span := tracer.Start(ctx, name, trace.WithSpanKind(trace.SpanKindProducer), trace.WithAttributes(attributes...))
		defer span.End()
		for _, job := range jobs {
			if job.Headers == nil {
				job.Headers = make(map[string]string)
			}
			propagator.Inject(ctx, propagation.MapCarrier(job.GetHeaders()))
		}
		pushed, err := push(ctx, jobs)
		if err != nil {
			span.RecordError(err)
			span.SetStatus(codes.Error, err.Error())
		} else if len(pushed) == 1 {
			span.SetAttributes(keyMessageID.String(pushed[0].ID))
		}
		return pushed, err
	}
}

// WorkMiddleware makes a span around each handler, as a child of the push.
func WorkMiddleware(config Config) rockqueue.WorkMiddleware {
	tracer, propagator := config.tracer(), config.propagator()
	return func(ctx context.Context, delivery *rockqueue.Delivery, next rockqueue.HandlerFunc) error {
		ctx = propagator.Extract(ctx, propagation.MapCarrier(delivery.Headers))
		ctx, span := tracer.Start(ctx, "process "+delivery.Queue, trace.WithSpanKind(trace.SpanKindConsumer),
			trace.WithAttributes(
				keySystem.String("rockqueue"), keyOperation.String("process"), keyDestination.String(delivery.Queue),
				keyMessageID.String(delivery.ID), keyJobName.String(delivery.Kind), keyJobAttempt.Int(int(delivery.Attempt)),
			))
		// Also after a panic, which goes on to the worker.
		defer span.End()
		err := next(ctx, delivery)
		if err != nil {
			span.RecordError(err)
			span.SetStatus(codes.Error, err.Error())
		}
		return err
	}
}
