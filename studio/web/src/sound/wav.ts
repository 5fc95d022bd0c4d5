/** The bytes of a 16-bit WAV file, scaled down if it would clip. */
export function wavBytes(channels: Float32Array[], sampleRate: number): ArrayBuffer {
  const frames = channels[0]!.length;
  const peak = channels.reduce(
    (most, samples) => samples.reduce((m, sample) => Math.max(m, Math.abs(sample)), most),
    0,
  );
  const scale = 32_767 / Math.max(1, peak / 0.98);
  const size = frames * channels.length * 2;
  const view = new DataView(new ArrayBuffer(44 + size));
  const text = (at: number, letters: string) =>
    [...letters].forEach((letter, i) => view.setUint8(at + i, letter.charCodeAt(0)));
  text(0, "RIFF");
  view.setUint32(4, 36 + size, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, channels.length, true);
  view.setUint32(24, sampleRate, true);
  view.setUint32(28, sampleRate * channels.length * 2, true);
  view.setUint16(32, channels.length * 2, true);
  view.setUint16(34, 16, true);
  text(36, "data");
  view.setUint32(40, size, true);
  let at = 44;
  for (let frame = 0; frame < frames; frame++) {
    for (const samples of channels) {
      view.setInt16(at, Math.round(samples[frame]! * scale), true);
      at += 2;
    }
  }
  return view.buffer;
}
