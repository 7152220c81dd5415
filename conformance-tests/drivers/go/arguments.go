package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	rockqueue "github.com/rockqueue/rockqueue/sdk-go"
	"google.golang.org/protobuf/encoding/protojson"

	pb "github.com/rockqueue/rockqueue/conformance-tests/drivers/go/driverpb"
)

// arguments are those of every method that Call knows, by the field names of the contract.
type arguments struct {
	Limit int `json:"limit"`

	Name       string       `json:"name"`
	Prefix     string       `json:"prefix"`
	Queue      string       `json:"queue"`
	Group      string       `json:"group"`
	JobID      string       `json:"job_id"`
	FlowID     string       `json:"flow_id"`
	DeliveryID string       `json:"delivery_id"`
	State      string       `json:"state"`
	Schedule   scheduleArgs `json:"schedule"`
	FromTime   time.Time    `json:"from_time"`
	BeforeTime time.Time    `json:"before_time"`
	AfterTime  time.Time    `json:"after_time"`
	Count      int32        `json:"count"`

	Nodes           []nodeArgs `json:"nodes"`
	OnParentFailure string     `json:"on_parent_failure"`
	Durability      string     `json:"durability"`

	Settings settingsArgs `json:"settings"`
	Reset    []string     `json:"reset"`

	Webhook webhookArgs `json:"webhook"`
	Secret  string      `json:"secret"`
	Overlap *span       `json:"overlap"`

	Body    string            `json:"body"`
	Secrets []string          `json:"secrets"`
	Headers map[string]string `json:"headers"`
	Now     int64             `json:"now"`
}

type scheduleArgs struct {
	Name      string          `json:"name"`
	Cron      string          `json:"cron"`
	Interval  span            `json:"interval"`
	TimeZone  string          `json:"time_zone"`
	StartTime time.Time       `json:"start_time"`
	EndTime   time.Time       `json:"end_time"`
	MaxRuns   int64           `json:"max_runs"`
	Jitter    span            `json:"jitter"`
	Misfire   string          `json:"misfire"`
	CatchUp   span            `json:"catch_up"`
	Overlap   string          `json:"overlap"`
	Job       json.RawMessage `json:"job"`
}

type nodeArgs struct {
	Name    string          `json:"name"`
	Job     json.RawMessage `json:"job"`
	Parents []struct {
		Node      string `json:"node"`
		JobID     string `json:"job_id"`
		OnFailure string `json:"on_failure"`
	} `json:"parents"`
}

type settingsArgs struct {
	Weight    *int32    `json:"weight"`
	MaxActive *int32    `json:"max_active"`
	Rate      *rateArgs `json:"rate"`
}

type rateArgs struct {
	Count  int32 `json:"count"`
	Period span  `json:"period"`
	Burst  int32 `json:"burst"`
}

type webhookArgs struct {
	Name   string `json:"name"`
	URL    string `json:"url"`
	Filter struct {
		Queues    []string              `json:"queues"`
		Names     []string              `json:"names"`
		Types     []rockqueue.EventType `json:"types"`
		JobIDs    []string              `json:"job_ids"`
		FlowIDs   []string              `json:"flow_ids"`
		Schedules []string              `json:"schedules"`
	} `json:"filter"`
	Disabled bool `json:"disabled"`
}

// span is a duration as proto3 JSON has it: "1.5s".
type span time.Duration

func (s *span) UnmarshalJSON(text []byte) error {
	var said string
	if err := json.Unmarshal(text, &said); err != nil {
		return err
	}
	duration, err := time.ParseDuration(said)
	*s = span(duration)
	return err
}

// strictly reads JSON, and knows every field.
func strictly(text []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	return decoder.Decode(into)
}

// jobArgs reads a job: a NewJob as JSON, but with any JSON value as its payload.
func jobArgs(text json.RawMessage) (rockqueue.NewJob, error) {
	if len(text) == 0 {
		return rockqueue.NewJob{}, nil
	}
	fields := make(map[string]json.RawMessage)
	if err := json.Unmarshal(text, &fields); err != nil {
		return rockqueue.NewJob{}, err
	}
	payload, given := fields["payload"]
	delete(fields, "payload")
	rest, err := json.Marshal(fields)
	job := &pb.NewJob{}
	if err = errors.Join(err, protojson.Unmarshal(rest, job)); err != nil {
		return rockqueue.NewJob{}, err
	}
	if given {
		job.Payload = &pb.Value{Value: &pb.Value_Json{Json: string(payload)}}
	}
	return newJob(job)
}

func (s *scheduleArgs) schedule() (rockqueue.NewSchedule, error) {
	job, err := jobArgs(s.Job)
	return rockqueue.NewSchedule{
		Name: s.Name, Cron: s.Cron, Every: time.Duration(s.Interval), TimeZone: s.TimeZone, StartTime: s.StartTime,
		EndTime: s.EndTime, MaxRuns: s.MaxRuns, Jitter: time.Duration(s.Jitter),
		Misfire: rockqueue.MisfirePolicy(strings.ToLower(s.Misfire)), CatchUp: time.Duration(s.CatchUp),
		Overlap: rockqueue.OverlapPolicy(strings.ToLower(s.Overlap)), Args: job.Args, Options: job.Options,
	}, err
}

// flow builds a flow, and returns its nodes in their order.
func (a *arguments) flow() (*rockqueue.Flow, []*rockqueue.FlowNode, error) {
	flow := rockqueue.NewFlow(a.Name)
	flow.OnParentFailure = policy(a.OnParentFailure)
	nodes, byName := make([]*rockqueue.FlowNode, len(a.Nodes)), make(map[string]*rockqueue.FlowNode)
	for index, wanted := range a.Nodes {
		job, err := jobArgs(wanted.Job)
		if err != nil {
			return nil, nil, err
		}
		nodes[index] = flow.Add(job.Args, job.Options).Named(wanted.Name)
		byName[wanted.Name] = nodes[index]
	}
	for index, wanted := range a.Nodes {
		for _, parent := range wanted.Parents {
			known := byName[parent.Node]
			switch {
			case parent.JobID != "":
				nodes[index].AfterJob(parent.JobID, policy(parent.OnFailure))
			case known == nil:
				return nil, nil, fmt.Errorf("the flow has no node %q", parent.Node)
			default:
				nodes[index].AfterWith(policy(parent.OnFailure), known)
			}
		}
	}
	return flow, nodes, nil
}

func policy(name string) rockqueue.ParentFailurePolicy {
	return rockqueue.ParentFailurePolicy(strings.ToLower(name))
}

func (s *settingsArgs) settings() rockqueue.GroupSettings {
	settings := rockqueue.GroupSettings{Weight: s.Weight, MaxActive: s.MaxActive}
	if s.Rate != nil {
		settings.Rate = &rockqueue.RateLimit{
			Count: s.Rate.Count, Period: time.Duration(s.Rate.Period), Burst: s.Rate.Burst,
		}
	}
	return settings
}

func (a *arguments) webhook() rockqueue.NewWebhook {
	filter := a.Webhook.Filter
	return rockqueue.NewWebhook{
		Name: a.Webhook.Name, URL: a.Webhook.URL, Disabled: a.Webhook.Disabled, Secret: a.Secret,
		Filter: rockqueue.EventFilter{
			Queues: filter.Queues, Names: filter.Names, Types: filter.Types, JobIDs: filter.JobIDs,
			FlowIDs: filter.FlowIDs, Schedules: filter.Schedules,
		},
	}
}

func (a *arguments) header() http.Header {
	header := make(http.Header)
	for name, value := range a.Headers {
		header.Set(name, value)
	}
	return header
}
