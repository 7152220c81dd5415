module github.com/rockqueue/rockqueue/server-python/torture/workers/go

go 1.26.0

replace github.com/rockqueue/rockqueue/sdk-go => ../../../../sdk-go

require (
	github.com/rockqueue/rockqueue/sdk-go v0.0.0
	golang.org/x/sys v0.48.0
)

require (
	golang.org/x/net v0.60.0 // indirect
	golang.org/x/text v0.42.0 // indirect
	google.golang.org/genproto/googleapis/rpc v0.0.0-20261019180522-ce908d29299b // indirect
	google.golang.org/grpc v1.85.0 // indirect
	google.golang.org/protobuf v1.36.12 // indirect
)
