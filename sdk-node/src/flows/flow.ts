// A graph of jobs, as programs build it.
import type { NewJob } from "../options.js";
import { type FlowPart, type FlowStep, type FlowStepOptions, isPart } from "./parts.js";
import type { ParentFailurePolicy } from "./policy.js";

/** A job of a flow, made by `Flow.add`. */
export interface FlowNode {
  /** Its local name. */
  readonly name: string;
  readonly job: NewJob;
  /** What it waits for. */
  readonly parents: readonly FlowEdge[];
}

/** What a node waits for: another node by its name, or a job that exists by its id. */
export interface FlowEdge {
  readonly node?: string;
  readonly jobId?: string;
  readonly onFailure?: ParentFailurePolicy;
}

/**
 * What a job of a flow can wait for: a node, a node by its name (also one that is added later), or a job that exists. With
 * `onFailure` it says what becomes of the child when this parent does not complete.
 */
export type FlowParent =
  | FlowNode
  | string
  | { readonly node: FlowNode | string; readonly onFailure?: ParentFailurePolicy }
  | { readonly jobId: string; readonly onFailure?: ParentFailurePolicy };

/** Where a step stands in its flow. */
export interface FlowPlace {
  /** What it waits for. @defaultValue nothing */
  after?: FlowParent | Iterable<FlowParent>;
  /** What becomes of it when a parent does not complete. @defaultValue the flow's `onParentFailure` */
  onFailure?: ParentFailurePolicy;
}

/** Options of a flow. */
export interface FlowOptions {
  /** What becomes of a child when a parent does not complete, for edges that say nothing else. @defaultValue "cascade" */
  onParentFailure?: ParentFailurePolicy;
}

/**
 * Jobs that wait for jobs. Nothing is sent before `client.flows.push(flow)`, which stores all of it or nothing.
 *
 * @example
 * const flow = new Flow("import");
 * const left = flow.add(download.new({ part: 1 }), { name: "left" });
 * const right = flow.add(download.new({ part: 2 }), { name: "right" });
 * flow.add(merge.new({}), { after: [left, right] });
 * const { id } = await client.flows.push(flow);
 */
export class Flow {
  /** What people call it; empty for none. */
  readonly name: string;
  readonly onParentFailure: ParentFailurePolicy | undefined;
  readonly #nodes = new Map<string, FlowNode>();
  readonly #taken = new Map<string, number>();

  constructor(name = "", { onParentFailure }: FlowOptions = {}) {
    this.name = name;
    this.onParentFailure = onParentFailure;
  }

  /** Its jobs, in the order in which they were added. */
  get nodes(): readonly FlowNode[] {
    return [...this.#nodes.values()];
  }

  /**
   * Adds a job and returns its node; `name` is its local name (default: the job's name, with a number where that is taken).
   * Throws a TypeError for a name that is taken, or a parent of another flow.
   */
  add(job: NewJob, place?: FlowPlace & { name?: string }): FlowNode;
  /** Adds what `chain`, `group` or `join` put together, and returns the nodes that it ends with. */
  add(part: FlowPart, place?: FlowPlace): FlowNode[];
  add(step: NewJob | FlowPart, place: FlowPlace & { name?: string } = {}): FlowNode | FlowNode[] {
    const parents = this.#parentsOf(place.after);
    if (isPart(step)) {
      return this.#addPart(step, parents, place.onFailure).ends;
    }
    return this.#addJob({ job: step, name: place.name, onFailure: place.onFailure }, parents);
  }

  #addJob({ job, name, onFailure }: FlowStepOptions, parents: readonly FlowEdge[]): FlowNode {
    const own = name ?? this.#freeName(job.name);
    if (this.#nodes.has(own)) {
      throw new TypeError(`two nodes of this flow are called "${own}"`);
    }
    const edges = onFailure === undefined ? parents : parents.map((edge) => ({ onFailure, ...edge }));
    const node: FlowNode = { name: own, job, parents: edges };
    this.#nodes.set(own, node);
    return node;
  }

  /** Adds the jobs of a part; what follows it waits for `edges`, which are those before it when it holds no job. */
  #addPart(
    { kind, steps }: FlowPart,
    before: readonly FlowEdge[],
    onFailure: ParentFailurePolicy | undefined,
  ): { ends: FlowNode[]; edges: readonly FlowEdge[] } {
    let ends: FlowNode[] = [];
    let edges = before;
    for (const step of steps) {
      const added = this.#addStep(step, kind === "chain" ? edges : before, onFailure);
      if (kind === "group") {
        ends.push(...added.ends);
      } else if (added.ends.length > 0) {
        ends = added.ends;
        edges = added.edges;
      }
    }
    return { ends, edges: ends.length === 0 ? before : ends.map(({ name }) => ({ node: name })) };
  }

  #addStep(
    step: FlowStep,
    before: readonly FlowEdge[],
    onFailure: ParentFailurePolicy | undefined,
  ): { ends: FlowNode[]; edges: readonly FlowEdge[] } {
    if (isPart(step)) {
      return this.#addPart(step, before, onFailure);
    }
    const node = this.#addJob({ onFailure, ...("job" in step ? step : { job: step }) }, before);
    return { ends: [node], edges: [{ node: node.name }] };
  }

  #freeName(wanted: string): string {
    let name = wanted;
    let count = this.#taken.get(wanted) ?? 1;
    while (this.#nodes.has(name)) {
      count += 1;
      name = `${wanted}-${count}`;
    }
    this.#taken.set(wanted, count);
    return name;
  }

  #parentsOf(after: FlowPlace["after"]): FlowEdge[] {
    if (after === undefined) {
      return [];
    }
    const many = typeof after === "object" && Symbol.iterator in after;
    return (many ? [...after] : [after]).map((parent) => this.#edgeTo(parent));
  }

  #edgeTo(parent: FlowParent): FlowEdge {
    if (typeof parent === "string") {
      return { node: parent };
    }
    if ("parents" in parent) {
      if (this.#nodes.get(parent.name) !== parent) {
        throw new TypeError(`"${parent.name}" is a node of another flow; a job that was pushed is named { jobId }`);
      }
      return { node: parent.name };
    }
    const { onFailure } = parent;
    const edge = "jobId" in parent ? { jobId: parent.jobId } : this.#edgeTo(parent.node);
    return onFailure === undefined ? edge : { ...edge, onFailure };
  }
}
