package main

import (
	"reflect"
	"strconv"
	"strings"
	"time"

	rockqueue "github.com/rockqueue/rockqueue/sdk-go"
)

// document is a JSON object with the field names of the contract.
type document = map[string]any

// doc makes a document of names and values; what is nothing is left out, but numbers and bools are told.
func doc(pairs ...any) document {
	made := make(document)
	for index := 0; index < len(pairs); index += 2 {
		if value := told(pairs[index+1]); value != nil {
			made[pairs[index].(string)] = value
		}
	}
	return made
}

// told is a value as proto3 JSON has it; nil for nothing.
func told(value any) any {
	switch value := value.(type) {
	case time.Time:
		if value.IsZero() {
			return nil
		}
		return value.Format(time.RFC3339Nano)
	case time.Duration:
		if value == 0 {
			return nil
		}
		return seconds(value)
	case *time.Duration:
		if value == nil {
			return nil
		}
		return seconds(*value)
	}
	switch found := reflect.ValueOf(value); found.Kind() {
	case reflect.Invalid:
		return nil
	case reflect.String, reflect.Slice, reflect.Map:
		if found.Len() == 0 {
			return nil
		}
	case reflect.Pointer:
		if found.IsNil() {
			return nil
		}
	}
	return value
}

func seconds(duration time.Duration) string {
	return strconv.FormatFloat(duration.Seconds(), 'f', -1, 64) + "s"
}

// list is a list that is told even when it is empty.
func list[T any](items []T, out func(T) document) []document {
	made := make([]document, len(items))
	for index, one := range items {
		made[index] = out(one)
	}
	return made
}

func upper[T ~string](name T) string { return strings.ToUpper(string(name)) }

// value is what one of the SDK's Unmarshal methods gives.
func value(unmarshal func(into any) error) any {
	var result any
	if err := unmarshal(&result); err != nil {
		return err.Error()
	}
	return result
}

func scheduleDoc(one *rockqueue.Schedule) document {
	var payload any
	if len(one.Payload) > 0 {
		payload = value(one.UnmarshalArgs)
	}
	spec := doc("name", one.Name, "cron", one.Cron, "interval", one.Every, "time_zone", one.TimeZone,
		"start_time", one.StartTime, "end_time", one.EndTime, "jitter", one.Jitter, "misfire", upper(one.Misfire),
		"catch_up", one.CatchUp, "overlap", upper(one.Overlap),
		"job", doc("queue", one.Queue, "name", one.Kind, "payload", payload, "content_type", one.ContentType))
	if one.MaxRuns != 0 {
		spec["max_runs"] = one.MaxRuns
	}
	return doc("spec", spec, "paused", one.Paused, "create_time", one.CreateTime, "update_time", one.UpdateTime,
		"next_time", one.NextTime, "last_slot_time", one.LastSlotTime, "last_job_id", one.LastJobID, "runs", one.Runs,
		"skipped", one.Skipped, "queued_slot_time", one.QueuedSlotTime)
}

func flowDoc(one *rockqueue.FlowInfo) document {
	return doc("id", one.ID, "name", one.Name, "state", one.State, "jobs", one.Jobs, "completed", one.Completed,
		"dead", one.Dead, "cancelled", one.Cancelled, "create_time", one.CreateTime, "finish_time", one.FinishTime)
}

func flowJobDoc(one rockqueue.FlowJob) document {
	return doc("node", one.Node, "job_id", one.JobID, "state", one.State, "dead_reason", one.DeadReason,
		"parents", list(one.Parents, func(edge rockqueue.FlowEdge) document {
			return doc("node", edge.Node, "job_id", edge.JobID, "on_failure", upper(edge.OnFailure))
		}))
}

func parentDoc(one *rockqueue.ParentJob) document {
	made := doc("node", one.Node, "job_id", one.JobID, "state", one.State)
	if one.State == rockqueue.JobCompleted {
		made["result"] = value(one.UnmarshalResult)
	}
	return made
}

func groupDoc(one *rockqueue.Group) document {
	settings := doc("weight", one.Settings.Weight, "max_active", one.Settings.MaxActive)
	if rate := one.Settings.Rate; rate != nil {
		settings["rate"] = doc("count", rate.Count, "period", rate.Period)
		if rate.Burst != 0 {
			settings["rate"].(document)["burst"] = rate.Burst
		}
	}
	return doc("key", one.Key, "settings", settings, "waiting", one.Waiting, "active", one.Active)
}

func explanationDoc(one rockqueue.Explanation) document {
	return doc("kind", one.Kind, "message", one.Message, "until_time", one.UntilTime, "job_ids", one.JobIDs,
		"count", one.Count, "worker", one.Worker)
}

func webhookDoc(one *rockqueue.Webhook) document {
	filter := doc("queues", one.Filter.Queues, "names", one.Filter.Names, "types", one.Filter.Types,
		"job_ids", one.Filter.JobIDs, "flow_ids", one.Filter.FlowIDs, "schedules", one.Filter.Schedules)
	return doc("spec", doc("name", one.Name, "url", one.URL, "filter", filter, "disabled", one.Disabled),
		"create_time", one.CreateTime, "update_time", one.UpdateTime, "cursor", one.Cursor, "pending", one.Pending,
		"gone_time", one.GoneTime, "former_secret_until_time", one.FormerSecretUntilTime)
}

func attemptDoc(one rockqueue.WebhookAttempt) document {
	return doc("time", one.Time, "status", one.Status, "error", one.Error, "took", one.Took)
}

func deliveryDoc(one *rockqueue.WebhookDelivery) document {
	return doc("id", one.ID, "state", one.State, "event", eventDoc(one.Event),
		"attempts", list(one.Attempts, attemptDoc), "next_time", one.NextTime)
}

func eventDoc(one rockqueue.Event) document {
	return doc("cursor", one.Cursor, "type", one.Type, "time", one.Time, "queue", one.Queue, "job_id", one.JobID,
		"name", one.Name, "state", one.State, "attempt", one.Attempt, "dead_reason", one.DeadReason,
		"ready_time", one.ReadyTime, "worker", one.Worker, "purged", one.Purged, "flow_id", one.FlowID,
		"flow_state", one.FlowState, "schedule", one.Schedule, "slot_time", one.SlotTime)
}

func workerDoc(one *rockqueue.WorkerInfo) document {
	return doc("session_id", one.SessionID, "name", one.Name, "state", one.State, "queues", one.Queues,
		"client", one.Client, "host", one.Host, "pid", one.PID, "join_time", one.JoinTime,
		"last_heard_time", one.LastHeardTime, "active", one.Active, "credits", one.Credits, "loop_lag", one.LoopLag,
		"stuck_job_ids", one.StuckJobIDs)
}

func backupDoc(one *rockqueue.Backup) document {
	return doc("name", one.Name, "path", one.Path, "create_time", one.CreateTime, "commit", one.Commit,
		"size_bytes", one.SizeBytes)
}

// slotsOut is a list of moments.
func slotsOut(slots []time.Time) []string {
	made := make([]string, len(slots))
	for index, slot := range slots {
		made[index] = slot.Format(time.RFC3339Nano)
	}
	return made
}
