// The calls of the contract as they are, messages in and messages out: `client.raw`.
import { type Caller, type CallOptions, newRequestId } from "./calls/caller.js";
import {
  flowMethods,
  jobMethods,
  type Method,
  queueMethods,
  scheduleMethods,
  serverMethods,
  webhookMethods,
  workMethods,
} from "./calls/methods.js";

/** A message whose fields may be left out, at every depth; they have their zero values then. */
export type Sparse<T> = T extends Uint8Array | string | number | boolean | undefined
  ? T
  : T extends (infer Item)[]
    ? Sparse<Item>[]
    : T extends { $case: string }
      ? { [K in keyof T]: K extends "$case" ? T[K] : Sparse<T[K]> }
      : { [K in keyof T]?: Sparse<T[K]> };

/** Options of a raw call. */
export interface RawOptions extends CallOptions {
  /** False makes one attempt. @defaultValue true, where the contract allows repeats */
  retry?: boolean;
}

/** One RPC: `await client.raw.getJob({ jobId })`. A mutating request without `requestId` is given one. */
export type RawCall<Request, Response> = (request: Sparse<Request>, options?: RawOptions) => Promise<Response>;

type RawCalls<Methods> = {
  readonly [N in keyof Methods]: Methods[N] extends Method<infer Request, infer Response>
    ? RawCall<Request, Response>
    : never;
};

const { streamPushes: _streamPushes, ...unaryJobs } = jobMethods;
const { work: _work, ...unaryWork } = workMethods;
const UNARY = {
  ...unaryJobs,
  ...queueMethods,
  ...scheduleMethods,
  ...flowMethods,
  ...webhookMethods,
  ...unaryWork,
  ...serverMethods,
};

/** Every unary RPC of `rockqueue.v1`. */
export type Raw = RawCalls<typeof UNARY>;

interface Fillable {
  fromPartial(message: unknown): { requestId?: string };
}

/** The raw calls of a client. */
export function rawCalls(caller: () => Caller): Raw {
  const calls = Object.entries(UNARY).map(([name, method]) => [
    name,
    rawCall(caller, method as Method<unknown, unknown>),
  ]);
  return Object.fromEntries(calls) as Raw;
}

function rawCall(caller: () => Caller, method: Method<unknown, unknown>): RawCall<unknown, unknown> {
  return async (request, options = {}) => {
    const message = (method.request as unknown as Fillable).fromPartial(request);
    if (message.requestId === "") {
      message.requestId = newRequestId();
    }
    return caller().call(method, message, { ...options, attemptTimeoutMs: options.timeoutMs });
  };
}
