package rockqueue

import (
	"errors"
	"maps"
	"regexp"
	"strconv"
	"strings"

	"google.golang.org/grpc/codes"

	"github.com/rockqueue/rockqueue/sdk-go/rockqueuepb"
)

const reasonQueueFull = "QUEUE_FULL"

var jobIndex = regexp.MustCompile(`^jobs\[(\d+)\]\.?`)

// deliver sends a batch until each of its entries has an answer, or waits elsewhere for room in its queue. One push that
// the server refuses does not fail the others.
func (b *pushBatcher) deliver(entries []*pushEntry) {
	for len(entries) > 0 {
		rest, err := b.sendOnce(entries, len(entries) == 1)
		switch {
		case err == nil:
			return
		case len(rest) > 1 && err.Reason == reasonQueueFull:
			entries = b.setAsideFull(rest, err)
		default:
			entries = b.withoutRefused(rest, err)
		}
	}
}

// sendOnce makes one logical call. It returns the entries that are still waited for, and why they have no answer yet.
// Refusals by a full queue are repeated only with waitWhileFull.
func (b *pushBatcher) sendOnce(entries []*pushEntry, waitWhileFull bool) ([]*pushEntry, *Error) {
	entries, ctx, open := b.start(entries)
	defer open.cancel()
	if len(entries) == 0 {
		return nil, nil
	}
	specs := make([]*rockqueuepb.JobSpec, len(entries))
	for index, entry := range entries {
		specs[index] = entry.spec
	}
	request := &rockqueuepb.PushJobsRequest{
		RequestId: newRequestID(), Jobs: specs, Durability: b.client.config.Durability.proto(),
	}
	finalReason := ""
	if !waitWhileFull {
		finalReason = reasonQueueFull
	}
	response, err := b.client.pushJobs(ctx, request, finalReason)
	if err != nil {
		var known *Error
		if !errors.As(err, &known) {
			known = fromRPC(err)
		}
		return entries, known
	}
	b.settle(entries, response.GetJobs())
	return nil, nil
}

// withoutRefused fails what the error is about, and returns the innocent rest.
func (b *pushBatcher) withoutRefused(entries []*pushEntry, err *Error) []*pushEntry {
	refused := refusedIndexes(err, len(entries))
	if len(refused) > 0 {
		rest := make([]*pushEntry, 0, len(entries))
		for index, entry := range entries {
			if refused[index] {
				b.fail([]*pushEntry{entry}, aboutOneJob(err, index))
			} else {
				rest = append(rest, entry)
			}
		}
		return rest
	}
	if err.Code == codes.InvalidArgument && len(entries) > 1 {
		// The server does not say which one: halving finds it.
		middle := len(entries) / 2
		b.deliver(entries[:middle])
		return entries[middle:]
	}
	b.fail(entries, err)
	return nil
}

// setAsideFull lets the pushes to a full queue wait by themselves, and returns those to other queues.
func (b *pushBatcher) setAsideFull(entries []*pushEntry, err *Error) []*pushEntry {
	queue := err.Metadata["queue"]
	var waiting, others []*pushEntry
	for _, entry := range entries {
		if entry.spec.GetQueue() == queue {
			waiting = append(waiting, entry)
		} else {
			others = append(others, entry)
		}
	}
	if len(waiting) == 0 {
		waiting, others = entries, nil
	}
	b.senders.Go(func() { b.pushIntoFullQueue(waiting) })
	return others
}

// pushIntoFullQueue finds by halving how many still fit, in order; the first that does not waits as a single push does.
func (b *pushBatcher) pushIntoFullQueue(entries []*pushEntry) {
	size := max(1, len(entries)/2)
	for len(entries) > 0 {
		size = min(size, len(entries))
		rest, err := b.sendOnce(entries[:size], size == 1)
		switch {
		case err == nil:
			entries = entries[size:]
		case err.Reason != reasonQueueFull:
			entries = append(b.withoutRefused(rest, err), entries[size:]...)
		case size == 1:
			b.fail(append(rest, entries[size:]...), err)
			return
		default:
			entries = append(rest, entries[size:]...)
			size = max(1, size/2)
		}
	}
}

// refusedIndexes tells which jobs of a batch an error is about; none when it is about the batch as such.
func refusedIndexes(err *Error, count int) map[int]bool {
	found := make(map[int]bool)
	add := func(digits string) {
		if index, err := strconv.Atoi(digits); err == nil && index >= 0 && index < count {
			found[index] = true
		}
	}
	switch {
	case errors.Is(err, ErrUniqueConflict):
		add(err.Metadata["index"])
	case err.Code == codes.InvalidArgument:
		for _, one := range err.Violations {
			if match := jobIndex.FindStringSubmatch(one.Field); match != nil {
				add(match[1])
			}
		}
		if match := jobIndex.FindStringSubmatch(err.Metadata[metadataField]); match != nil {
			add(match[1])
		}
	}
	return found
}

// aboutOneJob is the error in the terms of one push: its caller knows nothing of a position in a batch.
func aboutOneJob(err *Error, index int) *Error {
	own := err.clone()
	own.Metadata = maps.Clone(own.Metadata)
	prefix := "jobs[" + strconv.Itoa(index) + "]"
	own.Violations = nil
	for _, one := range err.Violations {
		if strings.HasPrefix(one.Field, prefix) {
			own.Violations = append(own.Violations, Violation{jobIndex.ReplaceAllString(one.Field, ""), one.Description})
		}
	}
	named := err.Metadata[metadataField]
	if named != "" && !strings.HasPrefix(named, prefix) && len(own.Violations) > 0 {
		// The message is about another job of the batch.
		own.Metadata[metadataField] = own.Violations[0].Field
		own.Message = own.Violations[0].Field + ": " + own.Violations[0].Description
	} else {
		if named != "" {
			own.Metadata[metadataField] = jobIndex.ReplaceAllString(named, "")
		}
		own.Message = strings.Replace(err.Message, prefix+".", "", 1)
	}
	delete(own.Metadata, "index")
	return own
}
