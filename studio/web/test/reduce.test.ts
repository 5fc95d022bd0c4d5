import { describe, expect, test } from "vitest";
import { fromSnapshot, reduce } from "../src/session/reduce";
import { emptySession, type Session, trackOf } from "../src/session/state";
import { cellState, explain } from "../src/roll/cell";
import type { Osc } from "../src/wire/osc";

const SETUP: Osc[] = [
  ["/midigpt/session/init", "jam", 0, ""],
  ["/midigpt/track/create", 0, 0, 10, 0],
  ["/midigpt/agent/create", 7, 33, 10, "vary"],
  ["/midigpt/session/started"],
];

function play(...messages: Osc[]): Session {
  const session = emptySession();
  let now = 0;
  for (const message of [...SETUP, ...messages]) reduce(session, message, (now += 10));
  return session;
}

const prompt = (target: number, human: string, agent: string): Osc => [
  "/midigpt/prompt/state",
  JSON.stringify({
    target_bar: target,
    start_bar: 0,
    end_bar: human.length,
    tracks: [
      { id: 0, track_id: 0, is_agent: false, states: [...human] },
      { id: 1, track_id: 7, is_agent: true, states: [...agent] },
    ],
  }),
];

const bar = (session: Session, track: number, index: number) =>
  trackOf(session, track)?.bars.get(index);

describe("notes of the musician", () => {
  test("an onset of 1 is the next bar's, a negative duration began a bar earlier", () => {
    const session = play(
      ["/midigpt/note", 0, 60, 90, 1, 0.25, 3],
      ["/midigpt/note", 0, 62, 90, 0.75, -0.5, 3],
    );
    expect(bar(session, 0, 4)?.notes).toEqual([
      { pitch: 60, velocity: 90, onset: 0, duration: 0.25 },
    ]);
    expect(bar(session, 0, 2)?.notes).toEqual([
      { pitch: 62, velocity: 90, onset: 0.75, duration: 0.5 },
    ]);
  });

  test("a note told again replaces the one before", () => {
    const session = play(
      ["/midigpt/note", 0, 60, 90, 0.5, 0.5, 1],
      ["/midigpt/note", 0, 64, 90, 0.5, 0.5, 1],
      ["/midigpt/note", 0, 60, 90, 0.5, 1.25, 1],
    );
    expect(bar(session, 0, 1)?.notes.map((n) => [n.pitch, n.duration])).toEqual([
      [64, 0.5],
      [60, 1.25],
    ]);
  });

  test("notes of unknown tracks change nothing", () => {
    expect(play(["/midigpt/note", 99, 60, 90, 0, 1, 0])).toEqual(play(["/midigpt/unheard", 1]));
  });
});

test("a note that is taken back is found by pitch and onset", () => {
  const session = play(
    ["/midigpt/note", 0, 60, 90, 0.5, 0.5, 1],
    ["/midigpt/note", 0, 64, 90, 0.5, 0.5, 1],
    ["/midigpt/note/remove", 0, 64, 0.5004, 1],
    ["/midigpt/note/remove", 0, 60, 0.6, 1],
  );
  expect(bar(session, 0, 1)?.notes.map((n) => n.pitch)).toEqual([60]);
});

describe("a loop", () => {
  const end = (index: number): Osc => ["/midigpt/bar/end", index, 4, 4];
  const write = (index: number, pitch: number): Osc[] => [
    ["/midigpt/generated/open", 7, index, 1],
    ["/midigpt/generated/note", 7, index, pitch, 100, 0, 0.5],
    ["/midigpt/generated/close", 7, index],
  ];
  const pitch = (session: Session, index: number) => bar(session, 7, index)?.notes[0]?.pitch;

  test("brings the playhead back, and bars are written again", () => {
    const before = [end(0), end(1), ...write(2, 42), end(2), ...write(3, 43)];
    const session = play(...before, ["/midigpt/transport", "loop", 1, 4]);
    expect([session.playhead, session.loop]).toEqual([3, [1, 4]]);
    for (const message of [...write(1, 51), end(3)]) reduce(session, message, 0);
    expect(session.playhead).toBe(1);
    expect([1, 2, 3].map((index) => pitch(session, index))).toEqual([51, 42, 43]);
    const agent = trackOf(session, 7)!;
    expect(cellState(session, agent, 2, 1)).toBe("played");
    for (const message of write(2, 52)) reduce(session, message, 0);
    expect(cellState(session, agent, 2, 1)).toBe("ready");
  });

  test("what was written ahead is for the bar that comes next", () => {
    const session = play(end(0), end(1), end(2), ...write(4, 44), ["/midigpt/transport", "loop", 1, 4]);
    expect([pitch(session, 4), pitch(session, 1)]).toEqual([undefined, 44]);
    reduce(session, ["/midigpt/transport", "loop", 0, 0], 0);
    expect([pitch(session, 4), pitch(session, 1), session.loop]).toEqual([44, undefined, null]);
  });
});

