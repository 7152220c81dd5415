package main

import (
	"context"
	"iter"

	rockqueue "github.com/rockqueue/rockqueue/sdk-go"
	"google.golang.org/protobuf/types/known/durationpb"

	pb "github.com/rockqueue/rockqueue/conformance-tests/drivers/go/driverpb"
)

// call makes one public call of a client.
func (d *driver) call(answer *pb.Answer, command *pb.Command, client string) (err error) {
	c, err := named(d, d.clients, client)
	if err != nil {
		return err
	}
	ctx := context.Background()
	switch wanted := command.GetCommand().(type) {
	case *pb.Command_CloseClient:
		return c.Close()
	case *pb.Command_PushMany:
		return pushMany(answer, c, wanted.PushMany)
	case *pb.Command_GetJob:
		job, err := c.Get(ctx, wanted.GetJob.GetJobId())
		return answerJob(answer, job, err)
	case *pb.Command_WaitJob:
		ctx, cancel := within(wanted.WaitJob.GetTimeout())
		defer cancel()
		job, err := c.Wait(ctx, wanted.WaitJob.GetJobId())
		return answerJob(answer, job, err)
	case *pb.Command_GetResult:
		ctx, cancel := within(wanted.GetResult.GetTimeout())
		defer cancel()
		result, err := rockqueue.Result[any](ctx, c, wanted.GetResult.GetJobId())
		answer.Result = &pb.Answer_Value{Value: valueOut(func(into any) error { *into.(*any) = result; return nil })}
		return err
	case *pb.Command_GetLogs:
		logs, err := c.Logs(ctx, wanted.GetLogs.GetJobId())
		if err == nil {
			out := &pb.Logs{Dropped: logs.Dropped}
			for _, line := range logs.Lines {
				out.Lines = append(out.Lines, &pb.LogLine{Text: line.Text, Attempt: line.Attempt})
			}
			answer.Result = &pb.Answer_Logs{Logs: out}
		}
		return err
	case *pb.Command_ListJobs:
		options := &rockqueue.ListOptions{
			NewestFirst: wanted.ListJobs.GetNewestFirst(), IncludePayload: wanted.ListJobs.GetIncludePayload(),
			PageSize: wanted.ListJobs.GetPageSize(),
		}
		found := c.List(ctx, filterIn(wanted.ListJobs.GetFilter()), options)
		jobs, err := collect(found, int(wanted.ListJobs.GetLimit()), jobOut)
		answer.Result = &pb.Answer_Jobs{Jobs: &pb.Jobs{Jobs: jobs}}
		return err
	case *pb.Command_ChangeJobs:
		changed, err := change(ctx, c, wanted.ChangeJobs)
		answer.Result = &pb.Answer_Changed{Changed: changed}
		return err
	case *pb.Command_GetServerInfo:
		info, err := c.ServerInfo(ctx)
		if err == nil {
			answer.Result = &pb.Answer_ServerInfo{ServerInfo: &pb.ServerInfo{
				Version: info.Version, Capabilities: capabilities(info.Capabilities.ProtoReflect()),
				PayloadBytes: info.Limits.GetPayloadBytes(), BatchEntries: info.Limits.GetBatchEntries(),
				BatchBytes: info.Limits.GetBatchBytes(), ServerTime: timeOut(info.Time),
			}}
		}
		return err
	case *pb.Command_Call:
		return ask(answer, c, wanted.Call)
	case *pb.Command_OpenEvents:
		return d.openEvents(c, wanted.OpenEvents)
	}
	return callQueues(ctx, answer, command, c.Queues())
}

func callQueues(ctx context.Context, answer *pb.Answer, command *pb.Command, queues rockqueue.Queues) error {
	var queue *rockqueue.Queue
	var err error
	switch wanted := command.GetCommand().(type) {
	case *pb.Command_ListQueues:
		found, err := collect(queues.List(ctx, wanted.ListQueues.GetPrefix()), 0, queueOut)
		answer.Result = &pb.Answer_Queues{Queues: &pb.Queues{Queues: found}}
		return err
	case *pb.Command_PurgeQueue:
		var states []rockqueue.JobState
		for _, state := range wanted.PurgeQueue.GetStates() {
			states = append(states, rockqueue.JobState(state))
		}
		purged, err := queues.Purge(ctx, wanted.PurgeQueue.GetQueue(), states...)
		answer.Result = &pb.Answer_Changed{Changed: &pb.Changed{Affected: purged}}
		return err
	case *pb.Command_GetQueue:
		queue, err = queues.Get(ctx, wanted.GetQueue.GetQueue())
	case *pb.Command_PauseQueue:
		queue, err = queues.Pause(ctx, wanted.PauseQueue.GetQueue())
	case *pb.Command_ResumeQueue:
		queue, err = queues.Resume(ctx, wanted.ResumeQueue.GetQueue())
	case *pb.Command_UpdateQueue:
		given := wanted.UpdateQueue
		queue, err = queues.Update(ctx, given.GetQueue(), rockqueue.QueueSettings{
			DefaultRetry: policyIn(given.GetDefaultRetry()), DefaultLease: durationIn(given.GetDefaultLease()),
			CompletedRetention: durationIn(given.GetCompletedRetention()), DeadRetention: durationIn(given.GetDeadRetention()),
			CancelledRetention: durationIn(given.GetCancelledRetention()),
			MaxActive:          given.MaxActive, MaxBacklogJobs: given.MaxBacklogJobs, MaxBacklogBytes: given.MaxBacklogBytes,
			Rate: rateIn(given.GetRate()), GroupMaxActive: given.GroupMaxActive, GroupRate: rateIn(given.GetGroupRate()),
		}, given.GetReset_()...)
	default:
		answer.Result = &pb.Answer_Unsupported{Unsupported: &pb.Done{}}
		return nil
	}
	if err == nil {
		answer.Result = &pb.Answer_Queue{Queue: queueOut(queue)}
	}
	return err
}

