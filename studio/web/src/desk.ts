/** What lies on the desk: the live session, or a song. The roll shows one of them. */
import { computed, effect, signal } from "@preact/signals";
import { isKept, keepNothing } from "./session/kept";
import { nameTrack } from "./session/names";
import { playTake } from "./session/takes";
import { trackName } from "./session/track-name";
import { changeInstrument, removeTrack } from "./session/tracks";
import type { Cycle, Session, Track } from "./session/state";
import { Song } from "./song/document";
import { SongPlayer } from "./song/song-player";
import { download, infill, midiOf, readMidi, takeMidi, wavOf } from "./song/files";
import { lengthOf, noteOf, type Take, takeOf } from "./song/take";
import { client, jam, leader, mixer, player } from "./studio";
import { type Mark, marks, unmarkAll } from "./roll/selection";
import { scrollTo } from "./roll/view";

export type View = "live" | "song";

/** How many bars go round when none are marked. */
const LOOP_BARS = 4;

export const view = signal<View>("live");
export const song = new Song();
export const songPlayer = new SongPlayer(song, player, mixer);
/** What the page is busy with, in words; empty when it is not. */
export const work = signal("");

export const shown = computed<Session>(() =>
  view.value === "song" && song.session.value ? song.session.value : client.session.value,
);

/** The bar that sounds, of what is shown; -1 when silent. */
export const shownBar = computed(() =>
  view.value === "song" ? songPlayer.bar.value : leader.isPlaying.value ? leader.bar.value : -1,
);

export const isPlaying = computed(() =>
  view.value === "song" ? songPlayer.isPlaying.value : leader.isPlaying.value,
);

/** The place that is heard now, in bars. */
export function position(): number | undefined {
  const frame = player.frameHeardAt(performance.now());
  if (view.peek() === "song") return songPlayer.positionAt(frame);
  const place = leader.timeline.at(frame);
  return place && place.bar.index + Math.min(place.fraction, 1);
}

export function startDesk(): void {
  effect(() => mixer.follow(shown.value.tracks));
  player.onTick = (frame) => {
    leader.onTick(frame);
    songPlayer.onTick(frame);
  };
}

export function show(next: View): void {
  if (next === view.value) return;
  if (leader.isPlaying.value) jam.pause();
  songPlayer.stop();
  unmarkAll();
  scrollTo(0);
  view.value = next;
}

export async function togglePlay(): Promise<void> {
  if (view.value === "live") return jam.toggle();
  if (songPlayer.isPlaying.value) return songPlayer.stop();
  await player.open();
  songPlayer.start(Math.min(...marks.value.map(({ bar }) => bar), song.length) % song.length || 0);
}

/** Do something slow, say so, and say what went wrong. */
async function working<T>(text: string, action: () => Promise<T>): Promise<T | undefined> {
  work.value = text;
  try {
    return await action();
  } catch (error) {
    client.tell("error", error instanceof Error ? error.message : String(error));
    return undefined;
  } finally {
    work.value = "";
  }
}

export function openMidi(file: File): Promise<void> {
  return working(`Reading ${file.name}`, async () => {
    const take = await readMidi(file);
    show("song");
    keepNothing();
    song.open(take, file.name.replace(/\.midi?$/i, ""));
  }) as Promise<void>;
}

/** Put a session of the journal on the desk as a song. */
export function openTake(number: number, name: string): Promise<void> {
  return working(`Opening ${name}`, async () => {
    const file = await takeMidi(number);
    await openMidi(new File([file], `${name}.mid`));
  }) as Promise<void>;
}

/** Let a track of the band repeat the first part of a MIDI file that suits it. */
export function openLoop(file: File, track: Track): Promise<void> {
  return working(`Reading ${file.name}`, async () => {
    const take = await readMidi(file);
    const part =
      take.tracks.find((told) => told.is_drum === track.isDrum && told.bars.flat().length) ??
      take.tracks.find((told) => told.bars.flat().length);
    if (!part) throw new Error(`${file.name} has no notes`);
    jam.setLoop(track.id, part.bars.map((bar) => bar.map(noteOf)));
  }) as Promise<void>;
}

export function openSoundFont(file: File): Promise<void> {
  return working(`Loading ${file.name}`, async () => {
    await player.open();
    player.loadSoundFont(await file.arrayBuffer());
  }) as Promise<void>;
}

export function openFiles(files: Iterable<File>): void {
  for (const file of files) {
    if (/\.midi?$/i.test(file.name)) void openMidi(file);
    else if (/\.(sf2|sf3|dls)$/i.test(file.name)) void openSoundFont(file);
    else client.tell("error", `${file.name}: a .mid, .sf2 or .sf3 file is wanted`);
  }
}

