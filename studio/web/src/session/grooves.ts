/** What the band starts with: chords that repeat, a tempo, a meter and instruments. */
import type { Meter, Note } from "./state";

export interface Part {
  name: string;
  instrument: number;
  isDrum: boolean;
  role: "you" | "loop" | "agent";
  volume: number;
  pan: number;
  /** Of an agent: lowest and highest pitch, and whether it plays one note at a time. */
  range?: [low: number, high: number];
  isSingle?: boolean;
}

export interface Groove {
  name: string;
  about: string;
  bpm: number;
  meter: Meter;
  /** One chord a bar. */
  chords: string[];
  /** Strokes of the chords: onset and duration in bars, velocity. */
  strokes: [onset: number, duration: number, velocity: number][];
  parts: Part[];
  /** Bars of the loops instead of chords, in their order. */
  loops?: Note[][][];
}

export const part = (
  role: Part["role"],
  name: string,
  instrument: number,
  volume: number,
  pan = 64,
): Part => ({ role, name, instrument, isDrum: false, volume, pan });
/** A bass that leaves the room above to the others. */
export const bass = (instrument: number, volume: number): Part => ({
  ...part("agent", "Bass", instrument, volume),
  range: [28, 55],
  isSingle: true,
});
const drums: Part = { ...part("agent", "Drums", 0, 92), isDrum: true };

const four: Meter = { numerator: 4, denominator: 4 };
const held: Groove["strokes"] = [[0, 0.96, 66]];
const pushed: Groove["strokes"] = [
  [0, 0.34, 70],
  [0.375, 0.22, 58],
  [0.625, 0.34, 64],
];
const offbeats: Groove["strokes"] = [0.125, 0.375, 0.625, 0.875].map((at) => [at, 0.08, 62]);

export const GROOVES: Groove[] = [
  {
    name: "Open road",
    about: "C, G, Am, F: pop that goes with everything on the white keys",
    bpm: 112,
    meter: four,
    chords: ["C", "G", "Am", "F"],
    strokes: pushed,
    parts: [
      part("you", "You", 0, 112),
      part("loop", "Chords", 4, 74, 44),
      bass(33, 104),
      drums,
    ],
  },
  {
    name: "Late night",
    about: "Am7, Dm7, G7, Cmaj7: slow soul, still only white keys",
    bpm: 88,
    meter: four,
    chords: ["Am7", "Dm7", "G7", "Cmaj7"],
    strokes: held,
    parts: [
      part("you", "You", 11, 112),
      part("loop", "Chords", 4, 82, 44),
      bass(32, 108),
      drums,
    ],
  },
  {
    name: "Rain",
    about: "Dm, Bb, F, C: minor, driving, guitars",
    bpm: 126,
    meter: four,
    chords: ["Dm", "Bb", "F", "C"],
    strokes: pushed,
    parts: [
      part("you", "You", 27, 110),
      part("loop", "Chords", 25, 78, 84),
      bass(34, 104),
      drums,
    ],
  },
  {
    name: "Off the beat",
    about: "G, C, D, C: chords between the beats",
    bpm: 96,
    meter: four,
    chords: ["G", "C", "D", "C"],
    strokes: offbeats,
    parts: [
      part("you", "You", 16, 104),
      part("loop", "Chords", 28, 84, 84),
      bass(33, 110),
      drums,
    ],
  },
  {
    name: "Waltz",
    about: "three in a bar: Am, F, C, G",
    bpm: 132,
    meter: { numerator: 3, denominator: 4 },
    chords: ["Am", "F", "C", "G"],
    strokes: [
      [1 / 3, 0.28, 60],
      [2 / 3, 0.28, 58],
    ],
    parts: [
      part("you", "You", 0, 112),
      part("loop", "Chords", 48, 70, 44),
      bass(32, 108),
      drums,
    ],
  },
];

const ROOTS: Record<string, number> = {
  C: 0,
  D: 2,
  E: 4,
  F: 5,
  G: 7,
  A: 9,
  B: 11,
};
const QUALITIES: Record<string, number[]> = {
  "": [0, 4, 7],
  m: [0, 3, 7],
  "7": [0, 4, 7, 10],
  m7: [0, 3, 7, 10],
  maj7: [0, 4, 7, 11],
};
const LOWEST = 53;

/** Pitches of a chord such as `Bb` or `Dm7`, in close position around middle C. */
export function chordPitches(name: string): number[] {
  const match = /^([A-G])([b#]?)(.*)$/.exec(name);
  const quality = match && QUALITIES[match[3]!];
  if (!match || !quality) throw new Error(`unknown chord ${name}`);
  const accidental = match[2] === "b" ? -1 : match[2] === "#" ? 1 : 0;
  const root = ROOTS[match[1]!]! + accidental;
  return quality
    .map((step) => LOWEST + ((((root + step - LOWEST) % 12) + 12) % 12))
    .sort((a, b) => a - b);
}

/** The bars of a groove's chords. */
export function chordBars({ chords, strokes }: Groove): Note[][] {
  return chords.map((chord) =>
    strokes.flatMap(([onset, duration, velocity]) =>
      chordPitches(chord).map((pitch) => ({ pitch, velocity, onset, duration })),
    ),
  );
}
