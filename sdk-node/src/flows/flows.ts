// Jobs that wait for jobs: `client.flows`.
import { type Caller, type CallOptions, newRequestId } from "../calls/caller.js";
import { flowMethods } from "../calls/methods.js";
import { everyPage } from "../calls/pages.js";
import type { ClientParts } from "../client.js";
import type { FlowNode as NodeMessage, PushFlowRequest } from "../gen/rockqueue/v1/flow_service.js";
import { aroundPush, type NextPush } from "../middleware.js";
import {
  type FlowChange,
  type FlowGraph,
  type FlowInfo,
  flowInfo,
  flowJob,
  ParentJob,
  type PushedFlow,
} from "../models/flow.js";
import { type FlowState, flowStateNumber } from "../models/names.js";
import { buildSpec, type NewJob } from "../options.js";
import type { PayloadCodec } from "../payloads.js";
import { type Durability, durabilityNumber } from "../pushing/push.js";
import type { Flow, FlowEdge, FlowNode } from "./flow.js";
import { toPolicy } from "./policy.js";
import { waitForFlow } from "./waiting.js";

const PAGE = 100;
const GRAPH_PAGE = 1_000;

/** Looks after flows. */
export class Flows {
  readonly #parts: () => ClientParts;

  /** @internal */
  constructor(parts: () => ClientParts) {
    this.#parts = parts;
  }

  /**
   * Stores a flow whole, or not at all, and resolves when it is on disk. The client's middleware sees its jobs as one push.
   *
   * Rejects with FlowCycle, LimitExceeded, InvalidRequest, JobNotFound (a parent named by its id), and as `client.push` does.
   */
  async push(flow: Flow, options: CallOptions & { durability?: Durability } = {}): Promise<PushedFlow> {
    const { caller, codec, middleware, durability: usual } = this.#parts();
    const { durability = usual, ...call } = options;
    const { nodes } = flow;
    let id = "";
    const send: NextPush = async (jobs) => {
      const request = toRequest(flow, nodes, jobs, codec, durability);
      const answer = await caller.call(flowMethods.pushFlow, request, call);
      id = answer.flowId;
      return answer.jobIds.map((jobId) => ({ id: jobId, existing: false, replaced: false }));
    };
    const pushed = await (aroundPush(middleware, send) ?? send)(nodes.map(({ job }) => job));
    return { id, jobIds: new Map(nodes.map(({ name }, index) => [name, pushed[index]?.id ?? ""])) };
  }

  /** A flow with its whole graph. Rejects with FlowNotFound. */
  async get(flowId: string, options: CallOptions = {}): Promise<FlowGraph> {
    const { caller } = this.#parts();
    const request = { flowId, pageSize: GRAPH_PAGE, pageToken: "" };
    const first = await caller.call(flowMethods.getFlow, request, options);
    const jobs = first.jobs.map(flowJob);
    for (let { nextPageToken: pageToken } = first; pageToken !== ""; ) {
      const page = await caller.call(flowMethods.getFlow, { ...request, pageToken }, options);
      jobs.push(...page.jobs.map(flowJob));
      pageToken = page.nextPageToken;
    }
    return { ...flowInfo(first.flow), jobs };
  }

  /** The flows in a state, of a name, or all, newest first, fetched a page at a time. */
  list({
    state,
    name = "",
    ...options
  }: { state?: FlowState; name?: string } & CallOptions = {}): AsyncGenerator<FlowInfo, void, void> {
    const request = { pageSize: PAGE, state: state === undefined ? 0 : flowStateNumber(state), name };
    return everyPage(this.#caller, flowMethods.listFlows, request, options, ({ flows }) => flows.map(flowInfo));
  }

  /** Cancels every job of a flow that is not finished. Rejects with FlowNotFound. */
  async cancel(flowId: string, options?: CallOptions): Promise<FlowChange> {
    const request = { requestId: newRequestId(), flowId };
    const { flow, affected } = await this.#caller().call(flowMethods.cancelFlow, request, options);
    return { affected, flow: flowInfo(flow) };
  }

  /** Puts every DEAD or CANCELLED job of a flow back; those that completed stay so. Rejects with FlowNotFound. */
  async retry(flowId: string, options?: CallOptions): Promise<FlowChange> {
    const request = { requestId: newRequestId(), flowId };
    const { flow, affected } = await this.#caller().call(flowMethods.retryFlow, request, options);
    return { affected, flow: flowInfo(flow) };
  }

  /**
   * Waits until all jobs of a flow are finished, however that is; see its `state`. Without `timeoutMs` it waits as long as
   * it takes. Rejects with DeadlineExceeded when the time is up first, and with FlowNotFound.
   */
  async wait(flowId: string, options: CallOptions = {}): Promise<FlowInfo> {
    return waitForFlow(this.#caller, flowId, options);
  }

  /** The parents of a job, with their results, in the order in which the job named them. Rejects with JobNotFound. */
  async parents(jobId: string, options: CallOptions = {}): Promise<readonly ParentJob[]> {
    const { caller, codec } = this.#parts();
    return parentsOf(caller, codec, jobId, options);
  }

  readonly #caller = (): Caller => this.#parts().caller;
}

/** The parents of a job, over as many pages as it takes. */
export async function parentsOf(
  caller: Caller,
  codec: PayloadCodec,
  jobId: string,
  options: CallOptions,
): Promise<ParentJob[]> {
  const parents: ParentJob[] = [];
  const request = { jobId, pageSize: GRAPH_PAGE };
  for await (const parent of everyPage(
    () => caller,
    flowMethods.listParents,
    request,
    options,
    (page) => page.parents,
  )) {
    parents.push(new ParentJob(parent, codec));
  }
  return parents;
}

/** The flow as the contract carries it, with the jobs that middleware made of its own. */
function toRequest(
  flow: Flow,
  nodes: readonly FlowNode[],
  jobs: readonly NewJob[],
  codec: PayloadCodec,
  durability: Durability,
): PushFlowRequest {
  if (jobs.length !== nodes.length) {
    throw new TypeError(
      `middleware made ${jobs.length} jobs of the ${nodes.length} of a flow; it must keep their number`,
    );
  }
  return {
    requestId: newRequestId(),
    name: flow.name,
    nodes: nodes.map((node, index) => toNode(node, jobs[index] as NewJob, codec)),
    onParentFailure: toPolicy(flow.onParentFailure, "onParentFailure"),
    durability: durabilityNumber(durability),
  };
}

function toNode({ name, parents }: FlowNode, job: NewJob, codec: PayloadCodec): NodeMessage {
  if (job.unique !== undefined) {
    throw new TypeError(`the job of node "${name}" cannot be unique: it is part of a flow`);
  }
  return { name, job: buildSpec(job, codec), parents: parents.map(toEdge) };
}

function toEdge({ node, jobId, onFailure }: FlowEdge): NodeMessage["parents"][number] {
  const parent =
    jobId === undefined ? ({ $case: "node", value: node ?? "" } as const) : ({ $case: "jobId", value: jobId } as const);
  return { parent, onFailure: toPolicy(onFailure, "onFailure") };
}
