// Package rockqueuepb holds the messages and stubs of the contract, rockqueue.v1, as they are generated from proto/.
//
// Programs rarely need it: package rockqueue has a surface of its own. For what that one does not cover, give the stubs
// the connection of a client, which adds its deadlines, its retries and its errors:
//
//	work := rockqueuepb.NewWorkServiceClient(client.Raw())
//	pulled, err := work.PullJobs(ctx, &rockqueuepb.PullJobsRequest{Queues: []string{"mail"}, Worker: "w-1"})
package rockqueuepb