describe("bars of agents", () => {
  const written: Osc[] = [
    ["/midigpt/status", "generating"],
    prompt(2, "CCMM", "CCTT"),
    ["/midigpt/generated/open", 7, 2, -1],
    ["/midigpt/generated/note", 7, 2, 40, 100, 0, 0.5],
    ["/midigpt/generated/note", 7, 2, 43, 100, 0.5, 0.5],
    ["/midigpt/generated/close", 7, 2],
    ["/midigpt/status", "ready"],
  ];

  test("are open until they are closed, and know how they were made", () => {
    const open = play(...written.slice(0, 4));
    expect(bar(open, 7, 2)?.isOpen).toBe(true);
    const closed = play(...written);
    expect(bar(closed, 7, 2)?.isOpen).toBe(false);
    expect(bar(closed, 7, 2)?.notes).toHaveLength(2);
    expect(bar(closed, 7, 2)?.making).toMatchObject({
      windowStart: 0,
      windowEnd: 4,
      contextBars: 4,
    });
    expect(closed.latencies).toEqual([60]);
  });

  test("a second take replaces the first, and the server counts them", () => {
    const session = play(...written, ["/midigpt/generated/take", 7, 2, 1, 2], ...written.slice(2, 4));
    expect(bar(session, 7, 2)?.notes).toHaveLength(1);
    expect(bar(session, 7, 2)).toMatchObject({ take: 1, takes: 2 });
    reduce(session, ["/midigpt/generated/take", 7, 2, 0, 2], 0);
    expect(bar(session, 7, 2)).toMatchObject({ take: 0, takes: 2 });
  });

  test("what a bar cost is what the server says", () => {
    const cost = { tokens: 41, milliseconds: 12.5, temperature: 1.1, seed: -1 };
    const session = play(...written, [
      "/midigpt/generation/done",
      JSON.stringify({ track_id: 7, start_bar: 2, end_bar: 3, ...cost }),
    ]);
    expect(bar(session, 7, 2)?.cost).toEqual(cost);
    const lines = explain(session, trackOf(session, 7)!, 2, -1);
    expect(lines).toContain("13 ms, 41 tokens, temperature 1.1, seed random");
  });

  test("a flush empties what lies ahead, never what has sounded", () => {
    const session = play(
      ...written,
      ["/midigpt/bar/end", 0, 4, 4],
      ["/midigpt/bar/end", 1, 4, 4],
      ["/midigpt/bar/end", 2, 4, 4],
      ["/midigpt/generated/open", 7, 4, 1],
      ["/midigpt/generated/note", 7, 4, 40, 100, 0, 0.5],
      ["/midigpt/generated/close", 7, 4],
      ["/midigpt/generated/flush", 7, -1],
    );
    expect(bar(session, 7, 2)?.notes).toHaveLength(2);
    expect(bar(session, 7, 4)?.notes).toHaveLength(0);
  });

  test("fallbacks and late bars are what the server says they are", () => {
    const session = play(
      ["/midigpt/bar/fallback", 7, 3, "vary", "not ready"],
      ["/midigpt/generated/open", 7, 3, 1],
      ["/midigpt/generated/close", 7, 3],
      ["/midigpt/bar/late", 7, 4, 0.2, 1],
    );
    const agent = trackOf(session, 7)!;
    expect(cellState(session, agent, 3, 5)).toBe("fallback");
    expect(bar(session, 7, 3)?.fallback).toBe("vary (not ready)");
    expect(cellState(session, agent, 4, 5)).toBe("late");
    expect([session.fallbacks, session.late]).toEqual([1, 1]);
  });

  test("cells show what the model was shown", () => {
    const session = play(
      ["/midigpt/bar/end", 0, 4, 4],
      ["/midigpt/bar/end", 1, 4, 4],
      ["/midigpt/status", "generating"],
      prompt(3, "CCMM", "CCCT"),
    );
    const [you, agent] = session.tracks;
    const states = (track: typeof you) => [0, 1, 2, 3].map((i) => cellState(session, track!, i, 2));
    expect(states(you)).toEqual(["context", "context", "playing", "hidden"]);
    expect(states(agent)).toEqual(["context", "context", "playing", "generating"]);
  });
});

test("init forgets everything but who the session is", () => {
  const session = play(["/midigpt/bar/end", 0, 4, 4]);
  Object.assign(session, { id: "abc", revision: 12 });
  reduce(session, ["/midigpt/session/init", "again", 0, ""], 0);
  expect(session).toEqual({
    ...emptySession(),
    id: "abc",
    revision: 12,
    name: "again",
    phase: "INITIALIZING",
  });
});

test("after a reset only a snapshot says what holds", () => {
  expect(reduce(emptySession(), ["/midigpt/param/set", "temperature", 1.2], 0)).toBe(true);
  expect(reduce(emptySession(), ["/midigpt/param/reset_all"], 0)).toBe(false);
});

test("a snapshot is a session", () => {
  const session = fromSnapshot(
    JSON.stringify({
      id: "abc",
      revision: 41,
      name: "live set",
      state: "RUNNING",
      playhead: 5,
      bpm: 96,
      meter: "6/8",
      parameters: { temperature: 0.9 },
      attributes: {},
      once: {},
      generating: null,
      tracks: [
        {
          track_id: 3,
          instrument: 33,
          is_drum: false,
          is_agent: true,
          ignored: false,
          parameters: { mute: 1 },
          attributes: { max_polyphony: 2 },
          bars: { "4": [[40, 100, 0.25, 0.5]] },
        },
      ],
    }),
  );
  expect(session).toMatchObject({ id: "abc", revision: 41, phase: "RUNNING", tempo: 96 });
  expect(session.meters.get(5)).toEqual({ numerator: 6, denominator: 8 });
  expect(session.tracks[0]).toMatchObject({ id: 3, isMuted: true, attributes: { max_polyphony: 2 } });
  expect(bar(session, 3, 4)?.notes).toEqual([
    { pitch: 40, velocity: 100, onset: 0.25, duration: 0.5 },
  ]);
});
