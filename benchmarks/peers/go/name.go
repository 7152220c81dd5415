package main

import (
	"fmt"
	"os"
	"sync/atomic"
)

var named atomic.Int64

// uniqueName is a name that no other connection has.
func uniqueName(kind string) string { return fmt.Sprintf("%s-%d-%d", kind, os.Getpid(), named.Add(1)) }
