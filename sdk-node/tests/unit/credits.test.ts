import { describe, expect, it } from "vitest";
import { CreditLedger } from "../../src/session/credits.js";

describe("credits", () => {
  it("are the whole window at first", () => {
    const ledger = new CreditLedger(10, 10);
    expect(ledger.grant()).toBe(20);
    expect(ledger.grant()).toBe(0);
  });

  it("wait for a quarter of the window while deliveries wait for handlers", () => {
    const ledger = new CreditLedger(4, 4);
    ledger.grant();
    for (const lease of ["a", "b", "c", "d", "e", "f", "g", "h"]) {
      ledger.delivered(lease);
    }
    ledger.settled("a");
    expect(ledger.grant()).toBe(0);
    ledger.settled("b");
    expect(ledger.grant()).toBe(2);
  });

  it("come one by one when no delivery waits", () => {
    const ledger = new CreditLedger(4, 4);
    ledger.grant();
    ledger.delivered("a");
    ledger.settled("a");
    expect(ledger.grant()).toBe(1);
  });

  it("never stall a window of 1", () => {
    const ledger = new CreditLedger(1, 0);
    for (let round = 0; round < 5; round += 1) {
      expect(ledger.grant()).toBe(1);
      ledger.delivered(`${round}`);
      expect(ledger.grant()).toBe(0);
      ledger.settled(`${round}`);
    }
  });

  it("do not survive a stream, and held leases leave less room", () => {
    const ledger = new CreditLedger(2, 2);
    ledger.grant();
    ledger.delivered("a");
    ledger.streamEnded();
    expect(ledger.held).toBe(1);
    expect(ledger.grant()).toBe(3);
    expect([...ledger.leases]).toEqual(["a"]);
  });

  it("never overdraw the window, whatever happens in whatever order", () => {
    const ledger = new CreditLedger(7, 5);
    const out: string[] = [];
    let credits = 0;
    let seed = 42;
    const random = (): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      return seed / 2_147_483_648;
    };
    for (let step = 0; step < 5_000; step += 1) {
      const dice = random();
      if (dice < 0.4 && credits > 0) {
        credits -= 1;
        ledger.delivered(`${step}`);
        out.push(`${step}`);
      } else if (dice < 0.8 && out.length > 0) {
        ledger.settled(out.splice(Math.floor(random() * out.length), 1)[0] as string);
      } else if (dice < 0.82) {
        ledger.streamEnded();
        credits = 0;
      } else {
        credits += ledger.grant();
      }
      expect(ledger.held).toBe(credits + out.length);
      expect(ledger.held).toBeLessThanOrEqual(ledger.window);
    }
  });
});
