package rockqueue

import (
	"fmt"
	"testing"
)

func deliver(ledger *creditLedger, from, count int) {
	for number := range count {
		ledger.delivered(fmt.Append(nil, from+number))
	}
}

func TestAWindowOfOneNeverStalls(t *testing.T) {
	ledger := newCreditLedger(1, 0)
	for number := range 100 {
		if got := ledger.grant(); got != 1 {
			t.Fatalf("job %d: expected 1 credit, got %d", number, got)
		}
		if got := ledger.grant(); got != 0 {
			t.Fatalf("job %d: expected no second credit, got %d", number, got)
		}
		deliver(ledger, number, 1)
		ledger.settled(fmt.Append(nil, number))
	}
}

func TestCreditsAreGrantedByTheQuarterWhileDeliveriesWait(t *testing.T) {
	ledger := newCreditLedger(10, 30)
	if got := ledger.grant(); got != 40 {
		t.Fatalf("expected the window, got %d", got)
	}
	deliver(ledger, 0, 40)
	for number := range 9 {
		ledger.settled(fmt.Append(nil, number))
		if got := ledger.grant(); got != 0 {
			t.Fatalf("expected no credits after %d settlements, got %d", number+1, got)
		}
	}
	ledger.settled(fmt.Append(nil, 9))
	if got := ledger.grant(); got != 10 {
		t.Fatalf("expected a quarter of the window, got %d", got)
	}
}

func TestTheWindowIsNeverOverdrawn(t *testing.T) {
	ledger := newCreditLedger(3, 4)
	next, oldest := 0, 0
	for step := range 1000 {
		ledger.grant()
		if ledger.held() > 7 {
			t.Fatalf("step %d: %d are held of a window of 7", step, ledger.held())
		}
		for count := step % 4; count > 0 && ledger.granted > 0; count-- {
			deliver(ledger, next, 1)
			next++
		}
		for count := step % 3; count > 0 && oldest < next; count-- {
			ledger.settled(fmt.Append(nil, oldest))
			oldest++
		}
		if step%97 == 0 {
			ledger.streamEnded()
		}
	}
}
