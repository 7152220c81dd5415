package rockqueue_test

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	rockqueue "github.com/rockqueue/rockqueue/sdk-go"
	"github.com/rockqueue/rockqueue/sdk-go/internal/scripted"
	"github.com/rockqueue/rockqueue/sdk-go/rockqueuepb"
)

// sameFields compares structs field by field, but for those that are left out, and wants each of the others to be set.
func sameFields[T any](t *testing.T, got, wanted T, except ...string) {
	t.Helper()
	kind := reflect.TypeFor[T]()
	for index := range kind.NumField() {
		field := kind.Field(index)
		if slices.Contains(except, field.Name) {
			continue
		}
		have, want := reflect.ValueOf(got).Field(index).Interface(), reflect.ValueOf(wanted).Field(index).Interface()
		if !reflect.DeepEqual(have, want) {
			t.Errorf("%s: expected %v, got %v", field.Name, want, have)
		}
		if field.Name != "Every" && reflect.ValueOf(want).IsZero() {
			t.Errorf("%s: the test says nothing about it", field.Name)
		}
	}
}

var hook = &rockqueuepb.Webhook{
	Spec: &rockqueuepb.WebhookSpec{
		Name: "w", Url: "https://example.com", Disabled: true, Filter: &rockqueuepb.EventFilter{
			Queues: []string{"q"}, Names: []string{"n"}, JobIds: []string{"j"}, FlowIds: []string{"f"}, Schedules: []string{"s"},
			Types: []rockqueuepb.EventType{rockqueuepb.EventType_EVENT_TYPE_FLOW_FINISHED},
		},
	},
	CreateTime: timestamppb.New(noon), UpdateTime: timestamppb.New(evening), Cursor: "c", Pending: 3,
	GoneTime: timestamppb.New(noon), FormerSecretUntilTime: timestamppb.New(evening),
}

func TestAWebhookIsSentAndReadWhole(t *testing.T) {
	server := scripted.New(t)
	server.Answer("PutWebhook", scripted.Reply(&rockqueuepb.PutWebhookResponse{Webhook: hook, Created: true, Secret: "whsec_x"}))
	filter := rockqueue.EventFilter{
		Queues: []string{"q"}, Names: []string{"n"}, JobIDs: []string{"j"}, FlowIDs: []string{"f"}, Schedules: []string{"s"},
		Types: []rockqueue.EventType{rockqueue.EventFlowFinished},
	}
	ctx, webhooks := within(t), clientOf(t, server, rockqueue.Config{}).Webhooks()
	made, err := webhooks.Put(ctx, rockqueue.NewWebhook{
		Name: "w", URL: "https://example.com", Filter: filter, Secret: "whsec_y", Disabled: true,
	})
	noError(t, err)
	sent(t, server, "PutWebhook", &rockqueuepb.PutWebhookRequest{Webhook: hook.GetSpec(), Secret: "whsec_y"})
	sameFields(t, *made, rockqueue.Webhook{
		Name: "w", URL: "https://example.com", Filter: filter, Disabled: true, CreateTime: noon, UpdateTime: evening, Cursor: "c",
		Pending: 3, GoneTime: noon, FormerSecretUntilTime: evening, Created: true, Secret: "whsec_x",
	})
	_, err = webhooks.Put(ctx, rockqueue.NewWebhook{Filter: rockqueue.EventFilter{Types: []rockqueue.EventType{"explode"}}})
	if !errors.Is(err, rockqueue.ErrUsage) {
		t.Fatalf("expected ErrUsage, got %v", err)
	}
}

