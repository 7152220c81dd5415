import { expect, it } from "vitest";
import { BufferRoom } from "../../src/pushing/room.js";

it("lets callers in first come, first served, within jobs and bytes", () => {
  const room = new BufferRoom(2, 100);
  const entered: string[] = [];
  const take = (name: string, size: number): void => room.take(size, () => entered.push(name));
  take("a", 60);
  take("b", 60);
  take("c", 10);
  // c would fit, but stands behind b.
  expect(entered).toEqual(["a"]);
  room.giveBack(1, 60);
  expect(entered).toEqual(["a", "b", "c"]);
  take("d", 1);
  room.giveBack(1, 60);
  expect(entered).toEqual(["a", "b", "c", "d"]);
});

it("takes a job that is larger than the whole buffer when it is alone", () => {
  const room = new BufferRoom(10, 100);
  let entered = false;
  room.take(1000, () => {
    entered = true;
  });
  expect(entered).toBe(true);
});
