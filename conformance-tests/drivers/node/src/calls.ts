// Calls that have no command of their own: each is one call of `rockqueue`, by the name of its RPC.
import { type Client, Flow, type GroupSettings, type NewWebhook, type Timing } from "rockqueue";
import { verifyWebhook } from "rockqueue/webhooks";
import {
  camel,
  deliveryOut,
  flowJobOut,
  flowOut,
  type Json,
  jobIn,
  options,
  out,
  scheduleOut,
  timingIn,
  webhookOut,
} from "./documents.js";

type Call = (client: Client, given: Json) => Promise<Json>;

/** Makes the call; undefined when there is none of this name. */
export async function carryOutCall(client: Client, method: string, given: Json): Promise<Json | undefined> {
  return CALLS[method]?.(client, given);
}

/** What an iterator of the SDK gives, up to `limit` entries. */
async function listed<T>(found: AsyncIterable<T>, write: (one: T) => Json, limit = Number.POSITIVE_INFINITY) {
  const entries: Json[] = [];
  for await (const one of found) {
    entries.push(write(one));
    if (entries.length >= limit) {
      break;
    }
  }
  return entries;
}

const resetOf = (given: Json): { reset?: never[] } =>
  given.reset === undefined ? {} : { reset: given.reset.map(camel) };

function flowIn(given: Json): Flow {
  const policy = given.on_parent_failure?.toLowerCase();
  const flow = new Flow(given.name, policy === undefined ? {} : { onParentFailure: policy });
  for (const { name, job, parents = [] } of given.nodes as Json[]) {
    const after = (parents as Json[]).map(({ node, job_id: jobId, on_failure }) => ({
      ...(node === undefined ? { jobId } : { node }),
      ...(on_failure !== undefined && { onFailure: on_failure.toLowerCase() }),
    }));
    flow.add(jobIn(job), { name, ...(after.length > 0 && { after }) });
  }
  return flow;
}

async function previewed(client: Client, given: Json): Promise<Json> {
  const target: string | Timing = given.name ?? timingIn(given.schedule);
  const { slots } = out({ slots: await client.schedules.preview(target, options(given, "name", "schedule")) });
  return { slots: slots ?? [] };
}

function momentOf(now: number | string | undefined): { now?: Date } {
  return now === undefined ? {} : { now: new Date(typeof now === "number" ? now * 1000 : now) };
}

const SCHEDULES: Record<string, Call> = {
  PutSchedule: async ({ schedules }, { schedule: { name, job, ...timing } }) => {
    const { created, ...schedule } = await schedules.put(name, jobIn(job), timingIn(timing));
    return { schedule: scheduleOut(schedule), created };
  },
  GetSchedule: async ({ schedules }, { name }) => ({ schedule: scheduleOut(await schedules.get(name)) }),
  ListSchedules: async ({ schedules }, { limit, ...given }) => ({
    schedules: await listed(schedules.list(given), scheduleOut, limit),
  }),
  DeleteSchedule: async ({ schedules }, { name }) => {
    await schedules.delete(name);
    return {};
  },
  PauseSchedule: async ({ schedules }, { name }) => ({ schedule: scheduleOut(await schedules.pause(name)) }),
  ResumeSchedule: async ({ schedules }, { name }) => ({ schedule: scheduleOut(await schedules.resume(name)) }),
  TriggerSchedule: async ({ schedules }, { name }) => out({ jobId: await schedules.trigger(name) }),
  BackfillSchedule: async ({ schedules }, { name, ...range }) => ({
    job_ids: await schedules.backfill(name, options(range) as { fromTime: Date; beforeTime: Date }),
  }),
  PreviewSchedule: previewed,
};

