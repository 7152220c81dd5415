package shop

// The shops that share the mail queue: each is a group of its own, so that none keeps the others waiting.

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"regexp"
	"strconv"
	"time"
	"unicode/utf8"

	rockqueue "github.com/rockqueue/rockqueue/sdk-go"
)

const (
	// tenantMaxActive is how many mails of one tenant may be under way at once, over all workers.
	tenantMaxActive = 5
	limitPause      = time.Second
)

// tenantName is what a group may be called, and shorter.
var tenantName = regexp.MustCompile(`^[^\p{Cc}\x{2028}\x{2029}]{1,64}$`)

type cancelled struct {
	Affected int64 `json:"affected"`
	DryRun   bool  `json:"dry_run"`
}

// LimitTenants sets the limit of a tenant, as soon as the queue can be reached. Not waited for: an app whose queue is away
// still starts, and tells its visitors to try again.
func LimitTenants(ctx context.Context, client *rockqueue.Client) {
	for ctx.Err() == nil {
		settings := rockqueue.QueueSettings{GroupMaxActive: new(int32(tenantMaxActive))}
		_, err := client.Queues().Update(ctx, Queue, settings)
		switch {
		case err == nil, ctx.Err() != nil:
			return
		case !errors.Is(err, rockqueue.ErrUnavailable) && !errors.Is(err, context.DeadlineExceeded):
			slog.Error("the limit of a tenant could not be set", "why", err)
			return
		}
		select {
		case <-time.After(limitPause):
		case <-ctx.Done():
		}
	}
}

// shown in the README: [bulk]

// cancelTenant cancels what a tenant has not sent yet, or counts it: no mail is named, and there may be very many.
func (a api) cancelTenant(r *http.Request) (any, error) {
	query := r.URL.Query()
	tenant, err := tenantOf(query.Get("tenant"))
	if err != nil {
		return nil, err
	}
	dryRun, err := strconv.ParseBool(query.Get("dry_run"))
	if err != nil && query.Has("dry_run") {
		return nil, errDryRun
	}
	filter := rockqueue.JobFilter{Queue: Queue, Group: tenant}
	affected, err := a.client.CancelAll(r.Context(), filter, &rockqueue.BulkOptions{DryRun: dryRun})
	return cancelled{Affected: affected, DryRun: dryRun}, err
}

// shown in the README: [/bulk]

// tenantOf checks a name: an empty one would be no group at all, and a filter without one cancels everybody's mails.
func tenantOf(name string) (string, error) {
	if !utf8.ValidString(name) || !tenantName.MatchString(name) {
		return "", errTenant
	}
	return name, nil
}
