package rockqueue

import (
	"cmp"
	"maps"
	"math"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/rockqueue/rockqueue/sdk-go/rockqueuepb"
)

// DefaultQueue is where jobs go whose arguments and options name no queue.
const DefaultQueue = "default"

// JobArgs are the input of one kind of job: a struct that the codec can write, with a Kind method.
type JobArgs interface {
	// Kind is what workers choose their handler by: [A-Za-z0-9._-]{1,256}, and the same for every value of the type.
	Kind() string
}

// JobArgsWithOptions are arguments that bring options for each of their pushes: their queue, how often to try.
type JobArgsWithOptions interface {
	JobArgs

	// PushOptions are the options; those given to Push win, one by one.
	PushOptions() PushOptions
}

// NamedArgs are arguments for a handler in another program or language: Client.Push(ctx, NamedArgs{"resize", image}, …).
type NamedArgs struct {
	// Name is the kind of job.
	Name string
	// Payload is any value that the codec can write.
	Payload any
}

// Kind returns Name.
func (a NamedArgs) Kind() string { return a.Name }

// NewJob is a job to push: what PushMany takes.
type NewJob struct {
	// Args are the handler's input.
	Args JobArgs
	// Options may be nil.
	Options *PushOptions
}

// PushOptions say what a job wants beside its arguments. The zero value of each field takes the default.
type PushOptions struct {
	// Queue is where the job waits: [A-Za-z0-9._-]{1,128}. The first push makes it. Default: "default".
	Queue string
	// Priority: higher first. Default: 0.
	Priority int32
	// Delay starts the job not before this long after the push. Excludes RunTime.
	Delay time.Duration
	// RunTime starts the job not before this moment. Excludes Delay.
	RunTime time.Time
	// TTL makes the job DEAD (EXPIRED) when it was not started within this long. Excludes ExpireTime. Default: never.
	TTL time.Duration
	// ExpireTime makes the job DEAD (EXPIRED) when it was not started by this moment. Excludes TTL.
	ExpireTime time.Time
	// Timeout is the longest one attempt may run. Default: no limit.
	Timeout time.Duration
	// MaxAttempts makes the job DEAD after this many failures; 1 means no retry. It overrides Retry.MaxAttempts, and with
	// Retry nil keeps the other defaults of RetryPolicy. Default: 3.
	MaxAttempts int32
	// Retry says when a failed attempt is repeated. Default: the queue's policy.
	Retry *RetryPolicy
	// MaxCrashes is how many deliveries may end with the worker gone before the job is DEAD (POISONED). Default: 3.
	MaxCrashes int32
	// Unique lets at most one job at a time hold a key.
	Unique *Unique
	// Group is the tenant, the account, the order that the job belongs to: 1 to 256 bytes. The groups of a queue are
	// served in turn, and may have limits of their own: see Queues.UpdateGroup. Default: none.
	Group string
	// Headers travel with the job beside its payload: trace context, tenant. At most 8 KiB.
	Headers map[string]string
	// Tags are labels to find the job by. At most 32.
	Tags []string
	// CancelGrace is how long a handler may take to stop when the job is cancelled; 0 cancels at once. Default: 10 s.
	CancelGrace *time.Duration
	// Retention is how long the finished job stays readable; 0 removes it at once. Default: the queue's setting.
	Retention *time.Duration
}

// Backoff is how the pause before a retry grows with the number of failures.
type Backoff string

const (
	// BackoffFixed is always Base.
	BackoffFixed Backoff = "fixed"
	// BackoffLinear is Base times the number of failures.
	BackoffLinear Backoff = "linear"
	// BackoffExponential is Base, doubled by each further failure.
	BackoffExponential Backoff = "exponential"
)

// RetryPolicy says when a failed attempt is repeated, and how often.
type RetryPolicy struct {
	// Backoff is the shape of the growth. Default: BackoffExponential.
	Backoff Backoff
	// Base is the first pause; 0 repeats at once. Default: 1 s.
	Base *time.Duration
	// MaxDelay is the longest pause, before jitter. Default: 1 h.
	MaxDelay *time.Duration
	// Jitter is how far chance may stretch or shorten a pause: 0 to 1. Default: 0.1.
	Jitter *float64
	// MaxAttempts makes the job DEAD after this many failures; 1 means no retry. Default: 3.
	MaxAttempts int32
}

// UniqueScope is within what a unique key must be unique.
type UniqueScope string

// UniqueUntil is the point at which a job lets go of its unique key.
type UniqueUntil string

// UniqueConflict is what a push meets that finds its unique key held.
type UniqueConflict string

const (
	// UniqueInQueue is among the jobs of the queue.
	UniqueInQueue UniqueScope = "queue"
	// UniqueInQueueAndName is among the jobs of the queue that have the same name.
	UniqueInQueueAndName UniqueScope = "queue_and_name"

	// UntilFinished holds the key until the job is COMPLETED, DEAD, CANCELLED or deleted.
	UntilFinished UniqueUntil = "finished"
	// UntilStarted holds the key until the first delivery.
	UntilStarted UniqueUntil = "started"

	// ReturnExisting stores nothing: the push returns the holder's id, with Existing set.
	ReturnExisting UniqueConflict = "return_existing"
	// Reject fails the push, and with it its PushMany batch, with ErrUniqueConflict.
	Reject UniqueConflict = "reject"
	// Replace puts payload, headers, priority and start time of this push into the holder (a debounce), unless it is
	// ACTIVE or finished.
	Replace UniqueConflict = "replace"
)

