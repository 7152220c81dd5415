package shop

import (
	"context"
	"errors"
	"fmt"
	"time"

	rockqueue "github.com/rockqueue/rockqueue/sdk-go"
)

// DigestQueue is where the jobs of the digest wait, apart from the mails that somebody is waiting for.
const DigestQueue = "digest"

// DigestSchedule is the name of the schedule that starts the digest each night.
const DigestSchedule = "nightly-digest"

const (
	renderNode = "render"
	// mostReaders is how many parents a job may have: the report waits for each mail.
	mostReaders = 1000
)

// NightlyDigest begins the digest of a night: a mail for everybody who signed up the day before.
type NightlyDigest struct{}

// RenderDigest writes the text of a night.
type RenderDigest struct {
	Readers int `json:"readers"`
}

// SendDigest sends the text to one reader.
type SendDigest struct {
	Email string `json:"email"`
}

// ReportDigest counts what became of the mails.
type ReportDigest struct{}

// DigestReport is what ReportDigest returns.
type DigestReport struct {
	Sent   int `json:"sent"`
	Failed int `json:"failed"`
}

// Kind is the name of the job.
func (NightlyDigest) Kind() string { return "nightly-digest" }

// Kind is the name of the job.
func (RenderDigest) Kind() string { return "render-digest" }

// Kind is the name of the job.
func (SendDigest) Kind() string { return "send-digest" }

// Kind is the name of the job.
func (ReportDigest) Kind() string { return "report-digest" }

// PushOptions are the queue of the digest.
func (NightlyDigest) PushOptions() rockqueue.PushOptions {
	return rockqueue.PushOptions{Queue: DigestQueue}
}

// PushOptions are the queue of the digest.
func (RenderDigest) PushOptions() rockqueue.PushOptions {
	return rockqueue.PushOptions{Queue: DigestQueue}
}

// PushOptions are 3 attempts on the queue of the digest.
func (SendDigest) PushOptions() rockqueue.PushOptions {
	return rockqueue.PushOptions{Queue: DigestQueue, Retry: attempts(3)}
}

// PushOptions are the queue of the digest.
func (ReportDigest) PushOptions() rockqueue.PushOptions {
	return rockqueue.PushOptions{Queue: DigestQueue}
}

// PutSchedules makes the schedule of the digest, or leaves it as it is. Each night makes one job, whatever crashes; one that
// passed while the server was down is made up for.
func PutSchedules(ctx context.Context, client *rockqueue.Client) error {
	_, err := client.Schedules().Put(ctx, rockqueue.NewSchedule{
		Name: DigestSchedule, Cron: "0 3 * * *", TimeZone: "Europe/London", Overlap: rockqueue.OverlapSkip,
		Args: NightlyDigest{},
	})
	return err
}

// shown in the README: [flow]

// startDigest pushes the flow of a night: render, then send to all at once, then report.
func startDigest(ctx context.Context, job *rockqueue.Job[NightlyDigest]) (string, error) {
	client, ok := rockqueue.ClientFromContext(ctx)
	if !ok {
		return "", errors.New("the digest needs the client of its worker")
	}
	readers, err := newcomers(ctx, client, job.Origin.SlotTime.AddDate(0, 0, -1))
	if err != nil {
		return "", err
	}
	flow := rockqueue.NewFlow("digest")
	render := flow.Add(RenderDigest{Readers: len(readers)}, nil).Named(renderNode)
	report := flow.Add(ReportDigest{}, nil).After(render)
	for _, email := range readers {
		mail := flow.Add(SendDigest{Email: email}, nil).After(render)
		report.AfterWith(rockqueue.ParentFailureIgnore, mail) // a mail that is refused is counted, and stops nobody
	}
	pushed, err := client.Flows().Push(ctx, flow, nil)
	if err != nil {
		return "", err
	}
	return pushed.ID, nil
}

// shown in the README: [/flow]

// newcomers are those whose welcome mail was sent since then.
func newcomers(ctx context.Context, client *rockqueue.Client, since time.Time) ([]string, error) {
	filter := rockqueue.JobFilter{
		Queue: Queue, Name: WelcomeEmail{}.Kind(), State: rockqueue.JobCompleted, CreatedFrom: since,
	}
	var emails []string
	seen := make(map[string]bool)
	for job, err := range client.List(ctx, filter, &rockqueue.ListOptions{NewestFirst: true, IncludePayload: true}) {
		if err != nil {
			return nil, err
		}
		var mail WelcomeEmail
		if err := job.UnmarshalArgs(&mail); err != nil {
			return nil, err
		}
		if !seen[mail.Email] {
			seen[mail.Email] = true
			emails = append(emails, mail.Email)
		}
		if len(emails) == mostReaders-1 {
			break
		}
	}
	return emails, nil
}

func renderDigest(_ context.Context, job *rockqueue.Job[RenderDigest]) (string, error) {
	return fmt.Sprintf("You are one of %d who joined us since yesterday.", job.Args.Readers), nil
}

func sendDigest(ctx context.Context, job *rockqueue.Job[SendDigest]) error {
	parents, err := job.Parents(ctx)
	if err != nil {
		return err
	}
	var text string
	if err := parents[renderNode].UnmarshalResult(&text); err != nil {
		return err
	}
	return send(ctx, job.Delivery, job.Args.Email, "Your digest", text)
}

func reportDigest(ctx context.Context, job *rockqueue.Job[ReportDigest]) (DigestReport, error) {
	parents, err := job.Parents(ctx)
	var report DigestReport
	for node, parent := range parents {
		switch {
		case node == renderNode:
		case parent.State == rockqueue.JobCompleted:
			report.Sent++
		default:
			report.Failed++
		}
	}
	return report, err
}
