import { expect, test } from "vitest";
import { NoteIndex } from "../src/roll/notes";
import { emptyBar, type Bar } from "../src/session/state";

/** Pseudo-random, the same every time. */
function* numbers(seed: number): Generator<number, never> {
  for (;;) {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    yield seed / 2 ** 31;
  }
}

function manyBars(count: number): Map<number, Bar> {
  const random = numbers(7);
  const next = () => random.next().value;
  const bars = new Map<number, Bar>();
  for (let i = 0; i < count; i++) {
    const index = Math.floor(next() * 300);
    const bar = bars.get(index) ?? emptyBar();
    const duration = next() < 0.02 ? next() * 40 : next();
    bar.notes.push({ pitch: 30 + Math.floor(next() * 60), velocity: 80, onset: next(), duration });
    bars.set(index, bar);
  }
  return bars;
}

test("notes in view are exactly those that sound there, long ones included", () => {
  const bars = manyBars(10_000);
  const index = new NoteIndex(bars);
  expect(index.size).toBe(10_000);
  const all = [...bars].flatMap(([bar, { notes }]) =>
    notes.map((note) => ({ start: bar + note.onset, end: bar + note.onset + note.duration })),
  );
  for (const [from, to] of [
    [0, 4],
    [17.3, 18.1],
    [120, 135.5],
    [299.9, 340],
    [400, 401],
  ] as const) {
    const wanted = all.filter(({ start, end }) => start < to && end > from);
    expect(index.between(from, to)).toHaveLength(wanted.length);
  }
  expect(index.between(120, 135.5).length).toBeGreaterThan(100);
});

test("notes come in the order of their onsets", () => {
  const starts = new NoteIndex(manyBars(500)).between(0, 400).map(({ start }) => start);
  expect(starts).toEqual([...starts].sort((a, b) => a - b));
  expect(starts).toHaveLength(500);
});
