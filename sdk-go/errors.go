package rockqueue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Errors to compare with by errors.Is. Each stands for a reason of the contract, or for a group of them; the error
// itself is an *Error with the details.
var (
	// ErrUsage: an argument or an option makes no sense by itself; nothing was sent. Mend the program.
	ErrUsage = errors.New("rockqueue: wrong use")
	// ErrInvalidRequest: the request is wrong; sending it again will not help.
	ErrInvalidRequest = errors.New("rockqueue: invalid request")
	// ErrLimitExceeded: over a limit that ServerInfo reports. Also an ErrInvalidRequest.
	ErrLimitExceeded = errors.New("rockqueue: limit exceeded")
	// ErrPayload: a payload or result cannot be written or read by the codec. Also an ErrInvalidRequest.
	ErrPayload = errors.New("rockqueue: payload cannot be written or read")
	// ErrNotFound: what was named does not exist.
	ErrNotFound = errors.New("rockqueue: not found")
	// ErrJobNotFound: the job never existed, was deleted, or its retention has passed. Also an ErrNotFound.
	ErrJobNotFound = errors.New("rockqueue: job not found")
	// ErrQueueNotFound: the first push makes a queue. Also an ErrNotFound.
	ErrQueueNotFound = errors.New("rockqueue: queue not found")
	// ErrScheduleNotFound: no schedule has this name. Also an ErrNotFound.
	ErrScheduleNotFound = errors.New("rockqueue: schedule not found")
	// ErrFlowNotFound: the flow never existed, or was finished more than 7 days ago. Also an ErrNotFound.
	ErrFlowNotFound = errors.New("rockqueue: flow not found")
	// ErrFlowCycle: the jobs of a flow wait for each other in a circle; Metadata["cycle"] names it. Nothing was stored. Also
	// an ErrInvalidRequest.
	ErrFlowCycle = errors.New("rockqueue: the jobs of the flow wait for each other")
	// ErrWebhookNotFound: no webhook has this name. Also an ErrNotFound.
	ErrWebhookNotFound = errors.New("rockqueue: webhook not found")
	// ErrWebhookDeliveryNotFound: the webhook has no delivery of this id in its log. Also an ErrNotFound.
	ErrWebhookDeliveryNotFound = errors.New("rockqueue: webhook delivery not found")
	// ErrBackupExists: there is a backup of this name.
	ErrBackupExists = errors.New("rockqueue: there is a backup of this name")
	// ErrBackupsOff: the server was started without a place for backups (--backup-dir).
	ErrBackupsOff = errors.New("rockqueue: the server has no place for backups")
	// ErrInvalidState: the job's state does not allow it; Metadata["state"] is the state it is in.
	ErrInvalidState = errors.New("rockqueue: the job's state does not allow it")
	// ErrLeaseLost: the lease ran out, was settled otherwise, or belongs to an older attempt. It is also the cause of a
	// handler's context that ends for that.
	ErrLeaseLost = errors.New("rockqueue: lease lost")
	// ErrUniqueConflict: another job holds the unique key; Metadata["job_id"] is its id. Nothing was stored.
	ErrUniqueConflict = errors.New("rockqueue: another job holds the unique key")
	// ErrResourceExhausted: the server refuses for now; nothing was stored. Waiting helps.
	ErrResourceExhausted = errors.New("rockqueue: the server refuses for now")
	// ErrQueueFull: the queue's MaxBacklogJobs or MaxBacklogBytes would be passed; the error's Metadata["setting"] says
	// which. Also an ErrResourceExhausted.
	ErrQueueFull = errors.New("rockqueue: queue full")
	// ErrStorageFull: the server's disk has too little free space to take in jobs. Also an ErrResourceExhausted.
	ErrStorageFull = errors.New("rockqueue: storage full")
	// ErrOverloaded: more is waiting to be written than the server is willing to hold. Also an ErrResourceExhausted.
	ErrOverloaded = errors.New("rockqueue: server overloaded")
	// ErrCursorExpired: the events after this cursor are no longer kept; Metadata["earliest_cursor"] is the first that is.
	ErrCursorExpired = errors.New("rockqueue: cursor expired")
	// ErrUnavailable: no answer; the server is down, going down, or out of reach.
	ErrUnavailable = errors.New("rockqueue: server unavailable")
	// ErrServer: a defect of the server, or an answer that this version does not know.
	ErrServer = errors.New("rockqueue: server error")
	// ErrJobFailed: the job that was waited for is DEAD or CANCELLED; the error is a *JobFailedError.
	ErrJobFailed = errors.New("rockqueue: job failed")
	// ErrLocalServer: the server of an "embedded:" store cannot be started; the message says what to do.
	ErrLocalServer = errors.New("rockqueue: the local server cannot be started")
	// ErrClientClosed: the client was closed; make a new one.
	ErrClientClosed = errors.New("rockqueue: the client is closed")
)

