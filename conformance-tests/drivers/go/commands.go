package main

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	rockqueue "github.com/rockqueue/rockqueue/sdk-go"
	"google.golang.org/protobuf/reflect/protoreflect"

	pb "github.com/rockqueue/rockqueue/conformance-tests/drivers/go/driverpb"
)

const resetTime = 3 * time.Second

var errUnknownName = errors.New("the driver has nothing of this name")

// driver is what the runner has made, by name.
type driver struct {
	frames  *frames
	mu      sync.Mutex
	clients map[string]*rockqueue.Client
	workers map[string]*rockqueue.Workers
	streams map[string]*eventReader
	gates   map[string]chan struct{}
}

func newDriver(out *frames) *driver {
	d := &driver{frames: out}
	d.forget()
	return d
}

func (d *driver) forget() {
	d.clients, d.workers = make(map[string]*rockqueue.Client), make(map[string]*rockqueue.Workers)
	d.streams, d.gates = make(map[string]*eventReader), make(map[string]chan struct{})
}

// begin begins a command. Those that make things are done before the next one begins.
func (d *driver) begin(command *pb.Command) {
	switch made := command.GetCommand().(type) {
	case *pb.Command_OpenClient:
		d.answer(command, func(answer *pb.Answer) error { return d.openClient(made.OpenClient) })
	case *pb.Command_StartWorker:
		d.answer(command, func(answer *pb.Answer) error { return d.startWorker(answer, made.StartWorker) })
	case *pb.Command_OpenGate:
		d.answer(command, func(*pb.Answer) error { open(d.gate(made.OpenGate.GetGate())); return nil })
	case *pb.Command_Push:
		d.beginPushes(command, made.Push)
	default:
		go d.answer(command, func(answer *pb.Answer) error { return d.carryOut(answer, command) })
	}
}

func (d *driver) answer(command *pb.Command, act func(*pb.Answer) error) {
	answer := &pb.Answer{Id: command.GetId(), Result: &pb.Answer_Done{Done: &pb.Done{}}}
	if err := act(answer); err != nil {
		failure := errorOut(err)
		if errors.Is(err, errUnknownName) {
			failure.Kinds = []string{"Unexpected"}
		}
		answer.Result = &pb.Answer_Error{Error: failure}
	}
	d.frames.report(&pb.Report{Report: &pb.Report_Answer{Answer: answer}})
}

// named returns what the runner has made under a name.
func named[T any](d *driver, things map[string]T, name string) (T, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	thing, known := things[name]
	if !known {
		return thing, errUnknownName
	}
	return thing, nil
}

func (d *driver) gate(name string) chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.gates[name] == nil {
		d.gates[name] = make(chan struct{})
	}
	return d.gates[name]
}

var opening sync.Mutex

func open(gate chan struct{}) {
	opening.Lock()
	defer opening.Unlock()
	select {
	case <-gate:
	default:
		close(gate)
	}
}

func (d *driver) openClient(wanted *pb.OpenClient) error {
	config := rockqueue.Config{
		URL: wanted.GetUrl(), Timeout: wanted.GetTimeout().AsDuration(), Linger: wanted.GetLinger().AsDuration(),
		Durability: rockqueue.Durability(wanted.GetDurability()), Logger: slog.New(logObserver{d.frames}),
		Retry: rockqueue.CallRetry{
			MaxAttempts: int(wanted.GetRetry().GetMaxAttempts()), InitialDelay: wanted.GetRetry().GetInitialDelay().AsDuration(),
			MaxDelay:       wanted.GetRetry().GetMaxDelay().AsDuration(),
			AttemptTimeout: wanted.GetRetry().GetAttemptTimeout().AsDuration(),
			MaxServerDelay: wanted.GetRetry().GetMaxServerDelay().AsDuration(),
		},
	}
	if wanted.GetRetry().GetDisabled() {
		config.Retry.MaxAttempts = 1
	}
	client, err := rockqueue.NewClient(config)
	if err == nil {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.clients[wanted.GetClient()] = client
	}
	return err
}

