package main

import (
	"reflect"
	"testing"

	"github.com/rockqueue/rockqueue/examples/email-go/smtpsink"
)

func arrival(jobID string) smtpsink.Arrival {
	return smtpsink.Arrival{JobID: jobID, Attempt: 1, MessageID: "<" + jobID + ">"}
}

func good() counted {
	return counted{
		acknowledged: []string{"a", "b", "c"},
		before:       2,
		arrivals:     []smtpsink.Arrival{arrival("a"), arrival("b"), arrival("a")},
		dead:         []string{"c"},
		remains:      remains{Jobs: 2},
	}
}

func TestMailsThatArrivedAndDeadLettersAreAccountedFor(t *testing.T) {
	passed, failed := sum(closeBooks(good()))
	if passed != 6 || failed != 0 {
		t.Errorf("%d passed, %d failed", passed, failed)
	}
}

func TestEachThingThatCanBeWrongIsSeen(t *testing.T) {
	for wrong, change := range map[string]func(*counted){
		"lost":                           func(c *counted) { c.dead = nil },
		"nobody's":                       func(c *counted) { c.arrivals[2] = arrival("x") },
		"copies with another Message-ID": func(c *counted) { c.arrivals[2].MessageID = "<other>" },
		"on disk after the kill":         func(c *counted) { c.remains.Jobs = 1 },
		"discrepancies on disk":          func(c *counted) { c.remains.Problems = []string{"odd"} },
		"acknowledged with HTTP 202":     func(c *counted) { *c = counted{} },
	} {
		c := good()
		change(&c)
		var found []string
		for _, row := range closeBooks(c) {
			if row.verdict == "WRONG" {
				found = append(found, row.what)
			}
		}
		if !reflect.DeepEqual(found, []string{wrong}) {
			t.Errorf("%q was made wrong, and %q were found", wrong, found)
		}
	}
}

func TestARequestWithoutAnAnswerMayHaveBeenStored(t *testing.T) {
	c := good()
	c.unanswered = 1
	c.arrivals[2] = arrival("x")
	if _, failed := sum(closeBooks(c)); failed != 0 {
		t.Errorf("%d rows are wrong: %+v", failed, closeBooks(c))
	}
}
