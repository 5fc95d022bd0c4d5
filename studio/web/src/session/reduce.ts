/**
 * From messages to state. `reduce` takes every message that the session has accepted or sent, in
 * order; the same table serves both directions, since no address is in both.
 */
import type { Osc, OscValue } from "../wire/osc";
import {
  barAfter,
  barOf,
  type Cycle,
  emptySession,
  type Note,
  type Prompt,
  PROMPTS_KEPT,
  type Session,
  type Track,
  trackOf,
} from "./state";

type Values = OscValue[];
type Reducer = (session: Session, values: Values, now: number) => void;

const DRUM_TRACK_TYPE = 11;
const LATENCIES_KEPT = 256;
/** Bars after the playhead that agents may have written. */
const WRITTEN_AHEAD = 16;

const n = (value: OscValue | undefined): number => Number(value ?? 0);
const json = (value: OscValue | undefined) => JSON.parse(String(value ?? "{}"));

function begin(session: Session, name: string): void {
  const { id, revision } = session;
  Object.assign(session, emptySession(), { id, revision, name, phase: "INITIALIZING" });
}

function createTrack(session: Session, [id, program, type, isAgent]: Values): void {
  if (trackOf(session, n(id))) return;
  session.tracks.push(
    makeTrack(n(id), n(program), n(type) === DRUM_TRACK_TYPE, isAgent === true || n(isAgent) !== 0),
  );
}

function removeTrack(session: Session, [id]: Values): void {
  session.tracks = session.tracks.filter((track) => track.id !== n(id));
}

export function makeTrack(
  id: number,
  instrument: number,
  isDrum: boolean,
  isAgent: boolean,
): Track {
  return {
    id,
    name: "",
    instrument: instrument >= 0 && instrument <= 127 ? instrument : 0,
    isDrum,
    isAgent,
    isIgnored: false,
    isMuted: false,
    parameters: {},
    attributes: {},
    bars: new Map(),
    version: 0,
  };
}

/**
 * As the server does: a negative duration began a bar earlier, an onset of 1 is the next bar's, a
 * note of the same pitch and onset is replaced.
 */
function addNote(session: Session, values: Values): void {
  const track = trackOf(session, n(values[0]));
  let [, pitch, velocity, onset, duration, bar] = values.map(Number) as number[];
  if (!track) return;
  if (duration! < 0 && bar! > 0) {
    bar! -= 1;
    duration! += 1;
  }
  if (onset! >= 1) {
    bar! += 1;
    onset = 0;
  }
  track.version += 1;
  const kept = barOf(track, bar!);
  kept.notes = [
    ...kept.notes.filter((note) => note.pitch !== pitch || note.onset !== onset),
    {
      pitch: pitch!,
      velocity: velocity! || 80,
      onset: onset!,
      duration: Math.max(0, duration!),
    },
  ];
}

/** As the server finds it: the pitch, and the onset to a thousandth of the bar. */
function removeNote(session: Session, [id, pitch, onset, bar]: Values): void {
  const track = trackOf(session, n(id));
  if (!track) return;
  track.version += 1;
  const kept = barOf(track, n(bar));
  kept.notes = kept.notes.filter(
    (note) => note.pitch !== n(pitch) || Math.abs(note.onset - n(onset)) > 1e-3,
  );
}

function endBar(session: Session, [bar, numerator, denominator]: Values): void {
  const index = n(bar);
  session.meters.set(index, { numerator: n(numerator), denominator: n(denominator) });
  if (index >= session.playhead) session.playhead = barAfter(index, session.loop);
  for (const track of session.tracks) {
    if (!track.isAgent) barOf(track, index);
    const ended = track.bars.get(index);
    if (ended) ended.isOver = true;
  }
}

function transport(session: Session, [action, first, end]: Values): void {
  if (action === "locate") session.playhead = n(first);
  if (action === "loop") setLoop(session, n(end) ? [n(first), n(end)] : null);
}

