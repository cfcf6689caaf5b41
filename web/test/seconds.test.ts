import { describe, expect, it } from "vitest";
import { type Second, Seconds, SHOWN } from "../console/seconds.js";

const START = Date.parse("2026-01-01T00:00:00Z") / 1000;

function second(at: number, counted: Partial<Second>): Second {
  const none = { started: 0, ended: 0, failed: 0, limited: 0, refused: 0, faults: 0 };
  const amounts = { input_tokens: 0, output_tokens: 0, cost_usd: 0 };
  const waits = { first_text_seconds: null, slowest_first_text_seconds: null };
  return { at: new Date(at * 1000).toISOString(), ...none, ...amounts, ...waits, ...counted };
}

function told(at: number, running: number, seconds: Second[]) {
  return { as_of: new Date(at * 1000 + 250).toISOString(), answers_running: running, sockets_open: 0, seconds };
}

describe("the seconds of the plots", () => {
  it("end before the second of now and hold nothing where nothing happened", () => {
    const seconds = new Seconds();
    seconds.add(told(START, 2, [second(START - 1, { ended: 3 })]));
    expect(seconds.times.length).toBe(SHOWN);
    expect(seconds.times.at(-1)).toBe(START - 1);
    expect(seconds.counts("ended").slice(-2)).toEqual([0, 3]);
    expect(seconds.counts("first_text_seconds").at(-1)).toBe(null);
  });

  it("take the newer word on a second and forget what is no longer shown", () => {
    const seconds = new Seconds();
    seconds.add(told(START, 0, [second(START - 1, { ended: 1, first_text_seconds: 0.5 })]));
    seconds.add(told(START + 1, 0, [second(START - 1, { ended: 2, first_text_seconds: 0.1 })]));
    expect(seconds.sum("ended", 60)).toBe(2);
    expect(seconds.middle("first_text_seconds", 60)).toBe(0.1);
    seconds.add(told(START + SHOWN + 1, 0, []));
    expect(seconds.sum("ended", SHOWN)).toBe(0);
    expect(seconds.middle("first_text_seconds", SHOWN)).toBe(null);
  });

  it("remember how many answers ran whenever they asked", () => {
    const seconds = new Seconds();
    seconds.add(told(START, 4, []));
    seconds.add(told(START + 1, 5, []));
    expect(seconds.running().slice(-2)).toEqual([null, 4]);
    expect(Date.parse(seconds.since) / 1000).toBe(START - 4);
  });
});
