import { expect, test } from "vitest";
import { chordBars, chordPitches, GROOVES } from "../src/session/grooves";

test("chords are spelt right and lie close together around middle C", () => {
  const classes = (name: string) => chordPitches(name).map((p) => p % 12).sort((a, b) => a - b);
  expect(classes("C")).toEqual([0, 4, 7]);
  expect(classes("Am7")).toEqual([0, 4, 7, 9]);
  expect(classes("Bb")).toEqual([2, 5, 10]);
  expect(classes("G7")).toEqual([2, 5, 7, 11]);
  for (const pitch of GROOVES.flatMap(({ chords }) => chords.flatMap(chordPitches))) {
    expect(pitch).toBeGreaterThanOrEqual(53);
    expect(pitch).toBeLessThan(65);
  }
  expect(() => chordPitches("H")).toThrow("unknown chord");
});

test("every groove has one player, loops and agents, and its strokes stay in their bar", () => {
  for (const groove of GROOVES) {
    const roles = groove.parts.map((part) => part.role);
    expect(roles.filter((role) => role === "you")).toHaveLength(1);
    expect(roles).toContain("agent");
    for (const note of chordBars(groove).flat()) {
      expect(note.onset + note.duration).toBeLessThanOrEqual(1);
    }
  }
});