/** What agents have written ahead is for the bars that come next, whatever they are called now. */
function setLoop(session: Session, loop: Cycle | null): void {
  const steps = Array.from({ length: WRITTEN_AHEAD });
  const coming = (cycle: Cycle | null) =>
    steps.reduce<number[]>((bars) => [...bars, barAfter(bars.at(-1)!, cycle)], [session.playhead]);
  const [before, after] = [coming(session.loop), coming(loop)];
  for (const { isAgent, bars } of session.tracks) {
    if (!isAgent) continue;
    const ahead = before.map((bar, i) =>
      before.indexOf(bar) === i && !bars.get(bar)?.isOver ? bars.get(bar) : undefined,
    );
    before.forEach((bar, i) => bar !== after[i] && ahead[i] && bars.delete(bar));
    after.forEach((bar, i) => bar !== before[i] && ahead[i] && bars.set(bar, ahead[i]));
  }
  for (const track of session.tracks) track.version += 1;
  session.loop = loop;
}

function addPrompt(session: Session, values: Values): void {
  const told = json(values[0]);
  const prompt: Prompt = {
    target: told.target_bar,
    start: told.start_bar,
    end: told.end_bar,
    states: new Map(
      told.tracks.map((track: { track_id?: number; id: number; states: string[] }) => [
        track.track_id ?? session.tracks[track.id]?.id ?? track.id,
        track.states,
      ]),
    ),
  };
  session.prompts = [...session.prompts.slice(1 - PROMPTS_KEPT), prompt];
}

function openBar(session: Session, [trackId, index]: Values): void {
  const track = trackOf(session, n(trackId));
  if (!track) return;
  track.version += 1;
  const bar = barOf(track, n(index));
  const fallback = bar.isOpen ? bar.fallback : "";
  const takes = bar.isOver ? { takes: 1, take: 0 } : { takes: Math.max(1, bar.takes) };
  Object.assign(bar, { notes: [], isOpen: true, isLate: false, isOver: false, fallback, ...takes });
  session.buffering = 0;
}

function closeBar(session: Session, [trackId, index]: Values): void {
  const track = trackOf(session, n(trackId));
  if (!track) return;
  const bar = barOf(track, n(index));
  bar.isOpen = false;
  const prompt = session.prompts.at(-1);
  const shown = prompt && [...prompt.states.values()].flat().filter((state) => state === "C");
  bar.making = {
    windowStart: prompt?.start ?? 0,
    windowEnd: prompt?.end ?? 0,
    contextBars: shown?.length ?? 0,
  };
}

function setCost(session: Session, [text]: Values): void {
  const { track_id, start_bar, end_bar, ...cost } = json(text);
  const track = trackOf(session, track_id);
  if (!track) return;
  for (let bar = start_bar; bar < end_bar; bar++) barOf(track, bar).cost = cost;
}

function setTake(session: Session, [trackId, index, take, takes]: Values): void {
  const track = trackOf(session, n(trackId));
  if (track) Object.assign(barOf(track, n(index)), { take: n(take), takes: n(takes) });
}

function setStatus(session: Session, [state]: Values, now: number): void {
  const isGenerating = state === "generating";
  if (session.isGenerating && !isGenerating) {
    const took = now - session.generatingSince;
    session.latencies = [...session.latencies.slice(1 - LATENCIES_KEPT), took];
  }
  session.isGenerating = isGenerating;
  if (isGenerating) session.generatingSince = now;
}

function setTrackParameter(session: Session, [id, name, value]: Values): void {
  const track = trackOf(session, n(id));
  if (!track) return;
  if (name === "ignore") track.isIgnored = n(value) !== 0;
  else if (name === "instrument") track.instrument = n(value);
  else if (name === "mute") track.isMuted = n(value) !== 0;
  else track.parameters[String(name)] = value!;
}

