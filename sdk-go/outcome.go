package rockqueue

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/rockqueue/rockqueue/sdk-go/rockqueuepb"
)

// Causes of the end of a handler's context: what context.Cause returns.
var (
	// ErrJobCancelled: the job was cancelled. A handler that returns the context's error settles it as CANCELLED.
	ErrJobCancelled = errors.New("rockqueue: the job was cancelled")
	// ErrJobTimeout: the attempt ran longer than the timeout of the job or of its Worker.
	ErrJobTimeout = errors.New("rockqueue: the attempt ran longer than its timeout")
	// ErrShutdown: the grace of a worker that stops is over. Whatever error the handler returns now, its job is given
	// back, and no attempt is counted.
	ErrShutdown = errors.New("rockqueue: the worker stops")
)

// The server cuts at 256 characters, 8 KiB and 32 KiB; cut here, they do not swell a batch on its way.
const (
	errorTypeBytes    = 256
	errorMessageBytes = 8_000
	errorStackBytes   = 32_000
	settlementBytes   = 4<<20 - 1024

	timeoutType = "TIMEOUT"
	panicType   = "panic"
)

// outcome is an error that says what becomes of a job.
type outcome struct {
	kind  outcomeKind
	delay time.Duration
	err   error
}

type outcomeKind int

const (
	outcomeNonRetryable outcomeKind = iota
	outcomeRetryAfter
	outcomeSnooze
	outcomeRelease
	outcomeCancelled
)

// Error returns the text of the error inside, if there is one.
func (o *outcome) Error() string {
	if o.err != nil {
		return o.err.Error()
	}
	switch o.kind {
	case outcomeNonRetryable:
		return "failed for good"
	case outcomeRetryAfter:
		return fmt.Sprintf("asked to be retried after %s", o.delay)
	case outcomeSnooze:
		return fmt.Sprintf("snoozed for %s", o.delay)
	case outcomeRelease:
		return "given back"
	case outcomeCancelled:
		return ErrJobCancelled.Error()
	default:
		return "settled"
	}
}

// Unwrap returns the error inside.
func (o *outcome) Unwrap() error { return o.err }

// NonRetryable is for a handler to return: the job failed and trying again is of no use. It is DEAD at once.
func NonRetryable(err error) error { return &outcome{kind: outcomeNonRetryable, err: err} }

// RetryAfter is for a handler to return: the attempt failed; try again after this long, if attempts are left.
func RetryAfter(delay time.Duration, err error) error {
	return &outcome{kind: outcomeRetryAfter, delay: delay, err: err}
}

// Snooze is for a handler to return: not now, but after this long. It counts as no attempt.
func Snooze(delay time.Duration) error { return &outcome{kind: outcomeSnooze, delay: delay} }

// Release is for a handler to return: give the job back, with its place in the order. It counts as no attempt.
func Release() error { return &outcome{kind: outcomeRelease} }

// Cancelled is for a handler to return that stopped because it was asked to. Without a cancel request it is a failure.
// The context's error, or its cause, says the same.
func Cancelled() error { return &outcome{kind: outcomeCancelled, err: ErrJobCancelled} }

// panicked is a panic of a handler as an error.
type panicked struct {
	value any
	stack []byte
}

func (p *panicked) Error() string { return fmt.Sprint(p.value) }

// ending is what is known of a handler that has returned.
type ending struct {
	err error
	// cause is why its context ended; nil while it had not.
	cause error
	// asked is true when the job's cancel was requested.
	asked bool
}

// settle says what becomes of a delivery.
func (e *ending) settle(delivery *Delivery) *rockqueuepb.Settlement {
	var said *outcome
	isOutcome := errors.As(e.err, &said)
	switch {
	case e.err == nil:
		return completed(delivery)
	case isOutcome && said.kind == outcomeSnooze:
		return snoozed(delivery.token, said.delay)
	case isOutcome && said.kind == outcomeRelease:
		return released(delivery.token)
	case e.asked && (e.stoppedByContext() || isOutcome && said.kind == outcomeCancelled):
		return cancelled(delivery.token)
	case errors.Is(e.cause, ErrShutdown) && !isOutcome:
		return released(delivery.token)
	}
	fail := &rockqueuepb.Fail{Error: e.describe()}
	if isOutcome && said.kind == outcomeNonRetryable {
		fail.Retry = &rockqueuepb.Fail_Never{Never: true}
	}
	if isOutcome && said.kind == outcomeRetryAfter {
		fail.Retry = &rockqueuepb.Fail_RetryDelay{RetryDelay: durationpb.New(said.delay)}
	}
	return failed(delivery.token, fail)
}

func (e *ending) stoppedByContext() bool {
	return errors.Is(e.err, context.Canceled) || errors.Is(e.err, ErrJobCancelled)
}