func TestWebhooksAreLookedAfterByName(t *testing.T) {
	server := scripted.New(t)
	server.Answer("GetWebhook", scripted.Reply(&rockqueuepb.GetWebhookResponse{Webhook: hook}),
		scripted.Refuse(codes.NotFound, "WEBHOOK_NOT_FOUND", nil))
	server.Answer("ListWebhooks", scripted.Reply(&rockqueuepb.ListWebhooksResponse{Webhooks: []*rockqueuepb.Webhook{hook}}))
	server.Answer("DeleteWebhook", scripted.Reply(&rockqueuepb.DeleteWebhookResponse{}))
	server.Answer("RotateWebhookSecret", scripted.Reply(&rockqueuepb.RotateWebhookSecretResponse{Webhook: hook, Secret: "whsec_z"}))
	server.Answer("TestWebhook", scripted.Reply(&rockqueuepb.TestWebhookResponse{Attempt: &rockqueuepb.WebhookAttempt{
		Time: timestamppb.New(noon), Status: 500, Error: "e", Took: durationpb.New(time.Second),
	}}))
	ctx, webhooks := within(t), clientOf(t, server, rockqueue.Config{}).Webhooks()
	got, err := webhooks.Get(ctx, "w")
	noError(t, err)
	equal(t, got.Name+got.Secret, "w", "name, and no secret")
	_, err = webhooks.Get(ctx, "w")
	if !errors.Is(err, rockqueue.ErrWebhookNotFound) || !errors.Is(err, rockqueue.ErrNotFound) {
		t.Fatalf("expected ErrWebhookNotFound, got %v", err)
	}
	equal(t, all(t, webhooks.List(ctx))[0].Name, "w", "listed")
	noError(t, webhooks.Delete(ctx, "w"))
	sent(t, server, "DeleteWebhook", &rockqueuepb.DeleteWebhookRequest{Name: "w"})
	rotated, err := webhooks.RotateSecret(ctx, "w", nil)
	noError(t, err)
	equal(t, rotated.Secret, "whsec_z", "new secret")
	sent(t, server, "RotateWebhookSecret", &rockqueuepb.RotateWebhookSecretRequest{Name: "w"})
	options := &rockqueue.RotateSecretOptions{Secret: "whsec_y", Overlap: new(time.Duration(0))}
	_, err = webhooks.RotateSecret(ctx, "w", options)
	noError(t, err)
	sent(t, server, "RotateWebhookSecret", &rockqueuepb.RotateWebhookSecretRequest{
		Name: "w", Secret: "whsec_y", Overlap: durationpb.New(0),
	})
	attempt, err := webhooks.Test(ctx, "w")
	noError(t, err)
	equal(t, *attempt, rockqueue.WebhookAttempt{Time: noon, Status: 500, Error: "e", Took: time.Second}, "attempt")
}

func TestTheLogOfAWebhookIsRead(t *testing.T) {
	server := scripted.New(t)
	delivery := &rockqueuepb.WebhookDelivery{
		Id: "d", State: rockqueuepb.WebhookDeliveryState_WEBHOOK_DELIVERY_STATE_PENDING, NextTime: timestamppb.New(evening),
		Event:    &rockqueuepb.Event{Type: 4711, FlowState: rockqueuepb.FlowState_FLOW_STATE_FAILED, Schedule: "s"},
		Attempts: []*rockqueuepb.WebhookAttempt{{Status: 503}, {Error: "refused"}},
	}
	server.Answer("ListWebhookDeliveries", scripted.Reply(&rockqueuepb.ListWebhookDeliveriesResponse{
		Deliveries: []*rockqueuepb.WebhookDelivery{delivery, {State: 4711}},
	}))
	server.Answer("ResendWebhookDelivery", scripted.Reply(&rockqueuepb.ResendWebhookDeliveryResponse{Delivery: delivery}),
		scripted.Refuse(codes.NotFound, "WEBHOOK_DELIVERY_NOT_FOUND", nil))
	ctx, webhooks := within(t), clientOf(t, server, rockqueue.Config{}).Webhooks()
	log := all(t, webhooks.Deliveries(ctx, "w", rockqueue.WebhookPending))
	sent(t, server, "ListWebhookDeliveries", &rockqueuepb.ListWebhookDeliveriesRequest{
		Name: "w", State: rockqueuepb.WebhookDeliveryState_WEBHOOK_DELIVERY_STATE_PENDING,
	})
	resent, err := webhooks.Resend(ctx, "w", "d")
	noError(t, err)
	sent(t, server, "ResendWebhookDelivery", &rockqueuepb.ResendWebhookDeliveryRequest{Name: "w", DeliveryId: "d"})
	for _, one := range []*rockqueue.WebhookDelivery{log[0], resent} {
		equal(t, fmt.Sprint(one.ID, one.State, one.NextTime.Equal(evening), one.Attempts[0].Status, one.Attempts[1].Error),
			fmt.Sprint("d", "PENDING", true, 503, "refused"), "delivery")
		equal(t, one.Event.Type, rockqueue.EventUnknown, "type from tomorrow")
		equal(t, one.Event.FlowState, rockqueue.FlowFailed, "flow state")
		equal(t, one.Event.Schedule, "s", "schedule")
	}
	equal(t, log[1].State, rockqueue.WebhookUnknown, "state from tomorrow")
	if _, err := webhooks.Resend(ctx, "w", "d"); !errors.Is(err, rockqueue.ErrWebhookDeliveryNotFound) {
		t.Fatalf("expected ErrWebhookDeliveryNotFound, got %v", err)
	}
	for _, err := range webhooks.Deliveries(ctx, "w", "explode") {
		if !errors.Is(err, rockqueue.ErrUsage) {
			t.Fatalf("expected ErrUsage, got %v", err)
		}
	}
}
