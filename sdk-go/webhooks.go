package rockqueue

import (
	"context"
	"iter"
	"time"

	"github.com/rockqueue/rockqueue/sdk-go/rockqueuepb"
)

// Webhooks looks after webhooks.
type Webhooks struct {
	client *Client
}

// Webhooks looks after webhooks: events that the server sends as HTTP requests. Package rockqueuehook receives them.
func (c *Client) Webhooks() Webhooks { return Webhooks{c} }

// NewWebhook is a webhook to put.
type NewWebhook struct {
	// Name of the webhook: [A-Za-z0-9._-]{1,128}.
	Name string
	// URL is where to send: "https://…" or "http://…", without user and password.
	URL string
	// Filter says which events. Default: all.
	Filter EventFilter
	// Secret is "whsec_" and the base64 of 24 to 64 bytes. Default: the server makes one for a new webhook, and leaves that
	// of one that exists.
	Secret string
	// Disabled sends nothing; what comes meanwhile is sent later, as far as it is still kept.
	Disabled bool
}

// Webhook is a webhook as the server knows it.
type Webhook struct {
	// Name of the webhook.
	Name string
	// URL is where events are sent.
	URL string
	// Filter says which events.
	Filter EventFilter
	// Disabled is true while nothing is sent, also after the receiver answered 410.
	Disabled bool
	// CreateTime is when it was made.
	CreateTime time.Time
	// UpdateTime is when it was last put.
	UpdateTime time.Time
	// Cursor: everything up to here is sent or in its deliveries.
	Cursor string
	// Pending is how many deliveries wait for their first or next attempt.
	Pending int64
	// GoneTime is since when it is disabled because the receiver answered 410; zero when it is not.
	GoneTime time.Time
	// FormerSecretUntilTime is until when requests are signed with the former secret too; zero when there is none.
	FormerSecretUntilTime time.Time
	// Created is true when Put made the webhook; false for one that was there.
	Created bool
	// Secret is the one that Put or RotateSecret made: it is not shown again. Otherwise empty.
	Secret string
}

// WebhookDeliveryState is how a delivery fares.
type WebhookDeliveryState string

const (
	// WebhookPending waits for its first or next attempt.
	WebhookPending WebhookDeliveryState = "PENDING"
	// WebhookSucceeded was taken by the receiver.
	WebhookSucceeded WebhookDeliveryState = "SUCCEEDED"
	// WebhookFailed was given up.
	WebhookFailed WebhookDeliveryState = "FAILED"
	// WebhookUnknown stands for a state that a newer server has and this version does not.
	WebhookUnknown WebhookDeliveryState = unknownName

	deliveryStatePrefix = "WEBHOOK_DELIVERY_STATE_"
)

// WebhookAttempt is one request and what came of it.
type WebhookAttempt struct {
	// Time is when it was sent.
	Time time.Time
	// Status is the HTTP status; 0 when there was no answer.
	Status int32
	// Error is why it failed, for people; empty when it succeeded.
	Error string
	// Took is how long the receiver took.
	Took time.Duration
}

// WebhookDelivery is an event on its way to a receiver.
type WebhookDelivery struct {
	// ID is the header "webhook-id" of its requests.
	ID string
	// State is how it fares.
	State WebhookDeliveryState
	// Event is what is sent.
	Event Event
	// Attempts are those so far, oldest first.
	Attempts []WebhookAttempt
	// NextTime is when the next attempt is due; zero unless it is PENDING.
	NextTime time.Time
}

// Put makes a webhook, or replaces the one of its name, which keeps its secret and its deliveries. Webhook.Secret is the
// secret that the server made, if it made one. Errors: ErrInvalidRequest.
func (w Webhooks) Put(ctx context.Context, webhook NewWebhook) (*Webhook, error) {
	filter, err := webhook.Filter.proto()
	if err != nil {
		return nil, err
	}
	response, err := w.client.webhooks.PutWebhook(ctx, &rockqueuepb.PutWebhookRequest{
		RequestId: newRequestID(), Secret: webhook.Secret,
		Webhook: &rockqueuepb.WebhookSpec{
			Name: webhook.Name, Url: webhook.URL, Filter: filter, Disabled: webhook.Disabled,
		},
	})
	if err != nil {
		return nil, err
	}
	made := webhookFrom(response.GetWebhook())
	made.Created, made.Secret = response.GetCreated(), response.GetSecret()
	return made, nil
}

// Get returns one webhook, without its secret. Errors: ErrWebhookNotFound.
func (w Webhooks) Get(ctx context.Context, name string) (*Webhook, error) {
	response, err := w.client.webhooks.GetWebhook(ctx, &rockqueuepb.GetWebhookRequest{Name: name})
	if err != nil {
		return nil, err
	}
	return webhookFrom(response.GetWebhook()), nil
}

// List returns all webhooks by name. An error ends it.
func (w Webhooks) List(ctx context.Context) iter.Seq2[*Webhook, error] {
	return listing(func(token string) ([]*rockqueuepb.Webhook, string, error) {
		page, err := w.client.webhooks.ListWebhooks(ctx, &rockqueuepb.ListWebhooksRequest{PageToken: token})
		return page.GetWebhooks(), page.GetNextPageToken(), err
	}, webhookFrom)
}