// beginPushes begins its callers in order, and lets the next command begin while they wait.
func (d *driver) beginPushes(command *pb.Command, wanted *pb.Push) {
	client, err := named(d, d.clients, wanted.GetClient())
	jobs, jobsErr := newJobs(wanted.GetJobs(), wanted.GetCopies())
	if err = errors.Join(err, jobsErr); err != nil {
		d.answer(command, func(*pb.Answer) error { return err })
		return
	}
	outcomes, next := make([]*pb.PushOutcome, len(jobs)), make(chan int, len(jobs))
	for index := range jobs {
		next <- index
	}
	close(next)
	callers := int(wanted.GetCallers())
	if callers == 0 {
		callers = len(jobs)
	}
	var group sync.WaitGroup
	group.Add(callers)
	// Each caller lets the next one begin right before its own first push: so they begin in order.
	var begin func(left int)
	begin = func(left int) {
		defer group.Done()
		if left > 1 {
			go begin(left - 1)
		}
		for index := range next {
			pushed, err := client.Push(context.Background(), jobs[index].Args, jobs[index].Options)
			outcomes[index] = pushedOut(pushed)
			if err != nil {
				outcomes[index] = &pb.PushOutcome{Outcome: &pb.PushOutcome_Error{Error: errorOut(err)}}
			}
		}
	}
	if callers > 0 {
		go begin(callers)
	}
	go d.answer(command, func(answer *pb.Answer) error {
		group.Wait()
		answer.Result = &pb.Answer_Pushes{Pushes: &pb.Pushes{Pushes: outcomes}}
		return nil
	})
}

func newJobs(wanted []*pb.NewJob, copies int32) ([]rockqueue.NewJob, error) {
	var jobs []rockqueue.NewJob
	for range max(1, copies) {
		for _, one := range wanted {
			job, err := newJob(one)
			if err != nil {
				return nil, err
			}
			jobs = append(jobs, job)
		}
	}
	return jobs, nil
}

// carryOut is for the commands about workers and streams; those about a client are calls.
func (d *driver) carryOut(answer *pb.Answer, command *pb.Command) error {
	switch wanted := command.GetCommand().(type) {
	case *pb.Command_StopWorker:
		return d.stopWorker(answer, wanted.StopWorker)
	case *pb.Command_GetWorker:
		workers, err := named(d, d.workers, wanted.GetWorker.GetWorker())
		if err == nil {
			answer.Result = statusOf(wanted.GetWorker.GetWorker(), workers)
		}
		return err
	case *pb.Command_ReadEvents:
		reader, err := named(d, d.streams, wanted.ReadEvents.GetEvents())
		if err != nil {
			return err
		}
		return reader.read(answer, wanted.ReadEvents)
	case *pb.Command_CloseEvents:
		reader, err := named(d, d.streams, wanted.CloseEvents.GetEvents())
		if err == nil {
			reader.stream.Close()
			answer.Result = &pb.Answer_Events{Events: &pb.Events{Cursor: reader.stream.Cursor()}}
		}
		return err
	case *pb.Command_Reset_:
		d.reset()
		return nil
	}
	request := command.ProtoReflect().WhichOneof(command.ProtoReflect().Descriptor().Oneofs().ByName("command"))
	if request == nil {
		answer.Result = &pb.Answer_Unsupported{Unsupported: &pb.Done{}}
		return nil
	}
	named, ok := command.ProtoReflect().Get(request).Message().Interface().(interface{ GetClient() string })
	if !ok {
		answer.Result = &pb.Answer_Unsupported{Unsupported: &pb.Done{}}
		return nil
	}
	return d.call(answer, command, named.GetClient())
}