func pushMany(answer *pb.Answer, client *rockqueue.Client, wanted *pb.PushMany) error {
	jobs, err := newJobs(wanted.GetJobs(), wanted.GetCopies())
	if err != nil {
		return err
	}
	ctx, cancel := within(wanted.GetTimeout())
	defer cancel()
	options := &rockqueue.PushManyOptions{Durability: rockqueue.Durability(wanted.GetDurability())}
	pushed, err := client.PushMany(ctx, jobs, options)
	out := &pb.Pushes{}
	for _, one := range pushed {
		out.Pushes = append(out.Pushes, pushedOut(one))
	}
	answer.Result = &pb.Answer_Pushes{Pushes: out}
	return err
}

func change(ctx context.Context, client *rockqueue.Client, wanted *pb.ChangeJobs) (*pb.Changed, error) {
	var affected int64
	var result *rockqueue.BulkResult
	var err error
	reports := int32(0)
	progress := func(int64) { reports++ }
	filter := filterIn(wanted.GetFilter())
	bulk := &rockqueue.BulkOptions{DryRun: wanted.GetDryRun(), OnProgress: progress}
	into := &rockqueue.RetryOptions{IntoQueue: wanted.GetIntoQueue(), DryRun: wanted.GetDryRun(), OnProgress: progress}
	one, ids := wanted.GetJobId(), wanted.GetJobs().GetIds()
	switch target, kind := wanted.GetTarget(), wanted.GetChange(); target.(type) {
	case *pb.ChangeJobs_JobId:
		err = map[pb.Change]func() error{
			pb.Change_CHANGE_CANCEL: func() error { return client.Cancel(ctx, one) },
			pb.Change_CHANGE_RETRY:  func() error { return client.Retry(ctx, one, into) },
			pb.Change_CHANGE_DELETE: func() error { return client.Delete(ctx, one) },
		}[kind]()
	case *pb.ChangeJobs_Jobs:
		result, err = map[pb.Change]func() (*rockqueue.BulkResult, error){
			pb.Change_CHANGE_CANCEL: func() (*rockqueue.BulkResult, error) { return client.CancelMany(ctx, ids) },
			pb.Change_CHANGE_RETRY:  func() (*rockqueue.BulkResult, error) { return client.RetryMany(ctx, ids, into) },
			pb.Change_CHANGE_DELETE: func() (*rockqueue.BulkResult, error) { return client.DeleteMany(ctx, ids) },
		}[kind]()
	default:
		affected, err = map[pb.Change]func() (int64, error){
			pb.Change_CHANGE_CANCEL: func() (int64, error) { return client.CancelAll(ctx, filter, bulk) },
			pb.Change_CHANGE_RETRY:  func() (int64, error) { return client.RetryAll(ctx, filter, into) },
			pb.Change_CHANGE_DELETE: func() (int64, error) { return client.DeleteAll(ctx, filter, bulk) },
		}[kind]()
	}
	changed := &pb.Changed{Affected: affected, ProgressReports: reports}
	if result != nil {
		changed.Affected, changed.Failures = result.Affected, make(map[string]*pb.Error)
		for id, failure := range result.Failures {
			changed.Failures[id] = errorOut(failure)
		}
	}
	return changed, err
}

func (d *driver) openEvents(client *rockqueue.Client, wanted *pb.OpenEvents) error {
	options := rockqueue.EventOptions{
		Queues: wanted.GetQueues(), Names: wanted.GetNames(), JobIDs: wanted.GetJobIds(), After: wanted.GetAfter(),
		FromBeginning: wanted.GetBeginning(), FlowIDs: wanted.GetFlowIds(), Schedules: wanted.GetSchedules(),
	}
	for _, kind := range wanted.GetTypes() {
		options.Types = append(options.Types, rockqueue.EventType(kind))
	}
	stream, err := client.Watch(context.Background(), options)
	if err == nil {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.streams[wanted.GetEvents()] = &eventReader{stream: stream}
	}
	return err
}

func answerJob(answer *pb.Answer, job *rockqueue.JobInfo, err error) error {
	if err == nil {
		answer.Result = &pb.Answer_Job{Job: jobOut(job)}
	}
	return err
}

func collect[T, Out any](found iter.Seq2[T, error], limit int, out func(T) Out) ([]Out, error) {
	var all []Out
	for one, err := range found {
		if err != nil {
			return nil, err
		}
		if all = append(all, out(one)); len(all) == limit {
			break
		}
	}
	return all, nil
}

func within(timeout *durationpb.Duration) (context.Context, context.CancelFunc) {
	if timeout == nil {
		return context.WithCancel(context.Background())
	}
	return context.WithTimeout(context.Background(), timeout.AsDuration())
}
