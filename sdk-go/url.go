package rockqueue

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
)

const (
	// DefaultURL is where a client looks when neither Config.URL nor the environment names a server.
	DefaultURL = "rockqueue://localhost:7655"

	defaultPort = "7655"
	lastPort    = 65535

	// environmentURL is the environment variable that names the server.
	environmentURL = "ROCKQUEUE_URL"

	urlForms = `"rockqueue://host:port", "unix:///path/to.sock" or "embedded:./jobs.db"`
)

var hostPort = regexp.MustCompile(`^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?/?$`)

// target says where to find RockQueue: address is what gRPC dials, or the folder of an embedded store.
type target struct {
	embedded bool
	address  string
}

// resolveURL returns the URL to use: the one given, else that of the environment, else a server on this machine.
func resolveURL(url string) string {
	if url != "" {
		return url
	}
	if url = os.Getenv(environmentURL); url != "" {
		return url
	}
	return DefaultURL
}

// parseURL takes a URL apart. Its errors name the forms that are allowed.
func parseURL(url string) (target, error) {
	scheme, rest, found := strings.Cut(url, ":")
	switch {
	case found && scheme == "rockqueue" && strings.HasPrefix(rest, "//"):
		return parseHost(url, rest[2:])
	case found && scheme == "unix":
		path := strings.TrimPrefix(rest, "//")
		if len(path) > 1 && path[0] == '/' {
			return target{address: "unix:" + path}, nil
		}
		return target{}, fmt.Errorf("%q: a Unix socket needs an absolute path, such as unix:///run/rockqueue.sock", url)
	case found && scheme == "embedded":
		if strings.HasPrefix(rest, "///") {
			rest = rest[2:]
		}
		if rest == "" || rest == "." || rest == "/" || strings.HasPrefix(rest, "//") {
			return target{}, fmt.Errorf("%q: an embedded store needs a directory, such as embedded:./jobs.db", url)
		}
		return target{embedded: true, address: rest}, nil
	}
	return target{}, fmt.Errorf("%q is not a RockQueue URL; write %s", url, urlForms)
}

func parseHost(url, authority string) (target, error) {
	match := hostPort.FindStringSubmatch(authority)
	if match == nil {
		return target{}, fmt.Errorf("%q: expected a host and perhaps a port after rockqueue://, and nothing else", url)
	}
	host, port := match[1], match[2]
	if port == "" {
		port = defaultPort
	}
	if number, err := strconv.Atoi(port); err != nil || number < 1 || number > lastPort {
		return target{}, fmt.Errorf("%q: the port must be 1 to %d", url, lastPort)
	}
	return target{address: host + ":" + port}, nil
}
