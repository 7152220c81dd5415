package rockqueue

import (
	"context"
	"fmt"
	"iter"
	"strconv"
	"sync"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/rockqueue/rockqueue/sdk-go/rockqueuepb"
)

const (
	mostFollowUps = 100
	resultBytes   = 1 << 20
	// logLineBytes is what the server keeps of a line.
	logLineBytes = 4 << 10
)

// Delivery is one delivery of a job to this program: what a handler and its middleware know of it. Its methods may be
// called from several goroutines, until the handler has returned.
type Delivery struct {
	// ID is the job's: give it to outside systems to tell repeats by.
	ID string
	// Queue is the job's.
	Queue string
	// Kind is the job's name.
	Kind string
	// Payload is the handler's input as it came. See UnmarshalArgs.
	Payload []byte
	// ContentType is the media type of Payload.
	ContentType string
	// Attempt is the number of this delivery: 1 for the first, strictly growing. Use it as a fencing number outside.
	Attempt int32
	// Failures counts the attempts that failed so far.
	Failures int32
	// Crashes counts the deliveries so far that ended with the worker gone.
	Crashes int32
	// Priority is the job's.
	Priority int32
	// Group is the group that the job belongs to; empty for none.
	Group string
	// Origin is the schedule or the flow that pushed the job; the zero value when a caller did.
	Origin Origin
	// Headers travel with the job beside its payload.
	Headers map[string]string
	// Tags are labels of the job.
	Tags []string
	// CreateTime is when the push was committed.
	CreateTime time.Time

	token   []byte
	timeout time.Duration
	codec   Codec
	home    deliveryHome

	mu                sync.Mutex
	result            []byte
	resultContentType string
	followUps         []*rockqueuepb.JobSpec
}

// deliveryHome is where a delivery's reports go, and how it learns of the worker's end.
type deliveryHome interface {
	report(report *rockqueuepb.JobReport)
	shuttingDown() <-chan struct{}
	parents(ctx context.Context, jobID string) iter.Seq2[*ParentJob, error]
}

func newDelivery(message *rockqueuepb.Delivery, codec Codec, home deliveryHome) *Delivery {
	spec := message.GetSpec()
	return &Delivery{
		ID: message.GetJobId(), Queue: spec.GetQueue(), Kind: spec.GetName(),
		Payload: spec.GetPayload(), ContentType: spec.GetContentType(),
		Attempt: message.GetAttempt(), Failures: message.GetFailures(), Crashes: message.GetCrashes(),
		Priority: spec.GetPriority(), Headers: spec.GetHeaders(), Tags: spec.GetTags(),
		Group: spec.GetGroup(), Origin: originFrom(spec.GetOrigin()), CreateTime: moment(message.GetCreateTime()),
		token: message.GetLeaseToken(), timeout: spec.GetTimeout().AsDuration(), codec: codec, home: home,
	}
}

// UnmarshalArgs stores the job's arguments in the value that into points to. A job whose arguments cannot be read is
// DEAD: trying again would not help.
func (d *Delivery) UnmarshalArgs(into any) error {
	if err := d.codec.Decode(d.Payload, d.ContentType, into); err != nil {
		return NonRetryable(payloadError("the payload cannot be read", err))
	}
	return nil
}

// SetResult gives the job its result, which is stored when the handler returns nil. At most 1 MiB. A result that cannot
// be written, or is too large, is an error that makes the job DEAD when the handler returns it.
func (d *Delivery) SetResult(result any) error {
	data, contentType, err := d.codec.Encode(result)
	if err != nil {
		return NonRetryable(payloadError("the result cannot be written", err))
	}
	if len(data) > resultBytes {
		return NonRetryable(overLimit("result", resultBytes, len(data)))
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.result, d.resultContentType = data, contentType
	return nil
}

// FollowUp pushes a job in the same commit as this one's completion; not at all when this one does not complete. At most
// 100; options may be nil.
func (d *Delivery) FollowUp(args JobArgs, options *PushOptions) error {
	spec, err := buildSpec(args, options, d.codec)
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.followUps) >= mostFollowUps {
		return overLimit("follow_ups", mostFollowUps, len(d.followUps)+1)
	}
	d.followUps = append(d.followUps, spec)
	return nil
}

// Progress reports how far the handler is, 0 to 100, and a line about it; an empty line leaves the last one. It does not
// wait; the server stores at most one report a second. See ProgressMessage for the line alone.
func (d *Delivery) Progress(percent float64, message string) {
	report := &rockqueuepb.JobReport{LeaseToken: d.token, Percent: &percent}
	if message != "" {
		report.Message = &message
	}
	d.home.report(report)
}

// ProgressMessage reports a line about how far the handler is, and leaves the percentage as it was.
func (d *Delivery) ProgressMessage(message string) {
	d.home.report(&rockqueuepb.JobReport{LeaseToken: d.token, Message: &message})
}

// Log logs a line on the job, which Client.Logs reads. It does not wait. Lines are cut at 4 KiB.
func (d *Delivery) Log(text string) {
	d.home.report(&rockqueuepb.JobReport{LeaseToken: d.token, LogLines: []string{cutText(text, logLineBytes)}})
}

// Logf is Log with a format.
func (d *Delivery) Logf(format string, values ...any) { d.Log(fmt.Sprintf(format, values...)) }

// ShuttingDown is closed when the worker drains: finish soon, or return Release. The context ends when the grace is over.
func (d *Delivery) ShuttingDown() <-chan struct{} { return d.home.shuttingDown() }

// String is for logs: kind, id and attempt.
func (d *Delivery) String() string { return fmt.Sprintf("%s %s attempt %d", d.Kind, d.ID, d.Attempt) }

func (d *Delivery) taken() (result []byte, contentType string, followUps []*rockqueuepb.JobSpec) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.result, d.resultContentType, d.followUps
}

func overLimit(field string, limit, actual int) *Error {
	return &Error{
		Code:    codes.InvalidArgument,
		Reason:  reasonLimitExceeded,
		Message: fmt.Sprintf("%s: %d is over the limit of %d", field, actual, limit),
		Metadata: map[string]string{
			metadataField: field, "limit": strconv.Itoa(limit), "actual": strconv.Itoa(actual),
		},
	}
}