function addSampled(session: Session, values: Values): void {
  const told = json(values[0]);
  session.sampled = [
    ...session.sampled.slice(1 - LATENCIES_KEPT),
    {
      trackId: told.track_id ?? -1,
      start: told.start_bar,
      end: told.end_bar,
      levels: told.attrs ?? {},
      requested: told.requested ?? {},
    },
  ];
}

function flush(session: Session, [trackId, from]: Values): void {
  for (const track of session.tracks) {
    if (!track.isAgent || (n(trackId) !== -1 && n(trackId) !== track.id)) continue;
    track.version += 1;
    for (const [index, bar] of track.bars) {
      if (index >= Math.max(n(from), session.playhead) && !bar.isOver) bar.notes = [];
    }
  }
}

function setWish(wishes: Record<string, number>, name: string, level: number): typeof wishes {
  const { [name]: _, ...others } = wishes;
  return level < 0 ? others : { ...others, [name]: level };
}

const REDUCERS: Record<string, Reducer> = {
  "/midigpt/session/init": (s, [name]) => begin(s, String(name ?? "")),
  "/midigpt/session/started": (s) => void (s.phase = "RUNNING"),
  "/midigpt/session/stopped": (s) => {
    s.phase = "STOPPED";
    s.isGenerating = false;
  },
  "/midigpt/capabilities": (s, [text]) => void (s.capabilities = json(text)),
  "/midigpt/model": (s, [text]) => {
    const model = json(text);
    s.modelAttributes = model.attributes ?? {};
    s.windowLengths = model.window_lengths ?? [];
    s.knownMeters = model.meters ?? [];
    s.models = model.models ?? [];
  },
  "/midigpt/track/create": createTrack,
  "/midigpt/track/remove": removeTrack,
  "/midigpt/agent/create": (s, [id, program, type]) => createTrack(s, [id!, program!, type!, 1]),
  "/midigpt/agent/remove": removeTrack,
  "/midigpt/agent/attr/set": (s, [id, name, level]) => {
    const track = trackOf(s, n(id));
    if (track) track.attributes = setWish(track.attributes, String(name), n(level));
  },
  "/midigpt/track/set_ignore": (s, [id, isIgnored]) =>
    setTrackParameter(s, [id!, "ignore", isIgnored!]),
  "/midigpt/track/param/set": setTrackParameter,
  "/midigpt/note": addNote,
  "/midigpt/note/remove": removeNote,
  "/midigpt/bar/end": endBar,
  "/midigpt/transport": transport,
  "/midigpt/tempo": (s, [bpm]) => void (s.tempo = n(bpm)),
  "/midigpt/bar/buffering": (s, [, missing]) => void (s.buffering = n(missing)),
  "/midigpt/param/set": (s, [name, value]) => {
    s.parameters = { ...s.parameters, [String(name)]: value! };
  },
  "/midigpt/param/set_once": (s, [name, value]) => {
    s.once = { ...s.once, [String(name)]: value! };
  },
  "/midigpt/attr/set": (s, [name, level]) => {
    s.attributes = setWish(s.attributes, String(name), n(level));
  },
  "/midigpt/attr/reset_all": (s) => void (s.attributes = {}),
  "/midigpt/prompt/text": (s, [text, id = -1]) => {
    for (const track of s.tracks) {
      if (!track.isAgent || (n(id) !== -1 && n(id) !== track.id)) continue;
      track.parameters = { ...track.parameters, prompt_text: text! };
    }
  },
  "/midigpt/status": setStatus,
  "/midigpt/prompt/state": addPrompt,
  "/midigpt/generated/open": openBar,
  "/midigpt/generated/note": (s, [id, index, pitch, velocity, onset, duration]) => {
    const track = trackOf(s, n(id));
    if (!track) return;
    track.version += 1;
    barOf(track, n(index)).notes.push({
      pitch: n(pitch),
      velocity: n(velocity),
      onset: n(onset),
      duration: n(duration),
    });
  },
  "/midigpt/generated/close": closeBar,
  "/midigpt/generated/take": setTake,
  "/midigpt/generation/done": setCost,
  "/midigpt/generated/flush": flush,
  "/midigpt/bar/fallback": (s, [id, index, policy, reason]) => {
    const track = trackOf(s, n(id));
    if (!track) return;
    Object.assign(barOf(track, n(index)), { isOpen: true, fallback: `${policy} (${reason})` });
    s.fallbacks += 1;
  },
  "/midigpt/bar/late": (s, [id, index]) => {
    const track = trackOf(s, n(id));
    if (track) barOf(track, n(index)).isLate = true;
    s.late += 1;
  },
  "/midigpt/generated/features": (s, [id, index, ...features]) => {
    const track = trackOf(s, n(id));
    if (track) barOf(track, n(index)).features = features.map(Number);
  },
  "/midigpt/sampled/attrs": addSampled,
};