const FLOWS: Record<string, Call> = {
  PushFlow: async ({ flows }, given) => {
    const { id, jobIds } = await flows.push(flowIn(given));
    return { flow_id: id, job_ids: [...jobIds.values()] };
  },
  GetFlow: async ({ flows }, { flow_id }) => {
    const { jobs, ...flow } = await flows.get(flow_id);
    return { flow: flowOut(flow), jobs: jobs.map(flowJobOut) };
  },
  ListFlows: async ({ flows }, { limit, ...given }) => ({ flows: await listed(flows.list(given), flowOut, limit) }),
  CancelFlow: async ({ flows }, { flow_id }) => {
    const { affected, flow } = await flows.cancel(flow_id);
    return { affected, flow: flowOut(flow) };
  },
  RetryFlow: async ({ flows }, { flow_id }) => {
    const { affected, flow } = await flows.retry(flow_id);
    return { affected, flow: flowOut(flow) };
  },
  ListParents: async ({ flows }, { job_id }) => {
    const parents = await flows.parents(job_id);
    return { parents: parents.map((parent) => ({ ...out(parent), result: parent.result })) };
  },
};

const WEBHOOKS: Record<string, Call> = {
  PutWebhook: async ({ webhooks }, { webhook: { name, filter = {}, ...rest }, secret }) => {
    const wanted = options({ ...rest, ...filter, ...(secret !== undefined && { secret }) }) as unknown as NewWebhook;
    const { created, secret: made, ...webhook } = await webhooks.put(name, wanted);
    return { webhook: webhookOut(webhook), created, ...out({ secret: made }) };
  },
  GetWebhook: async ({ webhooks }, { name }) => ({ webhook: webhookOut(await webhooks.get(name)) }),
  ListWebhooks: async ({ webhooks }, { limit }) => ({ webhooks: await listed(webhooks.list(), webhookOut, limit) }),
  DeleteWebhook: async ({ webhooks }, { name }) => {
    await webhooks.delete(name);
    return {};
  },
  RotateWebhookSecret: async ({ webhooks }, { name, ...given }) => {
    const { secret, ...webhook } = await webhooks.rotateSecret(name, options(given));
    return { webhook: webhookOut(webhook), secret };
  },
  TestWebhook: async ({ webhooks }, { name }) => ({ attempt: out(await webhooks.test(name), "took") }),
  ListWebhookDeliveries: async ({ webhooks }, { name, limit, ...given }) => ({
    deliveries: await listed(webhooks.deliveries(name, given), deliveryOut, limit),
  }),
  ResendWebhookDelivery: async ({ webhooks }, { name, delivery_id }) => ({
    delivery: deliveryOut(await webhooks.resend(name, delivery_id)),
  }),
  VerifyWebhook: async (_, { body, headers, secrets, now }) => {
    const { id, type, timestamp, data } = verifyWebhook(body, headers, secrets, momentOf(now));
    return { ...out({ id, type, timestamp }), data };
  },
};

const CALLS: Record<string, Call> = {
  ...SCHEDULES,
  ...FLOWS,
  ...WEBHOOKS,
  ExplainJob: async (client, { job_id }) => {
    const { state, reasons } = await client.explain(job_id);
    return { state, reasons: reasons.map((one) => out(one)) };
  },
  ExplainQueue: async ({ queues }, { queue }) => ({ reasons: (await queues.explain(queue)).map((one) => out(one)) }),
  ListGroups: async ({ queues }, { queue, limit, ...given }) => ({
    groups: await listed(queues.groups(queue, given), (group) => out(group, "period"), limit),
  }),
  UpdateGroup: async ({ queues }, { queue, group, settings = {}, ...given }) => {
    const changed = await queues.updateGroup(queue, group, {
      ...(options(settings) as GroupSettings),
      ...resetOf(given),
    });
    return { group: out(changed, "period") };
  },
  ListWorkers: async (client, { limit, ...given }) => ({
    workers: await listed(client.workers(given), (worker) => out(worker, "loopLag"), limit),
  }),
  CreateBackup: async ({ backups }, { name }) => ({
    backup: out(await (name === undefined ? backups.create() : backups.create(name))),
  }),
  ListBackups: async ({ backups }) => ({ backups: (await backups.list()).map((one) => out(one)) }),
};
