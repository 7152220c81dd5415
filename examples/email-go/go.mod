module github.com/rockqueue/rockqueue/examples/email-go

go 1.26.0

require (
	github.com/emersion/go-smtp v0.25.1
	github.com/rockqueue/rockqueue/sdk-go v0.1.0
)

require (
	github.com/emersion/go-sasl v0.0.0-20241020182733-b788ff22d5a6 // indirect
	golang.org/x/net v0.60.0 // indirect
	golang.org/x/sys v0.48.0 // indirect
	golang.org/x/text v0.42.0 // indirect
	google.golang.org/genproto/googleapis/rpc v0.0.0-20261019180522-ce908d29299b // indirect
	google.golang.org/grpc v1.85.0 // indirect
	google.golang.org/protobuf v1.36.12 // indirect
)

replace github.com/rockqueue/rockqueue/sdk-go => ../../sdk-go
