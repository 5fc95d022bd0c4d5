/** What the page tells the synthesizer on the audio thread. Frames count from the context's start. */

/** A note that starts at `frame` and ends at `until`; `tag` names what it belongs to. */
export interface ScheduledNote {
  frame: number;
  until: number;
  channel: number;
  pitch: number;
  velocity: number;
  tag: string;
}

export type Command =
  | { kind: "bank"; id: string; data: ArrayBuffer }
  | { kind: "forget"; id: string }
  | { kind: "channel"; channel: number; program: number }
  | { kind: "control"; channel: number; controller: number; value: number }
  | { kind: "notes"; notes: ScheduledNote[] }
  | { kind: "press"; channel: number; pitch: number; velocity: number }
  | { kind: "release"; channel: number; pitch: number }
  | { kind: "drop"; tag: string }
  | { kind: "stop" };

/** What the audio thread says 100 times a second, in frames. */
export interface Tick {
  frame: number;
  /** Of the note that came latest since the last stop. */
  lateness: number;
}

/** Controllers that the mixer sets. */
export const VOLUME = 7;
export const PAN = 10;
export const SUSTAIN = 64;

/** Channels: 9 of every 16 is a drum kit. The last drum channel is the metronome's. */
export const CHANNELS = 64;
export const METRONOME = 57;

export const isDrumChannel = (channel: number): boolean => channel % 16 === 9;