/** Write the marked bars of the song. */
export async function writeMarked(): Promise<void> {
  const bars = new Map<number, number[]>();
  const free = marks.value.filter((mark) => !isKept(mark));
  for (const { trackId, bar } of free) bars.set(trackId, [...(bars.get(trackId) ?? []), bar]);
  if (bars.size === 0) {
    const areKept = marks.value.length > 0;
    client.tell(
      "warning",
      areKept
        ? "The marked bars are kept as they are."
        : "Mark bars first: click them in the row above the notes.",
    );
    return;
  }
  const { tracks } = song.session.value!;
  const wanted = [...bars].map(([trackId, numbers]) => ({
    track: tracks.findIndex((track) => track.id === trackId),
    bars: numbers,
  }));
  await working(`Writing ${free.length} bars`, async () => {
    for (const { track, bars } of await infill(song.take(), wanted, settings())) {
      song.setWritten(tracks[track]!.id, bars);
    }
  });
}

/** Add bars at the end and write them, on the tracks with marks, or on all. */
export async function continueSong(count: number): Promise<void> {
  const from = song.length;
  const chosen = new Set(marks.value.map(({ trackId }) => trackId));
  const { tracks } = song.session.value!;
  song.extend(count);
  marks.value = tracks
    .filter(({ id }) => chosen.size === 0 || chosen.has(id))
    .flatMap(({ id }) => Array.from({ length: count }, (_, i) => ({ trackId: id, bar: from + i })));
  await writeMarked();
}

/** Let a bar be as one of its takes. */
export function chooseTake(mark: Mark, take: number): void {
  if (view.value === "song") song.chooseTake(mark.trackId, mark.bar, take);
  else playTake(mark, take);
}

/** Repeat the marked bars, or the last four; or go straight on. */
export function toggleLoop(): void {
  const bars = marks.value.map(({ bar }) => bar);
  const marked: Cycle | null = bars.length ? [Math.min(...bars), Math.max(...bars) + 1] : null;
  if (view.value === "song") {
    songPlayer.loop.value = songPlayer.loop.value ? null : (marked ?? [0, song.length]);
    return;
  }
  const { loop, playhead, phase } = client.session.value;
  if (phase !== "RUNNING") return;
  const end = leader.isPlaying.value ? playhead + 2 : playhead + LOOP_BARS;
  try {
    leader.setCycle(loop ? null : (marked ?? [Math.max(0, end - LOOP_BARS), end]));
  } catch (error) {
    client.tell("warning", error instanceof Error ? error.message : String(error));
  }
}

/** The bars that are repeated, of what is shown. */
export const shownLoop = computed<Cycle | null>(() =>
  view.value === "song" ? songPlayer.loop.value : client.session.value.loop,
);

function settings(): Record<string, unknown> {
  const { temperature = 1, top_p = 1 } = client.session.value.parameters;
  return { temperature: Number(temperature), top_p: Number(top_p) };
}

/** Changes of a track: messages to the band's session, or edits of the song. */
export function setInstrument(track: Track, program: number): void {
  if (view.value === "song") song.setTrack(track.id, { instrument: program });
  else changeInstrument(client, track, program);
}

export function renameTrack(track: Track, name: string): void {
  if (view.value === "song") song.setTrack(track.id, { name: name.trim() });
  else nameTrack(track.id, name);
}

export function removeShown(track: Track): void {
  if (view.value === "song") song.removeTrack(track.id);
  else removeTrack(client, track);
}

export type Portion = "all" | "marked";

function extract(portion: Portion): { take: Take; tracks: Track[] } {
  const session = shown.value;
  const chosen = new Set(marks.value.map(({ trackId }) => trackId));
  const bars = marks.value.map(({ bar }) => bar);
  const isPart = portion === "marked" && bars.length > 0;
  const tracks = session.tracks.filter(({ id }) => !isPart || chosen.has(id));
  const part = {
    tracks,
    from: isPart ? Math.min(...bars) : 0,
    to: isPart ? Math.max(...bars) + 1 : lengthOf(session),
    nameOf: trackName,
  };
  const tempos: Take["tempos"] =
    view.value === "song" ? song.tempos : [[0, leader.bpm.value], ...leader.tempos];
  const resolution = view.value === "song" ? song.resolution : undefined;
  return { take: takeOf(session, tempos, part, resolution), tracks };
}

const fileName = (): string => (shown.value.name || "take").replaceAll(/[^\w -]/g, "_");

/** The MIDI file of what is shown; for saving and for dragging out. */
export const shownMidi = (portion: Portion): Promise<Blob> => midiOf(extract(portion).take);

export async function saveMidi(portion: Portion): Promise<void> {
  await working("Saving MIDI", async () => download(await shownMidi(portion), `${fileName()}.mid`));
}

export async function saveWav(portion: Portion): Promise<void> {
  await working("Rendering sound", async () => {
    await player.open();
    await player.settled();
    const { take, tracks } = extract(portion);
    download(await wavOf(take, tracks, player, mixer), `${fileName()}.wav`);
  });
}

/** Put the live take on the desk as a song. */
export function copyTake(): void {
  const { take } = extract("all");
  const name = client.session.value.name || "take";
  show("song");
  song.open(take, name);
}

/** Let the band join the song: its tracks repeat as they are, one agent plays with them. */
export async function jamWithSong(): Promise<void> {
  const take = song.take();
  const name = song.session.value!.name;
  show("live");
  await jam.beginWith(take, name);
}

