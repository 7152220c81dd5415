package rockqueue

import (
	"context"
	"iter"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/rockqueue/rockqueue/sdk-go/rockqueuepb"
)

// RateLimit is how many deliveries there may be in a time: a bucket that fills up evenly, and that a restart of the server
// does not fill.
type RateLimit struct {
	// Count is how many deliveries: 1 to 1,000,000.
	Count int32
	// Period is the time: 1 ms to 1 day. Default: 1 s.
	Period time.Duration
	// Burst is how many may come at once after a pause: 1 to 1,000,000. Default: Count.
	Burst int32
}

// Group is a group of a queue: the jobs with one PushOptions.Group.
type Group struct {
	// Key is what its jobs call it.
	Key string
	// Settings are those that were set for this group; for the others the queue's hold.
	Settings GroupSettings
	// Waiting is how many of its jobs are WAITING.
	Waiting int64
	// Active is how many of its jobs are ACTIVE.
	Active int64
}

// GroupSettings are what can be set for a group, at any time. In an update, what is nil stays as it is.
type GroupSettings struct {
	// Weight is how many of its jobs are served in its turn, compared with those of other groups: 1 to 1,000. Default: 1.
	Weight *int32
	// MaxActive is how many of its jobs may be ACTIVE at once; 1 also keeps their order strictly, retries included. Default:
	// the queue's GroupMaxActive.
	MaxActive *int32
	// Rate is how many of its deliveries there may be in a time. Default: the queue's GroupRate.
	Rate *RateLimit
}

// ListGroups returns the groups of a queue that have unfinished jobs or settings of their own, and whose key begins with
// prefix, by key. An error ends it: ErrQueueNotFound.
func (q Queues) ListGroups(ctx context.Context, queue, prefix string) iter.Seq2[*Group, error] {
	return listing(func(token string) ([]*rockqueuepb.Group, string, error) {
		page, err := q.client.queues.ListGroups(ctx, &rockqueuepb.ListGroupsRequest{
			Queue: queue, Prefix: prefix, PageToken: token,
		})
		return page.GetGroups(), page.GetNextPageToken(), err
	}, groupFrom)
}

// UpdateGroup changes the settings of one group, and makes the queue if need be. The settings named in reset, by their
// proto name ("max_active"), go back to their default.
func (q Queues) UpdateGroup(
	ctx context.Context, queue, group string, settings GroupSettings, reset ...string,
) (*Group, error) {
	response, err := q.client.queues.UpdateGroup(ctx, &rockqueuepb.UpdateGroupRequest{
		RequestId: newRequestID(), Queue: queue, Group: group, Reset_: reset,
		Settings: &rockqueuepb.GroupSettings{
			Weight: settings.Weight, MaxActive: settings.MaxActive, Rate: settings.Rate.proto(),
		},
	})
	if err != nil {
		return nil, err
	}
	return groupFrom(response.GetGroup()), nil
}

func groupFrom(group *rockqueuepb.Group) *Group {
	made := &Group{Key: group.GetKey(), Waiting: group.GetWaiting(), Active: group.GetActive()}
	if settings := group.GetSettings(); settings != nil {
		made.Settings = GroupSettings{
			Weight: settings.Weight, MaxActive: settings.MaxActive, Rate: rateFrom(settings.GetRate()),
		}
	}
	return made
}

func (r *RateLimit) proto() *rockqueuepb.RateLimit {
	if r == nil {
		return nil
	}
	limit := &rockqueuepb.RateLimit{Count: r.Count}
	if r.Period != 0 {
		limit.Period = durationpb.New(r.Period)
	}
	if r.Burst != 0 {
		limit.Burst = &r.Burst
	}
	return limit
}

func rateFrom(limit *rockqueuepb.RateLimit) *RateLimit {
	if limit == nil {
		return nil
	}
	return &RateLimit{Count: limit.GetCount(), Period: limit.GetPeriod().AsDuration(), Burst: limit.GetBurst()}
}