/** Addresses after which only a new snapshot says what holds. */
const UNCLEAR = new Set(["/midigpt/param/reset", "/midigpt/param/reset_all"]);

/** Take one message, at `now` milliseconds. Returns false when a new snapshot is wanted. */
export function reduce(session: Session, [address, ...values]: Osc, now: number): boolean {
  REDUCERS[address]?.(session, values, now);
  return !UNCLEAR.has(address);
}

/** Begin from a snapshot: the state of a session and the notes of its last bars. */
export function fromSnapshot(text: string): Session {
  const told = json(text);
  const session = emptySession();
  Object.assign(session, {
    id: told.id,
    revision: told.revision,
    name: told.name,
    phase: told.state,
    playhead: told.playhead,
    tempo: told.bpm ?? 0,
    parameters: told.parameters ?? {},
    once: told.once ?? {},
    attributes: told.attributes ?? {},
    capabilities: told.capabilities ?? {},
    modelAttributes: told.model?.attributes ?? {},
    windowLengths: told.model?.window_lengths ?? [],
    knownMeters: told.model?.meters ?? [],
    models: told.model?.models ?? [],
    isGenerating: told.generating != null,
    loop: told.loop ?? null,
  });
  session.tracks = told.tracks.map(readTrack);
  for (const { bars } of session.tracks) {
    for (const [index, bar] of bars) bar.isOver = index < session.playhead;
  }
  const [numerator, denominator] = String(told.meter ?? "4/4").split("/").map(Number);
  session.meters.set(session.playhead, { numerator: numerator!, denominator: denominator! });
  return session;
}

interface ToldTrack {
  track_id: number;
  name?: string;
  instrument: number;
  is_drum: boolean;
  is_agent: boolean;
  ignored: boolean;
  parameters?: Track["parameters"];
  attributes?: Record<string, number>;
  bars?: Record<string, number[][]>;
  takes?: Record<string, [take: number, takes: number]>;
}

function readTrack(told: ToldTrack): Track {
  const track = makeTrack(told.track_id, told.instrument, told.is_drum, told.is_agent);
  track.name = told.name ?? "";
  track.isIgnored = told.ignored;
  track.isMuted = Number(told.parameters?.["mute"] ?? 0) !== 0;
  track.parameters = told.parameters ?? {};
  track.attributes = told.attributes ?? {};
  for (const [bar, notes] of Object.entries(told.bars ?? {})) {
    Object.assign(barOf(track, Number(bar)), { notes: notes.map(readNote), takes: 1 });
  }
  for (const [bar, [take, takes]] of Object.entries(told.takes ?? {})) {
    Object.assign(barOf(track, Number(bar)), { take, takes });
  }
  return track;
}

function readNote([pitch, velocity, onset, duration]: number[]): Note {
  return { pitch: pitch!, velocity: velocity!, onset: onset!, duration: duration! };
}