// Unique lets at most one job at a time hold a key.
type Unique struct {
	// Key is 1 to 512 bytes of UTF-8.
	Key string
	// Scope is within what the key must be unique. Default: UniqueInQueue.
	Scope UniqueScope
	// Until is when the job lets go of the key. Default: UntilFinished.
	Until UniqueUntil
	// Window holds the key for this long after the push instead, whatever becomes of the job.
	Window time.Duration
	// OnConflict is what a push meets that finds the key held. Default: ReturnExisting.
	OnConflict UniqueConflict
}

// over returns these options with those of other in front: what other sets wins.
func (o PushOptions) over(other *PushOptions) PushOptions {
	if other == nil {
		return o
	}
	if other.Delay != 0 || !other.RunTime.IsZero() {
		o.Delay, o.RunTime = other.Delay, other.RunTime
	}
	if other.TTL != 0 || !other.ExpireTime.IsZero() {
		o.TTL, o.ExpireTime = other.TTL, other.ExpireTime
	}
	o.Queue = cmp.Or(other.Queue, o.Queue)
	o.Group = cmp.Or(other.Group, o.Group)
	o.Priority = cmp.Or(other.Priority, o.Priority)
	o.Timeout = cmp.Or(other.Timeout, o.Timeout)
	o.MaxAttempts = cmp.Or(other.MaxAttempts, o.MaxAttempts)
	o.Retry = cmp.Or(other.Retry, o.Retry)
	o.MaxCrashes = cmp.Or(other.MaxCrashes, o.MaxCrashes)
	o.Unique = cmp.Or(other.Unique, o.Unique)
	o.CancelGrace = cmp.Or(other.CancelGrace, o.CancelGrace)
	o.Retention = cmp.Or(other.Retention, o.Retention)
	if other.Headers != nil {
		o.Headers = other.Headers
	}
	if other.Tags != nil {
		o.Tags = other.Tags
	}
	return o
}

// buildSpec makes the job as the contract carries it. What only the server can judge is left to it.
func buildSpec(args JobArgs, given *PushOptions, codec Codec) (*rockqueuepb.JobSpec, error) {
	if args == nil {
		return nil, misuse("a job needs arguments; for a kind without any use NamedArgs{Name: …}")
	}
	var payload any = args
	if named, ok := args.(NamedArgs); ok {
		payload = named.Payload
	}
	data, contentType, err := codec.Encode(payload)
	if err != nil {
		return nil, payloadError("this payload cannot be written", err)
	}
	spec := &rockqueuepb.JobSpec{Queue: DefaultQueue, Name: args.Kind(), Payload: data, ContentType: contentType}
	var options PushOptions
	if own, ok := args.(JobArgsWithOptions); ok {
		options = own.PushOptions()
	} else if given == nil {
		return spec, nil
	}
	options = options.over(given)
	if err := options.apply(spec); err != nil {
		return nil, err
	}
	return spec, nil
}

func (o *PushOptions) apply(spec *rockqueuepb.JobSpec) error {
	if o.Delay != 0 && !o.RunTime.IsZero() {
		return misuse("Delay and RunTime exclude each other")
	}
	if o.TTL != 0 && !o.ExpireTime.IsZero() {
		return misuse("TTL and ExpireTime exclude each other")
	}
	spec.Queue, spec.Group = cmp.Or(o.Queue, DefaultQueue), o.Group
	spec.Priority, spec.Headers, spec.Tags = o.Priority, maps.Clone(o.Headers), o.Tags
	if o.Delay != 0 {
		spec.Start = &rockqueuepb.JobSpec_Delay{Delay: durationpb.New(o.Delay)}
	} else if !o.RunTime.IsZero() {
		spec.Start = &rockqueuepb.JobSpec_RunTime{RunTime: timestamppb.New(o.RunTime)}
	}
	if o.TTL != 0 {
		spec.Expiry = &rockqueuepb.JobSpec_Ttl{Ttl: durationpb.New(o.TTL)}
	} else if !o.ExpireTime.IsZero() {
		spec.Expiry = &rockqueuepb.JobSpec_ExpireTime{ExpireTime: timestamppb.New(o.ExpireTime)}
	}
	if o.Timeout != 0 {
		spec.Timeout = durationpb.New(o.Timeout)
	}
	if o.MaxCrashes != 0 {
		spec.MaxCrashes = &o.MaxCrashes
	}
	spec.CancelGrace, spec.Retention = durationOrNil(o.CancelGrace), durationOrNil(o.Retention)
	return o.applyRules(spec)
}

