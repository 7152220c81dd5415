// What the server knows of flows, as plain values.
import { fromTimestamp, optionalDate } from "../durations.js";
import { type ParentFailurePolicy, policyOf } from "../flows/policy.js";
import type * as flows from "../gen/rockqueue/v1/flow_service.js";
import type { PayloadCodec } from "../payloads.js";
import { decoded } from "./job.js";
import { type DeadReason, deadReason, type FlowState, flowState, type JobState, jobState } from "./names.js";

/** A flow that was pushed. */
export interface PushedFlow {
  /** Its id. */
  readonly id: string;
  /** The ids of its jobs, by the names of their nodes. */
  readonly jobIds: ReadonlyMap<string, string>;
}

/** How a flow fares. */
export interface FlowInfo {
  readonly id: string;
  /** What people call it; empty for none. */
  readonly name: string;
  readonly state: FlowState;
  /** How many jobs it has. */
  readonly size: number;
  /** How many of them completed. */
  readonly completed: number;
  /** How many of them are DEAD. */
  readonly dead: number;
  /** How many of them were cancelled or deleted. */
  readonly cancelled: number;
  readonly createTime: Date;
  /** When its last job was finished; undefined while it is RUNNING. */
  readonly finishTime: Date | undefined;
}

/** A flow with its graph. */
export interface FlowGraph extends FlowInfo {
  /** In the order in which they were pushed. */
  readonly jobs: readonly FlowJob[];
}

/** What became of a cancel or a retry: how many jobs it changed, and the flow after it. */
export interface FlowChange {
  readonly affected: number;
  readonly flow: FlowInfo;
}

/** One job of a flow. */
export interface FlowJob {
  /** Its local name. */
  readonly node: string;
  readonly jobId: string;
  /** Undefined: the job is no longer kept. */
  readonly state: JobState | undefined;
  readonly deadReason: DeadReason | undefined;
  /** What it waits or waited for. */
  readonly parents: readonly FlowJobParent[];
}

/** What a job of a flow waits for: a node of the same flow, or another job. */
export interface FlowJobParent {
  /** The node; empty for a job that is not of the flow. */
  readonly node: string;
  /** The job; empty for a node of the flow. */
  readonly jobId: string;
  /** What becomes of the job when this parent does not complete. Undefined for a policy that this version does not know. */
  readonly onFailure: ParentFailurePolicy | undefined;
}

/** A parent of a job, with its result. */
export class ParentJob {
  /** Its local name; empty for a job that is not of the same flow. */
  readonly node: string;
  readonly jobId: string;
  /** Undefined: the job is no longer kept. */
  readonly state: JobState | undefined;
  readonly #message: flows.ParentJob;
  readonly #codec: PayloadCodec;

  /** @internal */
  constructor(message: flows.ParentJob, codec: PayloadCodec) {
    this.node = message.node;
    this.jobId = message.jobId;
    this.state = message.state === 0 ? undefined : jobState(message.state);
    this.#message = message;
    this.#codec = codec;
  }

  /** What its handler returned, decoded; null when it returned nothing, or did not complete. Throws PayloadError. */
  get result(): unknown {
    return decoded(this.#codec, this.#message.result, this.#message.resultContentType);
  }
}

/** The message as a value. */
export function flowInfo(message: flows.Flow | undefined): FlowInfo {
  const { id = "", name = "", jobs: size = 0, completed = 0, dead = 0, cancelled = 0 } = message ?? {};
  const times = { createTime: fromTimestamp(message?.createTime), finishTime: optionalDate(message?.finishTime) };
  return { id, name, state: flowState(message?.state ?? 0), size, completed, dead, cancelled, ...times };
}

/** The message as a value. */
export function flowJob({ node, jobId, state, deadReason: reason, parents }: flows.FlowJob): FlowJob {
  return {
    node,
    jobId,
    state: state === 0 ? undefined : jobState(state),
    deadReason: deadReason(reason),
    parents: parents.map(parentOf),
  };
}

function parentOf({ parent, onFailure }: flows.FlowEdge): FlowJobParent {
  return {
    node: parent?.$case === "node" ? parent.value : "",
    jobId: parent?.$case === "jobId" ? parent.value : "",
    onFailure: policyOf(onFailure),
  };
}
