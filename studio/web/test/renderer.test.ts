import { readFileSync } from "node:fs";
import { BasicSoundBank, SoundBankLoader } from "spessasynth_core";
import { beforeAll, expect, test } from "vitest";
import { type ScheduledNote, VOLUME } from "../src/sound/commands";
import { Renderer } from "../src/sound/renderer";

const RATE = 48_000;
const QUANTUM = 128;
let bass: ArrayBuffer;

beforeAll(async () => {
  const file = readFileSync("../../soundfonts/FluidR3Mono_GM.sf3");
  await BasicSoundBank.isSF3DecoderReady;
  const bank = SoundBankLoader.fromArrayBuffer(new Uint8Array(file).buffer);
  const one = new BasicSoundBank();
  one.soundBankInfo = { ...bank.soundBankInfo };
  one.clonePreset(
    bank.getPreset({ program: 33, bankMSB: 0, bankLSB: 0, isGMGSDrum: false }, "gs"),
  );
  one.flush();
  await one.setSampleFormat({ format: "pcm" });
  bass = one.writeSF2();
}, 60_000);

function note(frame: number, until: number, pitch = 40, tag = "a"): ScheduledNote {
  return { frame, until, channel: 0, pitch, velocity: 100, tag };
}

function makeRenderer(): Renderer {
  const renderer = new Renderer(RATE);
  renderer.receive({ kind: "bank", id: "bass", data: bass });
  renderer.receive({ kind: "channel", channel: 0, program: 33 });
  return renderer;
}

function render(renderer: Renderer, frames: number, size = QUANTUM, first = 0): Float32Array {
  const left = new Float32Array(frames);
  const right = new Float32Array(frames);
  for (let at = 0; at < frames; at += size) {
    renderer.render(left.subarray(at, at + size), right.subarray(at, at + size), first + at);
  }
  return left;
}

const firstSound = (samples: Float32Array): number => samples.findIndex((x) => Math.abs(x) > 1e-6);

test("notes start on their very frame, wherever it lies in a quantum", () => {
  const onsets = [1000, 1001, 1127, 1280, 4999];
  const sounds = onsets.map((onset) => {
    const renderer = makeRenderer();
    renderer.receive({ kind: "notes", notes: [note(onset, onset + 4800)] });
    return firstSound(render(renderer, 12_800));
  });
  const delays = sounds.map((sound, index) => sound - onsets[index]!);
  expect(delays[0]).toBeGreaterThanOrEqual(0);
  expect(new Set(delays).size).toBe(1); // the attack of the sample, the same for all
});

test("a render is bit-identical when repeated", () => {
  const play = () => {
    const renderer = makeRenderer();
    renderer.receive({
      kind: "notes",
      notes: [note(100, 9000), note(5000, 8000, 45), note(5000, 12_000, 52)],
    });
    return render(renderer, 25_600);
  };
  const first = play();
  expect(first.some((x) => Math.abs(x) > 0.01)).toBe(true);
  expect(play()).toEqual(first);
});

test("a key struck again is not cut by the end of the note before", () => {
  const ends: number[] = [];
  const renderer = makeRenderer();
  const off = renderer.synth.noteOff;
  let now = 0;
  Object.assign(renderer.synth, {
    noteOff: (channel: number, pitch: number) => {
      ends.push(now);
      off(channel, pitch);
    },
  });
  renderer.onStart = (_, frame) => {
    now = frame;
  };
  renderer.receive({ kind: "notes", notes: [note(0, 5000), note(3000, 9000)] });
  render(renderer, 6400);
  expect(ends).toEqual([0]); // only the one at the second strike; the end at 5000 is not the key's
  render(renderer, 6400, QUANTUM, 6400);
  expect(ends.length).toBe(2);
});

test("dropped and stopped notes are never heard", () => {
  const renderer = makeRenderer();
  const heard: number[] = [];
  renderer.onStart = ({ pitch }) => heard.push(pitch);
  renderer.receive({ kind: "notes", notes: [note(500, 900, 40, "old"), note(600, 900, 41, "new")] });
  renderer.receive({ kind: "drop", tag: "old" });
  render(renderer, 1280);
  renderer.receive({ kind: "notes", notes: [note(2000, 3000, 42)] });
  renderer.receive({ kind: "stop" });
  render(renderer, 12_800, QUANTUM, 1280);
  expect(heard).toEqual([41]);
});

test("a late note starts at once and keeps its end", () => {
  const renderer = makeRenderer();
  const starts: number[] = [];
  renderer.onStart = (_, frame) => starts.push(frame);
  renderer.receive({ kind: "notes", notes: [note(100, 5000)] });
  render(renderer, 1280, QUANTUM, 1280);
  expect(starts).toEqual([1280]);
  expect(renderer.lateness).toBe(1180);
});

test("fractions of a frame are rounded, and the sound stays finite", () => {
  const renderer = makeRenderer();
  renderer.receive({ kind: "notes", notes: [note(100.4, 2000.7), note(300.6, 5000.2, 45)] });
  const sound = render(renderer, 12_800);
  expect(sound.every(Number.isFinite)).toBe(true);
  expect(sound.some((x) => Math.abs(x) > 0.01)).toBe(true);
});

test("a bank that comes or goes later leaves the mix as it is", () => {
  const level = (change: (renderer: Renderer) => void) => {
    const renderer = makeRenderer();
    renderer.receive({ kind: "control", channel: 0, controller: VOLUME, value: 0 });
    change(renderer);
    renderer.receive({ kind: "notes", notes: [note(100, 9000)] });
    return Math.max(...render(renderer, 12_800).map(Math.abs));
  };
  const other = (renderer: Renderer) => renderer.receive({ kind: "bank", id: "b", data: bass });
  expect(level(other)).toBeLessThan(1e-4);
  expect(
    level((renderer) => {
      other(renderer);
      renderer.receive({ kind: "forget", id: "b" });
    }),
  ).toBeLessThan(1e-4);
});