func (o *PushOptions) applyRules(spec *rockqueuepb.JobSpec) (err error) {
	if o.Retry != nil || o.MaxAttempts != 0 {
		var policy RetryPolicy
		if o.Retry != nil {
			policy = *o.Retry
		}
		policy.MaxAttempts = cmp.Or(o.MaxAttempts, policy.MaxAttempts)
		if spec.Retry, err = policy.proto(); err != nil {
			return err
		}
	}
	if o.Unique != nil {
		spec.Unique, err = o.Unique.proto()
	}
	return err
}

func (p *RetryPolicy) proto() (*rockqueuepb.RetryPolicy, error) {
	kind, ok := map[Backoff]rockqueuepb.BackoffKind{
		"":                 rockqueuepb.BackoffKind_BACKOFF_KIND_UNSPECIFIED,
		BackoffFixed:       rockqueuepb.BackoffKind_BACKOFF_KIND_FIXED,
		BackoffLinear:      rockqueuepb.BackoffKind_BACKOFF_KIND_LINEAR,
		BackoffExponential: rockqueuepb.BackoffKind_BACKOFF_KIND_EXPONENTIAL,
	}[p.Backoff]
	if !ok {
		return nil, misuse("Backoff must be fixed, linear or exponential, not %q", p.Backoff)
	}
	policy := &rockqueuepb.RetryPolicy{
		Kind: kind, Base: durationOrNil(p.Base), MaxDelay: durationOrNil(p.MaxDelay), Jitter: p.Jitter,
	}
	if p.MaxAttempts != 0 {
		policy.MaxAttempts = &p.MaxAttempts
	}
	return policy, nil
}

func (u *Unique) proto() (*rockqueuepb.UniqueKey, error) {
	scope, scopeKnown := map[UniqueScope]rockqueuepb.UniqueScope{
		"":                   rockqueuepb.UniqueScope_UNIQUE_SCOPE_QUEUE,
		UniqueInQueue:        rockqueuepb.UniqueScope_UNIQUE_SCOPE_QUEUE,
		UniqueInQueueAndName: rockqueuepb.UniqueScope_UNIQUE_SCOPE_QUEUE_AND_NAME,
	}[u.Scope]
	until, untilKnown := map[UniqueUntil]rockqueuepb.UniqueUntil{
		"":            rockqueuepb.UniqueUntil_UNIQUE_UNTIL_FINISHED,
		UntilFinished: rockqueuepb.UniqueUntil_UNIQUE_UNTIL_FINISHED,
		UntilStarted:  rockqueuepb.UniqueUntil_UNIQUE_UNTIL_STARTED,
	}[u.Until]
	conflict, conflictKnown := map[UniqueConflict]rockqueuepb.UniqueConflict{
		"":             rockqueuepb.UniqueConflict_UNIQUE_CONFLICT_RETURN_EXISTING,
		ReturnExisting: rockqueuepb.UniqueConflict_UNIQUE_CONFLICT_RETURN_EXISTING,
		Reject:         rockqueuepb.UniqueConflict_UNIQUE_CONFLICT_REJECT,
		Replace:        rockqueuepb.UniqueConflict_UNIQUE_CONFLICT_REPLACE,
	}[u.OnConflict]
	switch {
	case !scopeKnown:
		return nil, misuse("Scope must be queue or queue_and_name, not %q", u.Scope)
	case !untilKnown:
		return nil, misuse("Until must be finished or started, not %q", u.Until)
	case !conflictKnown:
		return nil, misuse("OnConflict must be return_existing, reject or replace, not %q", u.OnConflict)
	}
	key := &rockqueuepb.UniqueKey{Key: u.Key, Scope: scope, OnConflict: conflict}
	if u.Window != 0 {
		key.Until = &rockqueuepb.UniqueKey_Window{Window: durationpb.New(u.Window)}
	} else {
		key.Until = &rockqueuepb.UniqueKey_State{State: until}
	}
	return key, nil
}

func durationOrNil(value *time.Duration) *durationpb.Duration {
	if value == nil {
		return nil
	}
	return durationpb.New(*value)
}

// unlessZero leaves a time that is 0 to the server's default.
func unlessZero(value time.Duration) *durationpb.Duration {
	if value == 0 {
		return nil
	}
	return durationpb.New(value)
}

// Pause is how long the server waits before the retry after so many failures (1 for the first): at least and at most,
// because of jitter.
func (p RetryPolicy) Pause(failures int) (shortest, longest time.Duration) {
	const standardJitter = 0.1
	base, most, jitter := time.Second, time.Hour, standardJitter
	if p.Base != nil {
		base = *p.Base
	}
	if p.MaxDelay != nil {
		most = *p.MaxDelay
	}
	if p.Jitter != nil {
		jitter = *p.Jitter
	}
	pause := float64(base)
	switch p.Backoff {
	case BackoffFixed:
	case BackoffLinear:
		pause *= float64(failures)
	case BackoffExponential, "":
		pause *= math.Exp2(float64(failures - 1))
	}
	pause = min(pause, float64(most))
	return time.Duration(math.Round(pause * (1 - jitter))), time.Duration(math.Round(pause * (1 + jitter)))
}
