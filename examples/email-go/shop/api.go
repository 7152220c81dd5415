// Package shop is a web app that queues its mails on disk, answers at once, and loses none of them to a kill -9.
package shop

import (
	"context"
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"regexp"
	"time"
	"unicode/utf8"

	rockqueue "github.com/rockqueue/rockqueue/sdk-go"
	"github.com/rockqueue/rockqueue/sdk-go/rockqueuehook"
)

const (
	// answerTimeout is short because a person waits for the answer: better to say "try again" than to wait longer.
	answerTimeout   = 5 * time.Second
	maxBodyBytes    = 64 << 10
	maxAddressChars = 254
)

var (
	address = regexp.MustCompile(`^[^@\s]+@[^@\s]+$`)
	jobID   = regexp.MustCompile(`^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$`)
)

var (
	errAddress = errors.New(`the body must be JSON with an address: {"email": "ann@mail.example"}`)
	errJobID   = errors.New("the id of a mail is a UUID")
	errTenant  = errors.New("a tenant is a name of 1 to 64 characters")
	errDryRun  = errors.New("dry_run is 0 or 1")
)

type queued struct {
	JobID string `json:"job_id"`
}

type stats struct {
	Waiting   int64 `json:"waiting"`
	Delayed   int64 `json:"delayed"`
	Active    int64 `json:"active"`
	Completed int64 `json:"completed"`
	Dead      int64 `json:"dead"`
	Cancelled int64 `json:"cancelled"`
	// OldestAge is how long the mail that has been waiting longest has waited, in seconds.
	OldestAge float64 `json:"oldest_age_s"`
}

type mailJob struct {
	JobID     string             `json:"job_id"`
	Name      string             `json:"name"`
	State     rockqueue.JobState `json:"state"`
	Attempt   int32              `json:"attempt"`
	Failures  int32              `json:"failures"`
	LastError *string            `json:"last_error"`
}

type explanation struct {
	State   rockqueue.JobState `json:"state"`
	Reasons []reason           `json:"reasons"`
}

type reason struct {
	Kind    rockqueue.ExplanationKind `json:"kind"`
	Message string                    `json:"message"`
}

type crew struct {
	Workers []crewMember `json:"workers"`
}

type crewMember struct {
	Name   string                 `json:"name"`
	State  rockqueue.SessionState `json:"state"`
	Active int32                  `json:"active"`
	// Stuck are the mails that this worker has been sending for suspiciously long.
	Stuck []string `json:"stuck"`
}

// api answers as soon as a mail is on disk, and never waits for a mail server.
type api struct {
	client *rockqueue.Client
}

// NewHandler makes the web app for a queue; without a receiver there is no route for webhooks.
func NewHandler(client *rockqueue.Client, receiver *rockqueuehook.Receiver) http.Handler {
	api := api{client}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /signup", answer(http.StatusAccepted, api.signup))
	mux.HandleFunc("POST /reset-password", answer(http.StatusAccepted, api.resetPassword))
	mux.HandleFunc("GET /stats", answer(http.StatusOK, api.stats))
	mux.HandleFunc("GET /jobs/{id}", answer(http.StatusOK, api.job))
	mux.HandleFunc("GET /dead-letters", answer(http.StatusOK, api.deadLetters))
	mux.HandleFunc("POST /jobs/{id}/retry", answer(http.StatusAccepted, api.retry))
	mux.HandleFunc("GET /mails/{id}/why", answer(http.StatusOK, api.why))
	mux.HandleFunc("GET /workers", answer(http.StatusOK, api.workers))
	mux.HandleFunc("DELETE /mails", answer(http.StatusOK, api.cancelTenant))
	if receiver != nil {
		mux.Handle("POST /hooks", receiver.Handler(mailGivenUp))
	}
	return mux
}

// signup queues a welcome mail. 202 means that it is on disk.
func (a api) signup(r *http.Request) (any, error) {
	to, err := recipientOf(r)
	if err != nil {
		return nil, err
	}
	return a.push(r.Context(), WelcomeEmail{Email: to.email}, to.tenant)
}

// shown in the README: [route]

// resetPassword queues a mail that overtakes the welcome mails. 202 means that it is on disk.
func (a api) resetPassword(r *http.Request) (any, error) {
	to, err := recipientOf(r)
	if err != nil {
		return nil, err
	}
	return a.push(r.Context(), PasswordReset{Email: to.email}, to.tenant)
}

// shown in the README: [/route]

// push queues a mail for a tenant: the tenants are served in turn. Mails without one are a group of their own.
func (a api) push(ctx context.Context, mail rockqueue.JobArgs, tenant string) (any, error) {
	pushed, err := a.client.Push(ctx, mail, &rockqueue.PushOptions{Group: tenant})
	return queued{JobID: pushed.ID}, err
}

// stats counts the mails in each state.
func (a api) stats(r *http.Request) (any, error) {
	found, err := a.client.Queues().Get(r.Context(), Queue)
	if errors.Is(err, rockqueue.ErrQueueNotFound) {
		return stats{}, nil
	}
	if err != nil {
		return nil, err
	}
	counts := found.Counts
	figures := stats{
		Waiting: counts.Waiting, Delayed: counts.Delayed, Active: counts.Active,
		Completed: counts.Completed, Dead: counts.Dead, Cancelled: counts.Cancelled,
	}
	if !found.OldestReadyTime.IsZero() {
		figures.OldestAge = max(0, time.Since(found.OldestReadyTime).Seconds())
	}
	return figures, nil
}