func (d *driver) startWorker(answer *pb.Answer, wanted *pb.StartWorker) error {
	client, err := named(d, d.clients, wanted.GetClient())
	if err != nil {
		return err
	}
	config := rockqueue.WorkersConfig{
		Queues: wanted.GetQueues(), Concurrency: int(wanted.GetConcurrency()), Name: wanted.GetWorker(),
		Lease: wanted.GetLease().AsDuration(), ResumeGrace: durationIn(wanted.GetResumeGrace()),
		Grace: wanted.GetGrace().AsDuration(), StuckAfter: durationIn(wanted.GetStuckAfter()),
	}
	if wanted.Prefetch != nil {
		config.Prefetch = new(int(wanted.GetPrefetch()))
	}
	workers := rockqueue.NewWorkers(client, config)
	for _, one := range wanted.GetHandlers() {
		workers.HandleFunc(one.GetName(), d.handler(one, wanted.GetWorker()))
	}
	d.mu.Lock()
	d.workers[wanted.GetWorker()] = workers
	d.mu.Unlock()
	if wanted.GetUntilSignalled() {
		go func() { _ = workers.Run(context.Background()) }()
	} else if err := workers.Start(context.Background()); err != nil {
		return err
	}
	go func() {
		<-workers.Stopped()
		status := statusOf(wanted.GetWorker(), workers).Worker
		d.frames.observe(&pb.Observation{Observation: &pb.Observation_WorkerEnded{WorkerEnded: status}})
	}()
	answer.Result = statusOf(wanted.GetWorker(), workers)
	return nil
}

func (d *driver) stopWorker(answer *pb.Answer, wanted *pb.StopWorker) error {
	workers, err := named(d, d.workers, wanted.GetWorker())
	if err != nil {
		return err
	}
	ctx := context.Background()
	if wanted.GetGrace() != nil {
		bounded, cancel := context.WithTimeout(ctx, wanted.GetGrace().AsDuration())
		defer cancel()
		ctx = bounded
	}
	_ = workers.Stop(ctx) // What made it fail is in the status.
	answer.Result = statusOf(wanted.GetWorker(), workers)
	return nil
}

func statusOf(name string, workers *rockqueue.Workers) *pb.Answer_Worker {
	status := &pb.WorkerStatus{Worker: name, State: string(workers.State())}
	if err := workers.Err(); err != nil {
		status.Failure = errorOut(err)
	}
	return &pb.Answer_Worker{Worker: status}
}

func (d *driver) reset() {
	d.mu.Lock()
	clients, workers, streams, gates := d.clients, d.workers, d.streams, d.gates
	d.forget()
	d.mu.Unlock()
	for _, gate := range gates {
		open(gate)
	}
	ctx, cancel := context.WithTimeout(context.Background(), resetTime)
	defer cancel()
	var group sync.WaitGroup
	for _, one := range workers {
		group.Go(func() { _ = one.StopAndCancel(ctx) })
	}
	for _, one := range streams {
		one.stream.Close()
	}
	waitFor(&group)
	for _, one := range clients {
		group.Go(func() { _ = one.Close() })
	}
	waitFor(&group)
}

// waitFor waits a while, whatever comes.
func waitFor(group *sync.WaitGroup) {
	done := make(chan struct{})
	go func() {
		group.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(resetTime):
	}
}

// eventReader takes events off a stream only when it is asked to; one that comes too late is the first of the next answer.
type eventReader struct {
	stream  *rockqueue.EventStream
	pending chan taken
}

type taken struct {
	event rockqueue.Event
	err   error
}

func (r *eventReader) read(answer *pb.Answer, wanted *pb.ReadEvents) error {
	events, limit := &pb.Events{}, time.After(wanted.GetTimeout().AsDuration())
	for late := false; !late && len(events.GetEvents()) < int(wanted.GetCount()); {
		if r.pending == nil {
			pending := make(chan taken, 1)
			r.pending = pending
			go func() {
				event, err := r.stream.Next()
				pending <- taken{event, err}
			}()
		}
		select {
		case one := <-r.pending:
			r.pending = nil
			if one.err != nil {
				return one.err
			}
			events.Events = append(events.GetEvents(), eventOut(one.event))
		case <-limit:
			late = true
		}
	}
	events.Cursor = r.stream.Cursor()
	answer.Result = &pb.Answer_Events{Events: events}
	return nil
}

// capabilities are the names of the bools that are true.
func capabilities(message protoreflect.Message) []string {
	var names []string
	message.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		if value.Bool() {
			names = append(names, string(field.Name()))
		}
		return true
	})
	slices.Sort(names)
	return names
}
