import { expect, test } from "vitest";
import { wavBytes } from "../src/sound/wav";

test("a WAV file has the samples, scaled only when they would clip", () => {
  const view = new DataView(wavBytes([new Float32Array([0, 0.5]), new Float32Array([0, -0.5])], 48_000));
  const text = (at: number) => String.fromCharCode(...[0, 1, 2, 3].map((i) => view.getUint8(at + i)));
  expect([text(0), text(8), text(36)]).toEqual(["RIFF", "WAVE", "data"]);
  expect(view.getUint32(24, true)).toBe(48_000);
  expect(view.getUint32(40, true)).toBe(8);
  expect([view.getInt16(48, true), view.getInt16(50, true)]).toEqual([16384, -16383]);
  const loud = new DataView(wavBytes([new Float32Array([2, 1])], 48_000));
  expect(loud.getInt16(44, true)).toBe(Math.round(32_767 * 0.98));
  expect(loud.getInt16(46, true)).toBe(Math.round((32_767 * 0.98) / 2));
});