// errNone is no error that anybody has.
var errNone = errors.New("rockqueue: none")

// Reasons that this side tells of, too; PAYLOAD_ERROR and those after it are not the contract's.
const (
	reasonInvalidField  = "INVALID_FIELD"
	reasonLimitExceeded = "LIMIT_EXCEEDED"

	metadataField = "field"

	reasonPayload     = "PAYLOAD_ERROR"
	reasonClosed      = "CLIENT_CLOSED"
	reasonLocalServer = "LOCAL_SERVER"
)

// Error is a call that failed. errors.Is compares it with the sentinels of this package, with context.Canceled and
// context.DeadlineExceeded; status.FromError gives its gRPC status with all details.
type Error struct {
	// Code is the canonical gRPC code.
	Code codes.Code
	// Reason is stable ("JOB_NOT_FOUND"): a name of rockqueuepb.ErrorReason without its prefix. Empty when there is none.
	Reason string
	// Message is for people, and may change.
	Message string
	// Metadata is what varies in the message, by stable keys: "job_id", "state", "queue", "field", "limit".
	Metadata map[string]string
	// Violations name the fields at fault.
	Violations []Violation
	// RequestID is the id of the logical call, the same in each of its attempts. Empty for reads.
	RequestID string
	// FromServer is true when a RockQueue server said so, and false when it was found out on this side.
	FromServer bool
	// OutcomeUnknown is true when a change may or may not have happened.
	OutcomeUnknown bool
	// RetryAfter is how long the server suggests to wait; 0 when it does not.
	RetryAfter time.Duration

	status *status.Status
	cause  error
}

// Violation is a field of a request and what is allowed there.
type Violation struct {
	// Field is a proto field path, such as "jobs[3].queue".
	Field string
	// Description is for people.
	Description string
}

// Error returns the message, behind what makes a log line worth searching for.
func (e *Error) Error() string {
	message := e.Message
	if message == "" {
		message = "no message"
	}
	label := e.Reason
	if label == "" {
		label = e.Code.String()
	}
	unknown := ""
	if e.OutcomeUnknown {
		unknown = " (the change may have happened)"
	}
	return fmt.Sprintf("rockqueue: %s: %s%s", label, message, unknown)
}

// Unwrap returns what led to the error, if that is known.
func (e *Error) Unwrap() error { return e.cause }

// GRPCStatus makes status.FromError and status.Code work.
func (e *Error) GRPCStatus() *status.Status {
	if e.status != nil {
		return e.status
	}
	return status.New(e.Code, e.Message)
}

// Is compares with the sentinels of this package and of package context.
func (e *Error) Is(wanted error) bool {
	if kinds, known := kindsByReason[e.Reason]; known {
		// Its code says nothing more about the kind, except that time ran out or the caller left.
		return slices.Contains(kinds, wanted) || byContext(e.Code) == wanted
	}
	if isServerFault(e.Code) {
		return wanted == ErrServer
	}
	return kindByCode[e.Code] == wanted || byContext(e.Code) == wanted
}

// byContext is what package context calls the code; an error that equals nothing for the others.
func byContext(code codes.Code) error {
	switch code {
	case codes.Canceled:
		return context.Canceled
	case codes.DeadlineExceeded:
		return context.DeadlineExceeded
	default:
		return errNone
	}
}

