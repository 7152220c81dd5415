package rockqueue

import (
	"context"
	"errors"
	"maps"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"

	"github.com/rockqueue/rockqueue/sdk-go/rockqueuepb"
)

// errorDomain marks the ErrorInfo of this API among those of proxies and others.
const errorDomain = "rockqueue"

// fromRPC makes an *Error of what gRPC returned, with the reason, metadata and RetryInfo of its details.
func fromRPC(err error) *Error {
	if known, ok := errors.AsType[*Error](err); ok {
		return known
	}
	found, ok := status.FromError(err)
	if !ok {
		found = status.FromContextError(err)
	}
	made := &Error{Code: found.Code(), Message: found.Message(), status: found, cause: err}
	for _, detail := range found.Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			if detail.GetDomain() == errorDomain {
				made.Reason, made.FromServer = detail.GetReason(), true
				made.Metadata = maps.Clone(detail.GetMetadata())
			}
		case *errdetails.RetryInfo:
			made.RetryAfter = detail.GetRetryDelay().AsDuration()
		case *errdetails.BadRequest:
			for _, one := range detail.GetFieldViolations() {
				made.Violations = append(made.Violations, Violation{one.GetField(), one.GetDescription()})
			}
		}
	}
	if made.Metadata == nil {
		made.Metadata = map[string]string{}
	}
	return made
}

// fromEntry makes an *Error of one entry of a batch that was not carried out: the one that a call made for this entry
// alone would have had.
func fromEntry(entry *rockqueuepb.EntryStatus) *Error {
	code := codes.Code(entry.GetCode()) //nolint:gosec // a canonical code
	if code == codes.OK {
		code = codes.Unknown
	}
	made := status.New(code, entry.GetMessage())
	var details []protoadapt.MessageV1
	if entry.GetReason() != "" {
		details = append(details, &errdetails.ErrorInfo{
			Reason: entry.GetReason(), Domain: errorDomain, Metadata: entry.GetMetadata(),
		})
	}
	if entry.GetRetryDelay() != nil {
		details = append(details, &errdetails.RetryInfo{RetryDelay: entry.GetRetryDelay()})
	}
	if len(entry.GetViolations()) > 0 {
		bad := &errdetails.BadRequest{}
		for _, one := range entry.GetViolations() {
			bad.FieldViolations = append(bad.FieldViolations, &errdetails.BadRequest_FieldViolation{
				Field: one.GetField(), Description: one.GetDescription(),
			})
		}
		details = append(details, bad)
	}
	if detailed, err := made.WithDetails(details...); err == nil {
		made = detailed
	}
	return fromRPC(made.Err())
}

// fromContext is the error for a caller who has left, or whose time was up.
func fromContext(ctx context.Context, message string) *Error {
	code := codes.Canceled
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		code = codes.DeadlineExceeded
	}
	return &Error{Code: code, Message: message, Metadata: map[string]string{}, cause: context.Cause(ctx)}
}

// clone returns the same error as a value of its own: one for each of several callers.
func (e *Error) clone() *Error {
	twin := *e
	twin.Metadata = maps.Clone(e.Metadata)
	if twin.Metadata == nil {
		twin.Metadata = map[string]string{}
	}
	return &twin
}
