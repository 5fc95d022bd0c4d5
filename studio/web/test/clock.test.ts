import { expect, test } from "vitest";
import { beatsOf, Timeline } from "../src/clock/timeline";
import { TapTempo } from "../src/clock/tap";
import { barTempo } from "../src/song/take";

const RATE = 48_000;
const four = { numerator: 4, denominator: 4 };

test("bars follow one another without a gap through changes of tempo and meter", () => {
  const timeline = new Timeline(RATE);
  const first = timeline.begin(3, 1000, four, 120);
  const second = timeline.extend({ numerator: 6, denominator: 8 }, 90);
  const third = timeline.extend(four, 240);
  expect(first.frames).toBe(2 * RATE);
  expect(second.frame).toBe(1000 + 2 * RATE);
  expect(second.frames).toBe(2 * RATE); // three quarters at 90
  expect(third.frame).toBe(1000 + 4 * RATE);
  expect([first, second, third].map((bar) => bar.index)).toEqual([3, 4, 5]);
});

test("a frame has a place, and a place a frame", () => {
  const timeline = new Timeline(RATE);
  timeline.begin(0, 500, four, 120);
  timeline.extend(four, 60);
  expect(timeline.at(499)).toBeUndefined();
  const place = timeline.at(500 + 2 * RATE + RATE)!;
  expect([place.bar.index, place.fraction]).toEqual([1, 0.25]);
  expect(timeline.frameOf(place.bar, place.fraction)).toBe(500 + 3 * RATE);
});

test("a note over the bar line keeps its length, in fractions of the bar it began in", () => {
  const timeline = new Timeline(RATE);
  const bar = timeline.begin(0, 0, four, 120);
  timeline.extend(four, 240);
  expect(timeline.fractionBetween({ bar, fraction: 0.5 }, 2.5 * RATE)).toBeCloseTo(0.75);
});

test("beats are counted as musicians do", () => {
  const beats = (numerator: number, denominator: number) => beatsOf({ numerator, denominator });
  expect([beats(4, 4), beats(3, 4), beats(6, 8), beats(12, 8), beats(7, 8), beats(3, 8)]).toEqual([
    4, 3, 2, 4, 7, 3,
  ]);
});

test("tap tempo needs three taps and forgives a bad one", () => {
  const tap = new TapTempo();
  expect(tap.tap(0)).toBeUndefined();
  expect(tap.tap(500)).toBeUndefined();
  expect(tap.tap(1000)).toBe(120);
  tap.tap(1500);
  expect(tap.tap(2210)).toBe(120); // one late tap among four
  expect(tap.tap(9000)).toBeUndefined(); // a new beginning
});

test("a bar with a change of tempo inside lasts as long as its parts", () => {
  expect(barTempo([[0, 120]], 5)).toBe(120);
  // half a bar at 60 and half at 120 last as long as a bar at 80
  expect(
    barTempo(
      [
        [0, 60],
        [2.5, 120],
      ],
      2,
    ),
  ).toBeCloseTo(80);
});
