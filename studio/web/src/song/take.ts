/** The JSON of a take, as the server reads and writes MIDI files, and sessions as takes. */
import { makeTrack } from "../session/reduce";
import {
  barOf,
  emptySession,
  meterOf,
  type Note,
  type Session,
  type Track,
} from "../session/state";

export type TakeNote = [pitch: number, velocity: number, onset: number, duration: number];

export interface Take {
  resolution: number;
  meters: [numerator: number, denominator: number][];
  tempos: [position: number, bpm: number][];
  tracks: { name: string; instrument: number; is_drum: boolean; bars: TakeNote[][] }[];
}

const RESOLUTION = 960;
/** Tracks of a song have numbers of their own, apart from those of live sessions. */
const FIRST_ID = 1000;

export const noteOf = ([pitch, velocity, onset, duration]: TakeNote): Note => ({
  pitch,
  velocity,
  onset,
  duration,
});

const tuple = ({ pitch, velocity, onset, duration }: Note): TakeNote => [
  pitch,
  velocity,
  onset,
  duration,
];

/** A take to be shown and edited. */
export function sessionOf(take: Take, name: string): Session {
  const session = { ...emptySession(), name, playhead: take.meters.length };
  take.meters.forEach(([numerator, denominator], bar) =>
    session.meters.set(bar, { numerator, denominator }),
  );
  session.tracks = take.tracks.map((told, position) => {
    const track = makeTrack(FIRST_ID + position, told.instrument, told.is_drum, false);
    track.name = told.name;
    told.bars.forEach((notes, bar) => {
      if (notes.length) barOf(track, bar).notes = notes.map(noteOf);
    });
    return track;
  });
  return session;
}

/** What of a session is to be saved. */
export interface Extract {
  tracks: readonly Track[];
  /** Half open. */
  from: number;
  to: number;
  nameOf: (track: Track) => string;
}

export function takeOf(
  session: Session,
  tempos: Take["tempos"],
  { tracks, from, to, nameOf }: Extract,
  resolution = RESOLUTION,
): Take {
  const bars = Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i);
  const before = tempos.findLast(([position]) => position <= from) ?? [0, 120];
  return {
    resolution,
    meters: bars.map((bar) => {
      const { numerator, denominator } = meterOf(session, bar);
      return [numerator, denominator];
    }),
    tempos: [
      [0, before[1]],
      ...tempos
        .filter(([position]) => position > from && position < to)
        .map(([position, bpm]): [number, number] => [position - from, bpm]),
    ],
    tracks: tracks.map((track) => ({
      name: nameOf(track),
      instrument: track.instrument,
      is_drum: track.isDrum,
      bars: bars.map((bar) => (track.bars.get(bar)?.notes ?? []).map(tuple)),
    })),
  };
}

/** One past the last bar that has notes or has ended. */
export function lengthOf(session: Session): number {
  const ends = session.tracks.map((track) => Math.max(0, ...[...track.bars.keys()].map((b) => b + 1)));
  return Math.max(session.playhead, ...ends, 0);
}

/** The tempo that makes a bar as long as its tempos do together. */
export function barTempo(tempos: Take["tempos"], bar: number): number {
  const inside = tempos.filter(([position]) => position > bar && position < bar + 1);
  let bpm = tempos.findLast(([position]) => position <= bar)?.[1] ?? 120;
  let at = bar;
  let time = 0;
  for (const [position, next] of inside) {
    time += (position - at) / bpm;
    [at, bpm] = [position, next];
  }
  return 1 / (time + (bar + 1 - at) / bpm);
}
