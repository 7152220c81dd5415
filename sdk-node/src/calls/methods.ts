// The RPCs of the contract as values, with what their descriptors say about repeating them.
import type { BinaryReader, BinaryWriter } from "@bufbuild/protobuf/wire";
import { ClockServiceDefinition } from "../gen/rockqueue/testing/v1/clock_service.js";
import { StoreServiceDefinition } from "../gen/rockqueue/testing/v1/store_service.js";
import { EventServiceDefinition } from "../gen/rockqueue/v1/event_service.js";
import { FlowServiceDefinition } from "../gen/rockqueue/v1/flow_service.js";
import { JobServiceDefinition } from "../gen/rockqueue/v1/job_service.js";
import { QueueServiceDefinition } from "../gen/rockqueue/v1/queue_service.js";
import { ScheduleServiceDefinition } from "../gen/rockqueue/v1/schedule_service.js";
import { ServerServiceDefinition } from "../gen/rockqueue/v1/server_service.js";
import { WebhookServiceDefinition } from "../gen/rockqueue/v1/webhook_service.js";
import { WorkServiceDefinition } from "../gen/rockqueue/v1/work_service.js";

/** How messages of a type become bytes, and back. */
export interface Codec<T> {
  encode(message: T, writer?: BinaryWriter): BinaryWriter;
  decode(input: BinaryReader | Uint8Array, length?: number): T;
}

/** One RPC. */
export interface Method<Request, Response> {
  /** Name of the RPC (`PushJobs`). */
  readonly name: string;
  /** The path on the wire. */
  readonly path: string;
  readonly request: Codec<Request>;
  readonly response: Codec<Response>;
  /** True when the contract allows to send the request again (`idempotency_level`). */
  readonly repeatable: boolean;
  /** True when the call may change something. */
  readonly mutating: boolean;
}

interface ServiceDefinition {
  readonly fullName: string;
  readonly methods: { readonly [name: string]: MethodDefinition };
}

interface MethodDefinition {
  readonly name: string;
  readonly requestType: Readable;
  readonly responseType: Readable;
  readonly options: { readonly idempotencyLevel?: "IDEMPOTENT" | "NO_SIDE_EFFECTS" };
}

interface Readable {
  decode(input: Uint8Array): unknown;
}

type MessageOf<C> = C extends { decode(input: Uint8Array): infer T } ? T : never;

type MethodsOf<S extends ServiceDefinition> = {
  readonly [N in keyof S["methods"]]: Method<
    MessageOf<S["methods"][N]["requestType"]>,
    MessageOf<S["methods"][N]["responseType"]>
  >;
};

/** The RPCs of a service, by their names in camel case. */
function methodsOf<S extends ServiceDefinition>(service: S): MethodsOf<S> {
  const entries = Object.entries(service.methods).map(([key, method]) => [key, describe(service, method)]);
  return Object.fromEntries(entries) as MethodsOf<S>;
}

function describe(service: ServiceDefinition, method: MethodDefinition): Method<unknown, unknown> {
  const level = method.options.idempotencyLevel;
  return {
    name: method.name,
    path: `/${service.fullName}/${method.name}`,
    request: method.requestType as unknown as Codec<unknown>,
    response: method.responseType as unknown as Codec<unknown>,
    repeatable: level !== undefined,
    mutating: level !== "NO_SIDE_EFFECTS",
  };
}

export const jobMethods = methodsOf(JobServiceDefinition);
export const queueMethods = methodsOf(QueueServiceDefinition);
export const workMethods = methodsOf(WorkServiceDefinition);
export const eventMethods = methodsOf(EventServiceDefinition);
export const scheduleMethods = methodsOf(ScheduleServiceDefinition);
export const flowMethods = methodsOf(FlowServiceDefinition);
export const webhookMethods = methodsOf(WebhookServiceDefinition);
export const serverMethods = methodsOf(ServerServiceDefinition);
export const clockMethods = methodsOf(ClockServiceDefinition);
export const storeMethods = methodsOf(StoreServiceDefinition);
