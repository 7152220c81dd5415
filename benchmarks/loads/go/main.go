// The loads that use the Go SDK, each run as a process of its own by the harness: `go NAME`. A load's parameters come as
// JSON in the first line of its input. `go --version` tells Go's.
package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
)

var loads = map[string]func(context.Context, *link) error{
	"e2e_produce": e2eProduce,
	"e2e_work":    e2eWork,
	"single_push": singlePush,
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	if len(arguments) == 1 && arguments[0] == "--version" {
		_, err := fmt.Fprintln(os.Stdout, strings.TrimPrefix(runtime.Version(), "go"))
		return err
	}
	if len(arguments) != 1 || loads[arguments[0]] == nil {
		return fmt.Errorf("no load %q; there are: %q", arguments, slices.Sorted(maps.Keys(loads)))
	}
	return loads[arguments[0]](context.Background(), newLink(os.Stdin, os.Stdout))
}
