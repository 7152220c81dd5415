import type { GroupSettings, QueueSettings } from "rockqueue";
import { expect, it } from "vitest";
import { Queue } from "../../src/gen/rockqueue/v1/queue_service.js";
import { groupOf } from "../../src/models/group.js";
import { queueOf } from "../../src/models/queue.js";
import { toGroupSettings, toQueueSettings, toReset } from "../../src/settings.js";

it("settings of a queue are carried whole, and come back", () => {
  const settings: QueueSettings = {
    defaultLease: 1500,
    maxActive: 3,
    rate: { count: 5, period: 250, burst: 6 },
    groupMaxActive: 1,
    groupRate: { count: 2 },
  };
  const message = toQueueSettings(settings);
  expect(message).toMatchObject({
    defaultLease: { seconds: 1, nanos: 500_000_000 },
    maxActive: 3,
    rate: { count: 5, period: { seconds: 0, nanos: 250_000_000 }, burst: 6 },
    groupMaxActive: 1,
    groupRate: { count: 2, period: undefined, burst: undefined },
  });
  expect(queueOf(Queue.fromPartial({ settings: message })).settings).toMatchObject(settings);
});

it("settings of a group are carried whole, and come back", () => {
  const settings: GroupSettings = { weight: 3, maxActive: 2, rate: { count: 10, period: 60_000, burst: 20 } };
  const message = toGroupSettings(settings);
  expect(message).toEqual({
    weight: 3,
    maxActive: 2,
    rate: { count: 10, period: { seconds: 60, nanos: 0 }, burst: 20 },
  });
  const group = { key: "tenant-7", settings: message, waiting: 4, active: 1 };
  expect(groupOf(group)).toEqual({ key: "tenant-7", settings, waiting: 4, active: 1 });
});

it("settings that there are not are refused", () => {
  expect(() => toQueueSettings({ maxactive: 1 } as QueueSettings)).toThrow("groupMaxActive");
  expect(() => toGroupSettings({ priority: 1 } as GroupSettings)).toThrow("weight, maxActive, rate");
  expect(() => toGroupSettings({ rate: { count: 1, period: "1s" as unknown as number } })).toThrow("rate.period");
});

it("settings to reset are named as the contract spells them", () => {
  expect(toReset(["groupMaxActive", "rate"])).toEqual(["group_max_active", "rate"]);
});
