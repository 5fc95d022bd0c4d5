/** To and from files: MIDI through the server, WAV from the synthesizer. */
import type { ScheduledNote } from "../sound/commands";
import type { Mixer } from "../sound/mixer";
import type { Player } from "../sound/player";
import { wavBytes } from "../sound/wav";
import type { Track } from "../session/state";
import { barTempo, type Take, type TakeNote } from "./take";

/** What the server says is wrong. */
async function answerOf(response: Response): Promise<Response> {
  if (response.ok) return response;
  const { error } = await response.json().catch(() => ({ error: `error ${response.status}` }));
  throw new Error(error);
}

const post = (path: string, body: BodyInit, type = "application/json"): Promise<Response> =>
  fetch(path, { method: "POST", body, headers: { "Content-Type": type } }).then(answerOf);

export async function readMidi(file: File): Promise<Take> {
  return (await post("/files/midi", file, "audio/midi")).json();
}

/** A session that the server's journal has kept. */
export interface Kept {
  take: number;
  session: string;
  name: string;
  began: number;
  bars: number;
  notes: number;
  answers: number;
}

export async function keptTakes(): Promise<Kept[]> {
  return (await fetch("/takes.json").then(answerOf)).json();
}

export async function takeMidi(number: number): Promise<Blob> {
  return (await fetch(`/takes/${number}.mid`).then(answerOf)).blob();
}

export async function midiOf(take: Take): Promise<Blob> {
  return (await post("/files/take.mid", JSON.stringify(take))).blob();
}

export interface Written {
  track: number;
  bars: Record<string, TakeNote[]>;
}

export async function infill(
  take: Take,
  marks: { track: number; bars: number[] }[],
  settings: Record<string, unknown>,
): Promise<Written[]> {
  return (await post("/files/infill", JSON.stringify({ ...settings, take, marks }))).json();
}

const TAIL_SECONDS = 2;

/** The sound of a take through the page's own synthesizer, as a WAV file. */
export async function wavOf(
  take: Take,
  tracks: readonly Track[],
  player: Player,
  mixer: Mixer,
): Promise<Blob> {
  const notes: ScheduledNote[] = [];
  let frame = 0;
  take.meters.forEach(([numerator, denominator], bar) => {
    const seconds = (240 * numerator) / denominator / barTempo(take.tempos, bar);
    const frames = seconds * player.sampleRate;
    take.tracks.forEach((track, position) => {
      const channel = mixer.channelOf(tracks[position]!);
      if (channel === undefined) return;
      for (const [pitch, velocity, onset, duration] of track.bars[bar] ?? []) {
        notes.push({
          frame: Math.round(frame + onset * frames),
          until: Math.round(frame + (onset + duration) * frames),
          channel,
          pitch,
          velocity,
          tag: "",
        });
      }
    });
    frame += frames;
  });
  const length = Math.ceil(frame + TAIL_SECONDS * player.sampleRate);
  const sound = await player.renderOffline(notes, length);
  return new Blob([wavBytes([sound.getChannelData(0), sound.getChannelData(1)], sound.sampleRate)], {
    type: "audio/wav",
  });
}

export function download(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
