package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	rockqueue "github.com/rockqueue/rockqueue/sdk-go"
	"github.com/rockqueue/rockqueue/sdk-go/rockqueuehook"

	pb "github.com/rockqueue/rockqueue/conformance-tests/drivers/go/driverpb"
)

var errUnsupported = errors.New("the driver knows no such method")

// method is a call by the name of its RPC: arguments in, document out.
type method func(ctx context.Context, client *rockqueue.Client, with *arguments) (document, error)

// ask makes a call that has no command of its own.
func ask(answer *pb.Answer, client *rockqueue.Client, wanted *pb.Call) error {
	with := &arguments{}
	if err := strictly([]byte(cmp.Or(wanted.GetArguments(), "{}")), with); err != nil {
		return err
	}
	made, err := methodNamed(wanted.GetMethod())(context.Background(), client, with)
	if errors.Is(err, errUnsupported) {
		answer.Result = &pb.Answer_Unsupported{Unsupported: &pb.Done{}}
		return nil
	}
	if err != nil {
		return err
	}
	text, err := json.Marshal(made)
	answer.Result = &pb.Answer_Document{Document: &pb.Document{Json: string(text)}}
	return err
}

func methodNamed(name string) method {
	for _, table := range []map[string]method{scheduleMethods, flowMethods, queueMethods, webhookMethods, serverMethods} {
		if found := table[name]; found != nil {
			return found
		}
	}
	return func(context.Context, *rockqueue.Client, *arguments) (document, error) { return nil, errUnsupported }
}

// under answers with one thing under a name.
func under[T any](name string, out func(T) document) func(T, error) (document, error) {
	return func(one T, err error) (document, error) {
		if err != nil {
			return nil, err
		}
		return document{name: out(one)}, nil
	}
}

var scheduleMethods = map[string]method{
	"PutSchedule": func(ctx context.Context, client *rockqueue.Client, with *arguments) (document, error) {
		schedule, err := with.Schedule.schedule()
		if err != nil {
			return nil, err
		}
		put, err := client.Schedules().Put(ctx, schedule)
		if err != nil {
			return nil, err
		}
		return document{"schedule": scheduleDoc(put), "created": put.Created}, nil
	},
	"GetSchedule": func(ctx context.Context, client *rockqueue.Client, with *arguments) (document, error) {
		return under("schedule", scheduleDoc)(client.Schedules().Get(ctx, with.Name))
	},
	"ListSchedules": func(ctx context.Context, client *rockqueue.Client, with *arguments) (document, error) {
		found, err := collect(client.Schedules().List(ctx, with.Prefix), with.Limit, scheduleDoc)
		return listed("schedules", found, err)
	},
	"DeleteSchedule": func(ctx context.Context, client *rockqueue.Client, with *arguments) (document, error) {
		return document{}, client.Schedules().Delete(ctx, with.Name)
	},
	"PauseSchedule": func(ctx context.Context, client *rockqueue.Client, with *arguments) (document, error) {
		return under("schedule", scheduleDoc)(client.Schedules().Pause(ctx, with.Name))
	},
	"ResumeSchedule": func(ctx context.Context, client *rockqueue.Client, with *arguments) (document, error) {
		return under("schedule", scheduleDoc)(client.Schedules().Resume(ctx, with.Name))
	},
	"TriggerSchedule": func(ctx context.Context, client *rockqueue.Client, with *arguments) (document, error) {
		triggered, err := client.Schedules().Trigger(ctx, with.Name)
		if err != nil {
			return nil, err
		}
		return doc("job_id", triggered.JobID, "schedule", scheduleDoc(triggered.Schedule)), nil
	},
	"BackfillSchedule": func(ctx context.Context, client *rockqueue.Client, with *arguments) (document, error) {
		ids, err := client.Schedules().Backfill(ctx, with.Name, with.FromTime, with.BeforeTime)
		return document{"job_ids": ids}, err
	},
	"PreviewSchedule": func(ctx context.Context, client *rockqueue.Client, with *arguments) (document, error) {
		options := &rockqueue.PreviewOptions{After: with.AfterTime, Count: with.Count}
		if with.Name != "" {
			slots, err := client.Schedules().Preview(ctx, with.Name, options)
			return document{"slots": slotsOut(slots)}, err
		}
		schedule, err := with.Schedule.schedule()
		if err != nil {
			return nil, err
		}
		slots, err := client.Schedules().PreviewNew(ctx, schedule, options)
		return document{"slots": slotsOut(slots)}, err
	},
}