// job tells what became of one mail.
func (a api) job(r *http.Request) (any, error) {
	id, err := jobIDOf(r)
	if err != nil {
		return nil, err
	}
	job, err := a.client.Get(r.Context(), id)
	if err != nil {
		return nil, err
	}
	return describe(job), nil
}

// shown in the README: [why]

// why tells what a mail is waiting for.
func (a api) why(r *http.Request) (any, error) {
	id, err := jobIDOf(r)
	if err != nil {
		return nil, err
	}
	found, err := a.client.Explain(r.Context(), id)
	if err != nil {
		return nil, err
	}
	told := explanation{State: found.State, Reasons: []reason{}}
	for _, one := range found.Reasons {
		told.Reasons = append(told.Reasons, reason{Kind: one.Kind, Message: one.Message})
	}
	return told, nil
}

// shown in the README: [/why]

// workers lists who sends the mails.
func (a api) workers(r *http.Request) (any, error) {
	told := crew{Workers: []crewMember{}}
	for worker, err := range a.client.ListWorkers(r.Context(), Queue) {
		if err != nil {
			return nil, err
		}
		told.Workers = append(told.Workers, crewMember{
			Name: worker.Name, State: worker.State, Active: worker.Active, Stuck: append([]string{}, worker.StuckJobIDs...),
		})
	}
	return told, nil
}

// deadLetters lists the mails that were given up.
func (a api) deadLetters(r *http.Request) (any, error) {
	letters := []mailJob{}
	for job, err := range a.client.List(r.Context(), rockqueue.JobFilter{Queue: Queue, State: rockqueue.JobDead}, nil) {
		if err != nil {
			return nil, err
		}
		letters = append(letters, describe(job))
	}
	return letters, nil
}

// retry sends a mail of the dead letters again.
func (a api) retry(r *http.Request) (any, error) {
	id, err := jobIDOf(r)
	if err != nil {
		return nil, err
	}
	return queued{JobID: id}, a.client.Retry(r.Context(), id, nil)
}

// recipient is whom a mail is for, and on whose behalf.
type recipient struct {
	email, tenant string
}

func recipientOf(r *http.Request) (recipient, error) {
	var body struct {
		Email  string  `json:"email"`
		Tenant *string `json:"tenant"`
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return recipient{}, errAddress
	}
	err := json.NewDecoder(http.MaxBytesReader(nil, r.Body, maxBodyBytes)).Decode(&body)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && wrong.Field == "tenant" {
		return recipient{}, errTenant
	}
	if err != nil || !address.MatchString(body.Email) || utf8.RuneCountInString(body.Email) > maxAddressChars {
		return recipient{}, errAddress
	}
	if body.Tenant == nil {
		return recipient{email: body.Email}, nil
	}
	tenant, err := tenantOf(*body.Tenant)
	return recipient{email: body.Email, tenant: tenant}, err
}

func jobIDOf(r *http.Request) (string, error) {
	if id := r.PathValue("id"); jobID.MatchString(id) {
		return id, nil
	}
	return "", errJobID
}

func describe(job *rockqueue.JobInfo) mailJob {
	told := mailJob{JobID: job.ID, Name: job.Name, State: job.State, Attempt: job.Attempt, Failures: job.Failures}
	if count := len(job.Errors); count > 0 {
		told.LastError = &job.Errors[count-1].Err.Message
	}
	return told
}

// answer makes a handler of a function that returns what to say, or why not.
func answer(status int, ask func(*http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), answerTimeout)
		defer cancel()
		said, err := ask(r.WithContext(ctx))
		code := status
		if err != nil {
			var detail string
			code, detail = refusal(err)
			said = map[string]string{"detail": detail}
		}
		if code == http.StatusServiceUnavailable {
			w.Header().Set("Retry-After", "1")
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		// A visitor who has gone away is no concern of ours.
		_ = json.NewEncoder(w).Encode(said)
	}
}

// refusal answers for what the visitor got wrong and for what the queue refuses. Nothing is acknowledged that is not on
// disk.
func refusal(err error) (status int, detail string) {
	switch {
	case errors.Is(err, errAddress), errors.Is(err, errJobID), errors.Is(err, errTenant), errors.Is(err, errDryRun):
		return http.StatusUnprocessableEntity, err.Error()
	case errors.Is(err, rockqueue.ErrJobNotFound):
		return http.StatusNotFound, "no mail has this id"
	case errors.Is(err, rockqueue.ErrInvalidState):
		return http.StatusConflict, "only a mail of the dead letters can be sent again"
	case errors.Is(err, rockqueue.ErrResourceExhausted), errors.Is(err, rockqueue.ErrUnavailable),
		errors.Is(err, context.DeadlineExceeded):
		return http.StatusServiceUnavailable, "try again in a moment"
	default:
		return http.StatusInternalServerError, "the mail queue failed"
	}
}
