/** A session as the server tells it: tracks, bars, parameters. Nothing here is decided in the page. */

export interface Note {
  pitch: number;
  velocity: number;
  /** Fractions of the bar. */
  onset: number;
  duration: number;
}

export interface Meter {
  numerator: number;
  denominator: number;
}

/** What the model was shown for an agent's bar. */
export interface Making {
  windowStart: number;
  windowEnd: number;
  contextBars: number;
}

/** What a generation took, as the server tells it. */
export interface Cost {
  milliseconds: number;
  tokens: number;
  temperature: number;
  /** -1: random. */
  seed: number;
}

/** A version of a song's bar: from the file, or of the model. */
export interface Version {
  notes: Note[];
  isWritten: boolean;
}

/** Bars that go round, half open. */
export type Cycle = readonly [from: number, to: number];

export interface Bar {
  notes: Note[];
  /** Notes are still arriving. */
  isOpen: boolean;
  isLate: boolean;
  /** The policy that filled the bar when the model could not. */
  fallback: string;
  making?: Making;
  cost?: Cost;
  features?: number[];
  /** How many takes the bar has, and which of them is played: from 0, -1 for none. */
  takes: number;
  take: number;
  /** The takes themselves, of a song; those of a session are the server's. */
  versions?: Version[];
  /** It has sounded; what is in it is of the last time round. */
  isOver: boolean;
}

export interface Track {
  id: number;
  name: string;
  instrument: number;
  isDrum: boolean;
  isAgent: boolean;
  isIgnored: boolean;
  isMuted: boolean;
  parameters: Record<string, number | string | boolean>;
  attributes: Record<string, number>;
  bars: Map<number, Bar>;
  /** Rises whenever notes change. */
  version: number;
}

/** What a model was shown for one generation. */
export interface Prompt {
  target: number;
  start: number;
  end: number;
  /** Track id to one letter a bar: C context, T to generate, M or A hidden. */
  states: Map<number, string[]>;
}

/** Attribute levels of generated bars, and those asked for. */
export interface Sampled {
  trackId: number;
  start: number;
  end: number;
  levels: Record<string, number>;
  requested: Record<string, number>;
}

export interface AttributeInfo {
  size: number;
  level: string;
  track_type: string;
  labels?: string[];
}

export type Phase = "UNINITIALIZED" | "INITIALIZING" | "RUNNING" | "STOPPED";

export interface Session {
  id: string;
  revision: number;
  name: string;
  phase: Phase;
  playhead: number;
  tempo: number;
  meters: Map<number, Meter>;
  tracks: Track[];
  parameters: Record<string, number | string | boolean>;
  once: Record<string, number | string | boolean>;
  attributes: Record<string, number>;
  capabilities: Record<string, boolean>;
  modelAttributes: Record<string, AttributeInfo>;
  windowLengths: number[];
  knownMeters: string[];
  /** What agents can play with. */
  models: string[];
  isGenerating: boolean;
  generatingSince: number;
  /** Bars that must still end before the first answer; 0 when answers come. */
  buffering: number;
  /** The bars that are repeated. */
  loop: Cycle | null;
  prompts: Prompt[];
  sampled: Sampled[];
  /** Milliseconds that the last generations took. */
  latencies: number[];
  late: number;
  fallbacks: number;
}

export const PROMPTS_KEPT = 64;

export function emptySession(): Session {
  return {
    id: "",
    revision: 0,
    name: "",
    phase: "UNINITIALIZED",
    playhead: 0,
    tempo: 0,
    meters: new Map(),
    tracks: [],
    parameters: {},
    once: {},
    attributes: {},
    capabilities: {},
    modelAttributes: {},
    windowLengths: [],
    knownMeters: [],
    models: [],
    isGenerating: false,
    generatingSince: 0,
    buffering: 0,
    loop: null,
    prompts: [],
    sampled: [],
    latencies: [],
    late: 0,
    fallbacks: 0,
  };
}

export function emptyBar(): Bar {
  return { notes: [], isOpen: false, isLate: false, fallback: "", takes: 0, take: 0, isOver: false };
}

export function trackOf(session: Session, id: number): Track | undefined {
  return session.tracks.find((track) => track.id === id);
}

export function barOf(track: Track, index: number): Bar {
  let bar = track.bars.get(index);
  if (!bar) track.bars.set(index, (bar = emptyBar()));
  return bar;
}

/** The bar that follows another. */
export const barAfter = (bar: number, loop: Cycle | null): number =>
  loop && bar + 1 === loop[1] ? loop[0] : bar + 1;

/** The meter of a bar: that of the last bar with a known one. */
export function meterOf(session: Session, bar: number): Meter {
  for (let i = Math.min(bar, session.playhead); i >= 0; i--) {
    const meter = session.meters.get(i);
    if (meter) return meter;
  }
  return { numerator: 4, denominator: 4 };
}

/** The newest prompt that wrote or showed a bar. */
export function promptOf(session: Session, bar: number): Prompt | undefined {
  return session.prompts.findLast((prompt) => prompt.start <= bar && bar < prompt.end);
}