var flowMethods = map[string]method{
	"PushFlow": func(ctx context.Context, client *rockqueue.Client, with *arguments) (document, error) {
		flow, nodes, err := with.flow()
		if err != nil {
			return nil, err
		}
		options := &rockqueue.PushFlowOptions{Durability: rockqueue.Durability(strings.ToLower(with.Durability))}
		pushed, err := client.Flows().Push(ctx, flow, options)
		if err != nil {
			return nil, err
		}
		ids := make([]string, len(nodes))
		for index, node := range nodes {
			ids[index] = pushed.JobID(node)
		}
		return document{"flow_id": pushed.ID, "job_ids": ids}, nil
	},
	"GetFlow": func(ctx context.Context, client *rockqueue.Client, with *arguments) (document, error) {
		flow, err := client.Flows().Get(ctx, with.FlowID)
		if err != nil {
			return nil, err
		}
		return document{"flow": flowDoc(flow), "jobs": list(flow.Graph, flowJobDoc)}, nil
	},
	"ListFlows": func(ctx context.Context, client *rockqueue.Client, with *arguments) (document, error) {
		filter := rockqueue.FlowFilter{State: rockqueue.FlowState(with.State), Name: with.Name}
		found, err := collect(client.Flows().List(ctx, filter), with.Limit, flowDoc)
		return listed("flows", found, err)
	},
	"CancelFlow": func(ctx context.Context, client *rockqueue.Client, with *arguments) (document, error) {
		return changed(client.Flows().Cancel(ctx, with.FlowID))
	},
	"RetryFlow": func(ctx context.Context, client *rockqueue.Client, with *arguments) (document, error) {
		return changed(client.Flows().Retry(ctx, with.FlowID))
	},
	"ListParents": func(ctx context.Context, client *rockqueue.Client, with *arguments) (document, error) {
		found, err := collect(client.Flows().Parents(ctx, with.JobID), with.Limit, parentDoc)
		return listed("parents", found, err)
	},
}

func changed(change *rockqueue.FlowChange, err error) (document, error) {
	if err != nil {
		return nil, err
	}
	return document{"flow": flowDoc(change.Flow), "affected": change.Affected}, nil
}

// listed is a listing under its name, told even when it is empty.
func listed(name string, found []document, err error) (document, error) {
	if found == nil {
		found = []document{}
	}
	return document{name: found}, err
}

var queueMethods = map[string]method{
	"ExplainJob": func(ctx context.Context, client *rockqueue.Client, with *arguments) (document, error) {
		explained, err := client.Explain(ctx, with.JobID)
		if err != nil {
			return nil, err
		}
		return document{"state": explained.State, "reasons": list(explained.Reasons, explanationDoc)}, nil
	},
	"ExplainQueue": func(ctx context.Context, client *rockqueue.Client, with *arguments) (document, error) {
		reasons, err := client.Queues().Explain(ctx, with.Queue)
		return document{"reasons": list(reasons, explanationDoc)}, err
	},
	"ListGroups": func(ctx context.Context, client *rockqueue.Client, with *arguments) (document, error) {
		found, err := collect(client.Queues().ListGroups(ctx, with.Queue, with.Prefix), with.Limit, groupDoc)
		return listed("groups", found, err)
	},
	"UpdateGroup": func(ctx context.Context, client *rockqueue.Client, with *arguments) (document, error) {
		group, err := client.Queues().UpdateGroup(ctx, with.Queue, with.Group, with.Settings.settings(), with.Reset...)
		return under("group", groupDoc)(group, err)
	},
}

