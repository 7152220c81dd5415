package rockqueue

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
)

// errAttemptOver is why the context of an attempt ended that had all the time of an attempt.
var errAttemptOver = fmt.Errorf("rockqueue: no answer within the time of an attempt: %w", context.DeadlineExceeded)

// calling is what one logical call brings along.
type calling struct {
	method method
	// requestID is that of the request; empty where it has none.
	requestID string
	timeout   time.Duration
	policy    CallRetry
	// attemptTimeout replaces the policy's for calls that wait at the server.
	attemptTimeout time.Duration
	// finalReason is a reason that is not retried although the policy would.
	finalReason string
}

// backoff is the pause after the n-th failure in a row, 1 for the first; factor is drawn from [0.5, 1.5].
func backoff(failures int, initial, longest time.Duration, factor float64) time.Duration {
	const mostDoublings = 60
	pause := float64(initial) * math.Exp2(float64(min(failures-1, mostDoublings)))
	return time.Duration(min(pause, float64(longest)) * factor)
}

// spread is a random factor that keeps callers who failed together from coming back together.
func spread() float64 {
	return 0.5 + rand.Float64()
}

// pauseBeforeRetry returns how long to wait before the next attempt, and false when the error is final.
func pauseBeforeRetry(policy CallRetry, failures int, err *Error, factor float64) (time.Duration, bool) {
	switch err.Code {
	case codes.ResourceExhausted:
		if err.RetryAfter == 0 {
			return 0, false
		}
	case codes.Unavailable, codes.DeadlineExceeded:
	default:
		return 0, false
	}
	own := backoff(failures, policy.InitialDelay, policy.MaxDelay, factor)
	return max(own, min(err.RetryAfter, policy.MaxServerDelay)), true
}

// retry makes a call, and repeats what may be repeated until ctx ends. It returns the last error, which knows whether
// the outcome is unknown.
func retry(ctx context.Context, call *calling, attempt func(context.Context) error) error {
	parent := ctx
	ctx, cancel := context.WithTimeout(ctx, call.timeout)
	defer cancel()
	repeatable := call.method.repeatable && (call.requestID != "" || !call.method.mutating) && call.policy.MaxAttempts > 1
	unknown := false
	for failures := 1; ; failures++ {
		err := attemptOnce(ctx, call, repeatable, attempt)
		if err == nil {
			return nil
		}
		// A stream that has ended says so itself, whatever its status.
		lost := err.OutcomeUnknown
		unknown = unknown || lost || isOutcomeUnknown(err.Code)
		err.RequestID = call.requestID
		err.OutcomeUnknown = call.method.mutating && unknown && (lost || leavesUnknown(err.Code))
		if parent.Err() != nil {
			return leaving(parent, err)
		}
		if !repeatable || failures >= call.policy.MaxAttempts || (call.finalReason != "" && err.Reason == call.finalReason) {
			return err
		}
		pause, again := pauseBeforeRetry(call.policy, failures, err, spread())
		if deadline, ok := ctx.Deadline(); !again || (ok && time.Until(deadline) <= pause) {
			return err
		}
		if !sleep(ctx, pause) {
			return leaving(parent, err)
		}
	}
}

func attemptOnce(ctx context.Context, call *calling, repeatable bool, attempt func(context.Context) error) *Error {
	longest := call.attemptTimeout
	if longest == 0 {
		longest = call.policy.AttemptTimeout
	}
	if deadline, ok := ctx.Deadline(); repeatable && (!ok || time.Until(deadline) > longest) {
		bounded, cancel := context.WithTimeoutCause(ctx, longest, errAttemptOver)
		defer cancel()
		ctx = bounded
	}
	if err := attempt(ctx); err != nil {
		return fromRPC(err)
	}
	return nil
}

// leaving makes the error say that it was the caller who ended the call, and why.
func leaving(parent context.Context, err *Error) *Error {
	if parent.Err() == nil || err.FromServer {
		return err
	}
	gone := fromContext(parent, err.Message)
	gone.RequestID, gone.OutcomeUnknown = err.RequestID, err.OutcomeUnknown
	gone.cause = errors.Join(context.Cause(parent), err.cause)
	return gone
}

// isOutcomeUnknown tells the codes after which nobody on this side knows whether a call took effect.
func isOutcomeUnknown(code codes.Code) bool {
	switch code {
	case codes.Unavailable, codes.DeadlineExceeded, codes.Canceled, codes.Unknown, codes.Internal:
		return true
	default:
		return false
	}
}

// leavesUnknown: a definite refusal of a repeated request id settles the matter, except one for lack of room, which may
// have been said before the server looked for the earlier answer.
func leavesUnknown(code codes.Code) bool {
	return isOutcomeUnknown(code) || code == codes.ResourceExhausted
}

// sleep waits, and returns false when ctx ended first.
func sleep(ctx context.Context, pause time.Duration) bool {
	if pause <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// calling is a logical call under this client's settings.
func (c *Client) calling(path, requestID string, wanted callOption) *calling {
	call := &calling{
		method:         methodOf(path),
		requestID:      requestID,
		timeout:        c.config.Timeout,
		policy:         c.config.Retry,
		attemptTimeout: wanted.attemptTimeout,
		finalReason:    wanted.finalReason,
	}
	if wanted.timeout > 0 {
		call.timeout = wanted.timeout
	}
	if wanted.once {
		call.policy.MaxAttempts = 1
	}
	return call
}

// callOption carries what a call of this package wants beyond a context.
type callOption struct {
	grpc.EmptyCallOption

	timeout        time.Duration
	attemptTimeout time.Duration
	finalReason    string
	once           bool
	// over is where to note what a stream takes, before it is opened.
	over *route
}
