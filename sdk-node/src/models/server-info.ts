// What the server is and can do, as plain values.
import { fromDuration, fromTimestamp, type Milliseconds } from "../durations.js";
import type { GetServerInfoResponse } from "../gen/rockqueue/v1/server_service.js";

/** The limits of a server; durations in milliseconds. */
export interface Limits {
  readonly payloadBytes: number;
  readonly batchEntries: number;
  readonly batchBytes: number;
  readonly headerBytes: number;
  readonly tags: number;
  readonly minLease: Milliseconds;
  readonly maxLease: Milliseconds;
  readonly maxDelay: Milliseconds;
  readonly attempts: number;
  readonly maxPoll: Milliseconds;
  readonly credits: number;
  readonly sessionQueues: number;
  /** Jobs of a flow. */
  readonly flowJobs: number;
}

/** Version, capabilities, limits and clock of a server. */
export interface ServerInfo {
  readonly version: string;
  /** One name of the contract's `Capabilities` for each thing the server can do, such as `"work_stream"`. */
  readonly capabilities: ReadonlySet<string>;
  readonly limits: Limits;
  readonly serverTime: Date;
}

/** The message as a value. */
export function serverInfo(message: GetServerInfoResponse): ServerInfo {
  const able = Object.entries(message.capabilities ?? {}).filter(([, value]) => value === true);
  const { minLease, maxLease, maxDelay, maxPoll, ...numbers } = message.limits ?? NO_LIMITS;
  const ms = (duration: typeof minLease): number => (duration === undefined ? 0 : fromDuration(duration));
  return {
    version: message.version,
    capabilities: new Set(able.map(([name]) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`))),
    limits: {
      ...numbers,
      minLease: ms(minLease),
      maxLease: ms(maxLease),
      maxDelay: ms(maxDelay),
      maxPoll: ms(maxPoll),
    },
    serverTime: fromTimestamp(message.serverTime),
  };
}

const NO_LIMITS = {
  payloadBytes: 0,
  batchEntries: 0,
  batchBytes: 0,
  headerBytes: 0,
  tags: 0,
  attempts: 0,
  credits: 0,
  sessionQueues: 0,
  flowJobs: 0,
  minLease: undefined,
  maxLease: undefined,
  maxDelay: undefined,
  maxPoll: undefined,
};