var webhookMethods = map[string]method{
	"PutWebhook": func(ctx context.Context, client *rockqueue.Client, with *arguments) (document, error) {
		put, err := client.Webhooks().Put(ctx, with.webhook())
		if err != nil {
			return nil, err
		}
		return doc("webhook", webhookDoc(put), "created", put.Created, "secret", put.Secret), nil
	},
	"GetWebhook": func(ctx context.Context, client *rockqueue.Client, with *arguments) (document, error) {
		return under("webhook", webhookDoc)(client.Webhooks().Get(ctx, with.Name))
	},
	"ListWebhooks": func(ctx context.Context, client *rockqueue.Client, with *arguments) (document, error) {
		found, err := collect(client.Webhooks().List(ctx), with.Limit, webhookDoc)
		return listed("webhooks", found, err)
	},
	"DeleteWebhook": func(ctx context.Context, client *rockqueue.Client, with *arguments) (document, error) {
		return document{}, client.Webhooks().Delete(ctx, with.Name)
	},
	"RotateWebhookSecret": func(ctx context.Context, client *rockqueue.Client, with *arguments) (document, error) {
		options := &rockqueue.RotateSecretOptions{Secret: with.Secret, Overlap: (*time.Duration)(with.Overlap)}
		rotated, err := client.Webhooks().RotateSecret(ctx, with.Name, options)
		if err != nil {
			return nil, err
		}
		return doc("webhook", webhookDoc(rotated), "secret", rotated.Secret), nil
	},
	"TestWebhook": func(ctx context.Context, client *rockqueue.Client, with *arguments) (document, error) {
		attempt, err := client.Webhooks().Test(ctx, with.Name)
		if err != nil {
			return nil, err
		}
		return document{"attempt": attemptDoc(*attempt)}, nil
	},
	"ListWebhookDeliveries": func(ctx context.Context, client *rockqueue.Client, with *arguments) (document, error) {
		deliveries := client.Webhooks().Deliveries(ctx, with.Name, rockqueue.WebhookDeliveryState(with.State))
		found, err := collect(deliveries, with.Limit, deliveryDoc)
		return listed("deliveries", found, err)
	},
	"ResendWebhookDelivery": func(ctx context.Context, client *rockqueue.Client, with *arguments) (document, error) {
		return under("delivery", deliveryDoc)(client.Webhooks().Resend(ctx, with.Name, with.DeliveryID))
	},
	"VerifyWebhook": func(_ context.Context, _ *rockqueue.Client, with *arguments) (document, error) {
		options := &rockqueuehook.Options{}
		if with.Now != 0 {
			options.Now = func() time.Time { return time.Unix(with.Now, 0) }
		}
		event, err := rockqueuehook.Verify([]byte(with.Body), with.header(), with.Secrets, options)
		if err != nil {
			return nil, err
		}
		return doc("type", event.Type, "timestamp", event.Timestamp, "data", event.Data), nil
	},
}

var serverMethods = map[string]method{
	"ListWorkers": func(ctx context.Context, client *rockqueue.Client, with *arguments) (document, error) {
		found, err := collect(client.ListWorkers(ctx, with.Queue), with.Limit, workerDoc)
		return listed("workers", found, err)
	},
	"CreateBackup": func(ctx context.Context, client *rockqueue.Client, with *arguments) (document, error) {
		return under("backup", backupDoc)(client.CreateBackup(ctx, with.Name))
	},
	"ListBackups": func(ctx context.Context, client *rockqueue.Client, with *arguments) (document, error) {
		backups, err := client.ListBackups(ctx)
		return document{"backups": list(backups, backupDoc)}, err
	},
}
