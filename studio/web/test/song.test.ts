import { expect, test } from "vitest";
import { Song } from "../src/song/document";

const note = (pitch: number) => ({ pitch, velocity: 90, onset: 0, duration: 0.5 });

test("a bar keeps its takes: what was there, and all that the model has written", () => {
  const song = new Song();
  const track = { name: "Lead", instrument: 0, is_drum: false, bars: [[[60, 90, 0, 0.5]]] };
  song.open(
    { resolution: 480, meters: [[4, 4]], tempos: [[0, 120]], tracks: [track as never] },
    "test",
  );
  const { id } = song.session.value!.tracks[0]!;
  const bar = () => song.session.value!.tracks[0]!.bars.get(0)!;
  song.setWritten(id, { 0: [[61, 90, 0, 0.5]] });
  song.setWritten(id, { 0: [[62, 90, 0, 0.5]] });
  expect(bar()).toMatchObject({ takes: 3, take: 2, notes: [note(62)] });
  song.chooseTake(id, 0, 0);
  expect(bar()).toMatchObject({ take: 0, notes: [note(60)] });
  song.chooseTake(id, 0, 1);
  song.setBar(id, 0, [note(61), note(65)]);
  song.chooseTake(id, 0, 2);
  song.chooseTake(id, 0, 1);
  expect(bar().notes).toEqual([note(61), note(65)]);
  for (let i = 0; i < 6; i++) song.undo();
  expect(bar()).toMatchObject({ takes: 2, take: 1, notes: [note(61)] });
});
