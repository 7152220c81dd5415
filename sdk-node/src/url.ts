// The URL that names a server, a socket or a local store; pure, and the same table of vectors in every SDK.

export const DEFAULT_PORT = 7655;
export const DEFAULT_URL = `rockqueue://localhost:${DEFAULT_PORT}`;

const LAST_PORT = 65535;
const FORMS = '"rockqueue://host:port", "unix:///path/to.sock" or "embedded:./jobs.db"';
const HOST_PORT = /^(?<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(?<port>[0-9]{1,5}))?\/?$/;

/** Where to find RockQueue: `address` is what gRPC dials for a server, and a directory for a local store. */
export interface Target {
  readonly kind: "grpc" | "embedded";
  readonly address: string;
}

/** The URL to use: the argument, else `ROCKQUEUE_URL`, else a server on this machine. */
export function resolveUrl(url: string | undefined): string {
  return url || process.env.ROCKQUEUE_URL || DEFAULT_URL;
}

/** Takes a URL apart. Throws a TypeError, which names the forms allowed. */
export function parseUrl(url: string): Target {
  const colon = url.indexOf(":");
  const scheme = colon < 0 ? "" : url.slice(0, colon);
  const rest = url.slice(colon + 1);
  if (scheme === "rockqueue" && rest.startsWith("//")) {
    return { kind: "grpc", address: hostAndPort(url, rest.slice(2)) };
  }
  if (scheme === "unix") {
    return { kind: "grpc", address: `unix:${socketPath(url, rest)}` };
  }
  if (scheme === "embedded") {
    return { kind: "embedded", address: directory(url, rest) };
  }
  throw new TypeError(`"${url}" is not a RockQueue URL; write ${FORMS}`);
}

function hostAndPort(url: string, authority: string): string {
  const match = HOST_PORT.exec(authority);
  if (match?.groups === undefined) {
    throw new TypeError(`"${url}": expected a host and perhaps a port after rockqueue://, and nothing else`);
  }
  const port = match.groups.port === undefined ? DEFAULT_PORT : Number(match.groups.port);
  if (port < 1 || port > LAST_PORT) {
    throw new TypeError(`"${url}": the port must be 1 to ${LAST_PORT}`);
  }
  return `${match.groups.host}:${port}`;
}

function socketPath(url: string, rest: string): string {
  const path = rest.startsWith("//") ? rest.slice(2) : rest;
  if (path.startsWith("/") && path.length > 1) {
    return path;
  }
  throw new TypeError(`"${url}": a Unix socket needs an absolute path, such as unix:///run/rockqueue.sock`);
}

function directory(url: string, rest: string): string {
  const path = rest.startsWith("///") ? rest.slice(2) : rest;
  if (["", ".", "/"].includes(path) || path.startsWith("//")) {
    throw new TypeError(`"${url}": a local store needs a directory, such as embedded:./jobs.db`);
  }
  return path;
}