// describe says what is stored of an error.
func (e *ending) describe() *rockqueuepb.JobError {
	var own JobError
	var byPointer *JobError
	var known *Error
	var panicking *panicked
	switch {
	case errors.As(e.err, &byPointer):
		own = *byPointer
	case errors.As(e.err, &own):
	case errors.As(e.err, &panicking):
		own = JobError{Type: panicType, Message: panicking.Error(), Stack: string(panicking.stack)}
	case errors.Is(e.err, ErrJobTimeout), errors.Is(e.err, context.DeadlineExceeded) && e.timedOut():
		own = JobError{Type: timeoutType, Message: e.err.Error()}
	case errors.As(e.err, &known) && known.Reason != "":
		own = JobError{Type: known.Reason, Message: e.err.Error()}
	default:
		own = JobError{Type: typeName(e.err), Message: e.err.Error()}
	}
	if own.Stack == "" {
		own.Stack = chain(e.err)
	}
	return &rockqueuepb.JobError{
		Type:    cutText(own.Type, errorTypeBytes),
		Message: cutText(own.Message, errorMessageBytes),
		Stack:   cutStart(own.Stack, errorStackBytes),
	}
}

func (e *ending) timedOut() bool {
	return errors.Is(e.cause, ErrJobTimeout) || errors.Is(e.cause, context.DeadlineExceeded)
}

// typeName is the Go type of the outermost error that is more than a text around another.
func typeName(err error) string {
	for ; err != nil; err = errors.Unwrap(err) {
		name := strings.TrimPrefix(fmt.Sprintf("%T", err), "*")
		if !strings.HasPrefix(name, "errors.") && !strings.HasPrefix(name, "fmt.") && name != "rockqueue.outcome" {
			return name
		}
	}
	return "error"
}

// chain tells the errors inside an error, one a line with its type; with their stack, those that carry one.
func chain(err error) string {
	var lines strings.Builder
	var add func(error)
	add = func(err error) {
		if _, known := err.(*outcome); !known { //nolint:errorlint // the chain is walked here
			layout := "%T: %v\n"
			if _, detailed := err.(fmt.Formatter); detailed {
				layout = "%T: %+v\n"
			}
			fmt.Fprintf(&lines, layout, err, err)
		}
		switch inner := err.(type) { //nolint:errorlint // the chain is walked here
		case interface{ Unwrap() error }:
			if next := inner.Unwrap(); next != nil {
				add(next)
			}
		case interface{ Unwrap() []error }:
			for _, next := range inner.Unwrap() {
				add(next)
			}
		}
	}
	add(err)
	return lines.String()
}

func completed(delivery *Delivery) *rockqueuepb.Settlement {
	result, contentType, followUps := delivery.taken()
	settlement := &rockqueuepb.Settlement{
		LeaseToken: delivery.token,
		Outcome: &rockqueuepb.Settlement_Complete{Complete: &rockqueuepb.Complete{
			Result: result, ResultContentType: contentType, FollowUps: followUps,
		}},
	}
	if len(followUps) > 0 && proto.Size(settlement) > settlementBytes {
		message := fmt.Sprintf("a result with its follow-ups may have %d bytes", settlementBytes)
		return refused(delivery.token, reasonLimitExceeded, message, true)
	}
	return settlement
}

// refused is for an outcome that cannot be stored: the attempt has failed for that reason.
func refused(token []byte, reason, message string, forGood bool) *rockqueuepb.Settlement {
	fail := &rockqueuepb.Fail{
		Error: &rockqueuepb.JobError{Type: reason, Message: cutText(message, errorMessageBytes)},
	}
	if forGood {
		fail.Retry = &rockqueuepb.Fail_Never{Never: true}
	}
	return failed(token, fail)
}

func failed(token []byte, fail *rockqueuepb.Fail) *rockqueuepb.Settlement {
	return &rockqueuepb.Settlement{LeaseToken: token, Outcome: &rockqueuepb.Settlement_Fail{Fail: fail}}
}

func snoozed(token []byte, delay time.Duration) *rockqueuepb.Settlement {
	snooze := &rockqueuepb.Snooze{Delay: durationpb.New(delay)}
	return &rockqueuepb.Settlement{LeaseToken: token, Outcome: &rockqueuepb.Settlement_Snooze{Snooze: snooze}}
}

func released(token []byte) *rockqueuepb.Settlement {
	return &rockqueuepb.Settlement{
		LeaseToken: token, Outcome: &rockqueuepb.Settlement_Release{Release: &rockqueuepb.Release{}},
	}
}

func cancelled(token []byte) *rockqueuepb.Settlement {
	return &rockqueuepb.Settlement{
		LeaseToken: token, Outcome: &rockqueuepb.Settlement_Cancelled{Cancelled: &rockqueuepb.Cancelled{}},
	}
}

// cutText keeps the first bytes of a text, and makes it valid UTF-8, which the contract's strings must be.
func cutText(text string, most int) string {
	if len(text) > most {
		text = text[:most]
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}

// cutStart keeps the last bytes of a text.
func cutStart(text string, most int) string {
	if len(text) > most {
		text = text[len(text)-most:]
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}
