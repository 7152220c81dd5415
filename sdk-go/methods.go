package rockqueue

import (
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/rockqueue/rockqueue/sdk-go/rockqueuepb"
)

// method is what the contract says about repeating an RPC.
type method struct {
	name string
	// repeatable: the contract allows to send the request again.
	repeatable bool
	// mutating: the call may change something.
	mutating bool
}

// methods are the RPCs of the contract by their path on the wire; the retry table comes from the descriptors alone.
var methods = describeMethods(
	rockqueuepb.File_rockqueue_v1_job_service_proto,
	rockqueuepb.File_rockqueue_v1_work_service_proto,
	rockqueuepb.File_rockqueue_v1_queue_service_proto,
	rockqueuepb.File_rockqueue_v1_event_service_proto,
	rockqueuepb.File_rockqueue_v1_schedule_service_proto,
	rockqueuepb.File_rockqueue_v1_flow_service_proto,
	rockqueuepb.File_rockqueue_v1_webhook_service_proto,
	rockqueuepb.File_rockqueue_v1_server_service_proto,
)

func describeMethods(files ...protoreflect.FileDescriptor) map[string]method {
	found := make(map[string]method)
	for _, file := range files {
		for i := range file.Services().Len() {
			service := file.Services().Get(i)
			for j := range service.Methods().Len() {
				one := service.Methods().Get(j)
				level := descriptorpb.MethodOptions_IDEMPOTENCY_UNKNOWN
				if options, ok := one.Options().(*descriptorpb.MethodOptions); ok {
					level = options.GetIdempotencyLevel()
				}
				found["/"+string(service.FullName())+"/"+string(one.Name())] = method{
					name:       string(one.Name()),
					repeatable: level != descriptorpb.MethodOptions_IDEMPOTENCY_UNKNOWN,
					mutating:   level != descriptorpb.MethodOptions_NO_SIDE_EFFECTS,
				}
			}
		}
	}
	return found
}

// methodOf returns what is known of a path; a method that the contract does not have is made once.
func methodOf(path string) method {
	if known, ok := methods[path]; ok {
		return known
	}
	return method{name: path, mutating: true}
}
