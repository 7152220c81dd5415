package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rockqueue/rockqueue/examples/email-go/smtpsink"
)

// counted is what was counted in a run.
type counted struct {
	// acknowledged are the job ids that were answered with 202; before is how many of them before the kill.
	acknowledged []string
	before       int
	// unanswered are requests without a 202.
	unanswered int
	// arrivals are the mails that the mail server accepted.
	arrivals []smtpsink.Arrival
	// dead are the job ids of the dead letters.
	dead []string
	// remains are what was on disk after the kill.
	remains remains
}

// row is one line of the books.
type row struct {
	what  string
	count int
	note  string
	// verdict is "ok" or "WRONG", and empty for information.
	verdict string
}

// closeBooks compares the mails that were promised with those that arrived. It does no I/O.
func closeBooks(c counted) []row {
	byJob := make(map[string][]string)
	for _, mail := range c.arrivals {
		byJob[mail.JobID] = append(byJob[mail.JobID], mail.MessageID)
	}
	var lost []string
	arrived := 0
	for _, id := range c.acknowledged {
		_, accepted := byJob[id]
		if accepted {
			arrived++
		} else if !slices.Contains(c.dead, id) {
			lost = append(lost, id)
		}
	}
	twice, unlike := 0, 0
	for _, ids := range byJob {
		if len(ids) > 1 {
			twice++
		}
		if slices.ContainsFunc(ids, func(id string) bool { return id != ids[0] }) {
			unlike++
		}
	}
	nobodys := len(byJob) - arrived
	onDisk, problems := c.remains.Jobs, c.remains.Problems
	return []row{
		check("on disk after the kill", onDisk, fmt.Sprintf("%d were acknowledged before it", c.before),
			c.before <= onDisk && onDisk <= c.before+c.unanswered),
		check("discrepancies on disk", len(problems), strings.Join(append(problems, "rockqueue check"), "; "),
			len(problems) == 0),
		check("acknowledged with HTTP 202", len(c.acknowledged), "the job was on disk before the answer",
			len(c.acknowledged) > 0),
		{what: "arrived at the mail server", count: arrived, note: "counted there"},
		{what: "in the dead letters instead", count: len(c.dead), note: "refused at every attempt, kept to be looked at"},
		check("lost", len(lost), strings.Join(append(lost, "acknowledged, neither arrived nor dead"), " "), len(lost) == 0),
		check("nobody's", nobodys, fmt.Sprintf("%d requests got no answer", c.unanswered), nobodys <= c.unanswered),
		{what: "arrived twice", count: twice, note: "killed after the mail server took it: at least once, so sent again"},
		check("copies with another Message-ID", unlike, "mail systems recognise the others", unlike == 0),
	}
}

func check(what string, count int, note string, holds bool) row {
	verdict := "WRONG"
	if holds {
		verdict = "ok"
	}
	return row{what, count, note, verdict}
}

// sum counts the rows that hold and those that do not.
func sum(rows []row) (passed, failed int) {
	for _, row := range rows {
		switch row.verdict {
		case "ok":
			passed++
		case "WRONG":
			failed++
		}
	}
	return passed, failed
}
