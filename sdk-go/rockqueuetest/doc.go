// Package rockqueuetest helps to test programs that use RockQueue.
//
// [NewServer] is a real server of a test's own, whose clock the test turns: a job that is due tomorrow runs now.
//
//	func TestItIsSentTomorrow(t *testing.T) {
//		server := rockqueuetest.NewServer(t)
//		client := server.Client(rockqueue.Config{})
//		pushed, err := client.Push(ctx, Welcome{To: "ada@example.com"}, &rockqueue.PushOptions{Delay: 24 * time.Hour})
//		...
//		server.Advance(24 * time.Hour)
//	}
//
// [RequirePushed] asserts that a program has pushed what it should have, and [Work] gives a Worker one job without any
// server, and returns what it did with it.
package rockqueuetest
