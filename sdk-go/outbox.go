package rockqueue

import (
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/rockqueue/rockqueue/sdk-go/rockqueuepb"
)

const (
	outboxEntries = 1_000
	outboxBytes   = 4 << 20
	// entryOverhead is what stands around each entry of a batch: field number and length.
	entryOverhead = 8
	outboxLines   = 1_000
	outboxText    = 64 << 10
)

// outbox is what a worker still has to say. Settlements are kept over streams, and sent again until the server has
// answered them; reports are sent once, put together by job.
type outbox struct {
	waiting    []*rockqueuepb.Settlement
	unanswered map[int64][]*rockqueuepb.Settlement
	order      []int64
	reports    map[string]*rockqueuepb.JobReport
	sequence   int64
}

func newOutbox() *outbox {
	return &outbox{
		unanswered: make(map[int64][]*rockqueuepb.Settlement), reports: make(map[string]*rockqueuepb.JobReport),
	}
}

func (o *outbox) add(settlement *rockqueuepb.Settlement) { o.waiting = append(o.waiting, settlement) }

// report takes progress and log lines; what a job reports until they are sent is put together.
func (o *outbox) report(report *rockqueuepb.JobReport) {
	known := o.reports[string(report.GetLeaseToken())]
	if known == nil {
		o.reports[string(report.GetLeaseToken())] = report
		return
	}
	if report.Percent != nil {
		known.Percent = report.Percent
	}
	if report.Message != nil {
		known.Message = report.Message
	}
	known.LogLines = keepLast(append(known.LogLines, report.GetLogLines()...))
}

// keepLast drops the lines that the server would not keep either.
func keepLast(lines []string) []string {
	size := 0
	for index, line := range slices.Backward(lines) {
		size += len(line)
		if size > outboxText || len(lines)-index > outboxLines {
			return lines[index+1:]
		}
	}
	return lines
}

// idle is true when every settlement has its answer.
func (o *outbox) idle() bool { return len(o.waiting) == 0 && len(o.unanswered) == 0 }

// open counts settlements without an answer.
func (o *outbox) open() int {
	count := len(o.waiting)
	for _, batch := range o.unanswered {
		count += len(batch)
	}
	return count
}

// tokens are the leases of all settlements without an answer.
func (o *outbox) tokens() [][]byte {
	tokens := make([][]byte, 0, o.open())
	for _, sequence := range o.order {
		for _, one := range o.unanswered[sequence] {
			tokens = append(tokens, one.GetLeaseToken())
		}
	}
	for _, one := range o.waiting {
		tokens = append(tokens, one.GetLeaseToken())
	}
	return tokens
}

// streamEnded: what was not answered on the old stream is sent again on the next, first and in order.
func (o *outbox) streamEnded() {
	again := make([]*rockqueuepb.Settlement, 0, o.open())
	for _, sequence := range o.order {
		again = append(again, o.unanswered[sequence]...)
	}
	o.waiting = append(again, o.waiting...)
	o.order = nil
	clear(o.unanswered)
}

// drop forgets outcomes whose leases are lost, and returns how many there were.
func (o *outbox) drop(lost map[string]struct{}) int {
	kept := o.waiting[:0]
	for _, one := range o.waiting {
		if _, gone := lost[string(one.GetLeaseToken())]; !gone {
			kept = append(kept, one)
		}
	}
	dropped := len(o.waiting) - len(kept)
	clear(o.waiting[len(kept):])
	o.waiting = kept
	return dropped
}

// takeReports returns all reports, in messages within the limits.
func (o *outbox) takeReports() []*rockqueuepb.WorkRequest {
	if len(o.reports) == 0 {
		return nil
	}
	var messages []*rockqueuepb.WorkRequest
	batch, size := &rockqueuepb.JobReports{}, 0
	flush := func() {
		messages = append(messages, &rockqueuepb.WorkRequest{Message: &rockqueuepb.WorkRequest_Reports{Reports: batch}})
	}
	for _, report := range o.reports {
		weight := proto.Size(report) + entryOverhead
		if len(batch.GetReports()) > 0 && (len(batch.GetReports()) >= outboxEntries || size+weight > outboxBytes) {
			flush()
			batch, size = &rockqueuepb.JobReports{}, 0
		}
		batch.Reports = append(batch.Reports, report)
		size += weight
	}
	flush()
	clear(o.reports)
	return messages
}

// takeBatch returns the next batch of settlements within the limits.
func (o *outbox) takeBatch() *rockqueuepb.Settlements {
	count, size := 0, 0
	for count < len(o.waiting) && count < outboxEntries {
		weight := proto.Size(o.waiting[count]) + entryOverhead
		if count > 0 && size+weight > outboxBytes {
			break
		}
		size += weight
		count++
	}
	batch := o.waiting[:count:count]
	o.waiting = o.waiting[count:]
	o.sequence++
	o.unanswered[o.sequence] = batch
	o.order = append(o.order, o.sequence)
	return &rockqueuepb.Settlements{Sequence: o.sequence, Settlements: batch}
}

// refusal is a settlement that was not carried out.
type refusal struct {
	settlement *rockqueuepb.Settlement
	status     *rockqueuepb.EntryStatus
}

// answered takes the answer to a batch, and returns what was not carried out.
func (o *outbox) answered(results *rockqueuepb.SettlementResults) []refusal {
	batch, known := o.unanswered[results.GetSequence()]
	if !known {
		return nil
	}
	delete(o.unanswered, results.GetSequence())
	for index, sequence := range o.order {
		if sequence == results.GetSequence() {
			o.order = append(o.order[:index], o.order[index+1:]...)
			break
		}
	}
	var refusals []refusal
	for _, failure := range results.GetFailures() {
		if index := int(failure.GetIndex()); index >= 0 && index < len(batch) {
			refusals = append(refusals, refusal{batch[index], failure.GetStatus()})
		}
	}
	return refusals
}