// Delete removes a webhook, its secret and its deliveries. Errors: ErrWebhookNotFound.
func (w Webhooks) Delete(ctx context.Context, name string) error {
	request := &rockqueuepb.DeleteWebhookRequest{RequestId: newRequestID(), Name: name}
	_, err := w.client.webhooks.DeleteWebhook(ctx, request)
	return err
}

// RotateSecretOptions say more about a new secret. The zero value of each field takes the default.
type RotateSecretOptions struct {
	// Secret is the new one, as in NewWebhook. Default: the server makes one.
	Secret string
	// Overlap is for how long requests are signed with the former secret too: up to 30 days; 0: no longer. Default: 24 h.
	Overlap *time.Duration
}

// RotateSecret gives a webhook a new secret, which is Webhook.Secret of the answer; options may be nil. Errors:
// ErrWebhookNotFound.
func (w Webhooks) RotateSecret(ctx context.Context, name string, options *RotateSecretOptions) (*Webhook, error) {
	request := &rockqueuepb.RotateWebhookSecretRequest{RequestId: newRequestID(), Name: name}
	if options != nil {
		request.Secret, request.Overlap = options.Secret, durationOrNil(options.Overlap)
	}
	response, err := w.client.webhooks.RotateWebhookSecret(ctx, request)
	if err != nil {
		return nil, err
	}
	made := webhookFrom(response.GetWebhook())
	made.Secret = response.GetSecret()
	return made, nil
}

// Test sends one request of type "webhook.test" now, also when the webhook is disabled, and tells what came of it. Errors:
// ErrWebhookNotFound.
func (w Webhooks) Test(ctx context.Context, name string) (*WebhookAttempt, error) {
	response, err := w.client.webhooks.TestWebhook(ctx, &rockqueuepb.TestWebhookRequest{Name: name})
	if err != nil {
		return nil, err
	}
	return new(attemptFrom(response.GetAttempt())), nil
}

// Deliveries returns the deliveries of a webhook, newest first: those that wait, and the last 1,000 that are over, for 7
// days. With a state, only those in it; empty: all. An error ends it: ErrWebhookNotFound.
func (w Webhooks) Deliveries(
	ctx context.Context, name string, state WebhookDeliveryState,
) iter.Seq2[*WebhookDelivery, error] {
	return listing(func(token string) ([]*rockqueuepb.WebhookDelivery, string, error) {
		wanted, err := numberOf[rockqueuepb.WebhookDeliveryState](
			string(state), rockqueuepb.WebhookDeliveryState_value, deliveryStatePrefix, "a state of a delivery")
		if err != nil {
			return nil, "", err
		}
		page, err := w.client.webhooks.ListWebhookDeliveries(ctx, &rockqueuepb.ListWebhookDeliveriesRequest{
			Name: name, State: wanted, PageToken: token,
		})
		return page.GetDeliveries(), page.GetNextPageToken(), err
	}, webhookDeliveryFrom)
}

// Resend sends a delivery of the log again, now, with as many attempts as a new one. Errors: ErrWebhookNotFound,
// ErrWebhookDeliveryNotFound.
func (w Webhooks) Resend(ctx context.Context, name, deliveryID string) (*WebhookDelivery, error) {
	response, err := w.client.webhooks.ResendWebhookDelivery(ctx, &rockqueuepb.ResendWebhookDeliveryRequest{
		RequestId: newRequestID(), Name: name, DeliveryId: deliveryID,
	})
	if err != nil {
		return nil, err
	}
	return webhookDeliveryFrom(response.GetDelivery()), nil
}

func webhookFrom(webhook *rockqueuepb.Webhook) *Webhook {
	spec := webhook.GetSpec()
	return &Webhook{
		Name: spec.GetName(), URL: spec.GetUrl(), Filter: eventFilterFrom(spec.GetFilter()), Disabled: spec.GetDisabled(),
		CreateTime: moment(webhook.GetCreateTime()), UpdateTime: moment(webhook.GetUpdateTime()),
		Cursor: webhook.GetCursor(), Pending: webhook.GetPending(), GoneTime: moment(webhook.GetGoneTime()),
		FormerSecretUntilTime: moment(webhook.GetFormerSecretUntilTime()),
	}
}

func webhookDeliveryFrom(delivery *rockqueuepb.WebhookDelivery) *WebhookDelivery {
	state := nameOf(delivery.GetState(), rockqueuepb.WebhookDeliveryState_name, deliveryStatePrefix)
	if state == "" {
		state = unknownName
	}
	made := &WebhookDelivery{
		ID: delivery.GetId(), State: WebhookDeliveryState(state), Event: eventFrom(delivery.GetEvent()),
		NextTime: moment(delivery.GetNextTime()),
	}
	for _, one := range delivery.GetAttempts() {
		made.Attempts = append(made.Attempts, attemptFrom(one))
	}
	return made
}

func attemptFrom(attempt *rockqueuepb.WebhookAttempt) WebhookAttempt {
	return WebhookAttempt{
		Time: moment(attempt.GetTime()), Status: attempt.GetStatus(), Error: attempt.GetError(),
		Took: attempt.GetTook().AsDuration(),
	}
}