// isServerFault tells codes that stand for nothing a caller could know, as the contract asks for unknown reasons.
func isServerFault(code codes.Code) bool {
	_, known := kindByCode[code]
	return !known && code != codes.Canceled && code != codes.DeadlineExceeded
}

// kindsByReason maps reasons to the errors that stand for them, the special one first.
var kindsByReason = map[string][]error{
	reasonInvalidField:           {ErrInvalidRequest},
	reasonLimitExceeded:          {ErrLimitExceeded, ErrInvalidRequest},
	"REQUEST_ID_REUSED":          {ErrInvalidRequest},
	"JOB_NOT_FOUND":              {ErrJobNotFound, ErrNotFound},
	"SCHEDULE_NOT_FOUND":         {ErrScheduleNotFound, ErrNotFound},
	"FLOW_NOT_FOUND":             {ErrFlowNotFound, ErrNotFound},
	"FLOW_CYCLE":                 {ErrFlowCycle, ErrInvalidRequest},
	"WEBHOOK_NOT_FOUND":          {ErrWebhookNotFound, ErrNotFound},
	"WEBHOOK_DELIVERY_NOT_FOUND": {ErrWebhookDeliveryNotFound, ErrNotFound},
	"BACKUP_EXISTS":              {ErrBackupExists},
	"BACKUPS_OFF":                {ErrBackupsOff},
	"QUEUE_NOT_FOUND":            {ErrQueueNotFound, ErrNotFound},
	"INVALID_STATE":              {ErrInvalidState},
	"LEASE_LOST":                 {ErrLeaseLost},
	"UNIQUE_CONFLICT":            {ErrUniqueConflict},
	"QUEUE_FULL":                 {ErrQueueFull, ErrResourceExhausted},
	"STORAGE_FULL":               {ErrStorageFull, ErrResourceExhausted},
	"OVERLOADED":                 {ErrOverloaded, ErrResourceExhausted},
	"CURSOR_EXPIRED":             {ErrCursorExpired},
	"SHUTTING_DOWN":              {ErrUnavailable},
	"STORAGE_FAILED":             {ErrUnavailable},
	"SLOW_READER":                {ErrUnavailable},
	"INTERNAL":                   {ErrServer},
	"PROTOCOL_VIOLATION":         {ErrServer},
	"SESSION_TAKEN":              {ErrServer},
	reasonPayload:                {ErrPayload, ErrInvalidRequest},
	reasonClosed:                 {ErrClientClosed},
	reasonLocalServer:            {ErrLocalServer},
}

// kindByCode is for errors without a reason, or with one that this version does not know.
var kindByCode = map[codes.Code]error{
	codes.InvalidArgument:    ErrInvalidRequest,
	codes.NotFound:           ErrNotFound,
	codes.FailedPrecondition: ErrInvalidState,
	codes.AlreadyExists:      ErrUniqueConflict,
	codes.ResourceExhausted:  ErrResourceExhausted,
	codes.OutOfRange:         ErrCursorExpired,
	codes.Unavailable:        ErrUnavailable,
}

// JobFailedError says that a job one waited for has ended without completing.
type JobFailedError struct {
	// Job is the job as it ended.
	Job *JobInfo
}

// Error tells how the job ended, and its last error.
func (e *JobFailedError) Error() string {
	why := ""
	if e.Job.DeadReason != "" {
		why = fmt.Sprintf(" (%s)", e.Job.DeadReason)
	}
	last := ""
	if count := len(e.Job.Errors); count > 0 {
		last = ": " + e.Job.Errors[count-1].Err.Error()
	}
	return fmt.Sprintf("rockqueue: job %s is %s%s%s", e.Job.ID, e.Job.State, why, last)
}

// Is compares with ErrJobFailed.
func (e *JobFailedError) Is(wanted error) bool { return wanted == ErrJobFailed }

func closedError() *Error {
	return &Error{
		Code: codes.Canceled, Reason: reasonClosed, Message: "the client is closed; make a new one",
		Metadata: map[string]string{},
	}
}

// misuse is the error for arguments that make no sense by themselves.
func misuse(format string, values ...any) error {
	return fmt.Errorf("%w: %w", ErrUsage, fmt.Errorf(format, values...))
}
