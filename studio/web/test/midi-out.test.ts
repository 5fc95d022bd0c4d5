import { expect, test } from "vitest";
import type { ScheduledNote } from "../src/sound/commands";
import { MidiOut } from "../src/sound/midi-out";

const RATE = 1000; // a frame is a millisecond

function makeOut() {
  const sent: [bytes: number[], moment: number | undefined][] = [];
  const out = new MidiOut({ send: (bytes, moment) => sent.push([bytes, moment]) }, RATE);
  return { out, sent };
}

const note = (frame: number, until: number, tag = "a"): ScheduledNote => ({
  frame,
  until,
  channel: 2,
  pitch: 60,
  velocity: 100,
  tag,
});

test("notes are handed over shortly ahead, dated with their own time", () => {
  const { out, sent } = makeOut();
  out.schedule([note(500, 700)]);
  out.onTick(400, 10_000);
  expect(sent).toEqual([]);
  out.onTick(450, 10_050);
  expect(sent).toEqual([[[0x92, 60, 100], 10_100]]);
  out.onTick(650, 10_250);
  expect(sent[1]).toEqual([[0x82, 60, 0], 10_300]);
});

test("what is dropped is never sent, and stop ends what sounds", () => {
  const { out, sent } = makeOut();
  out.schedule([note(10, 5000), note(900, 1000, "gone")]);
  out.onTick(0, 0);
  out.drop("gone");
  out.stop();
  out.onTick(1000, 1000);
  const ons = sent.filter(([[status]]) => status === 0x92);
  expect(ons).toHaveLength(1);
  expect(sent).toContainEqual([[0x82, 60, 0], undefined]);
  expect(sent.filter(([[status, controller]]) => status! >> 4 === 0xb && controller === 123)).toHaveLength(16);
});
