import { useComputed, useSignalEffect } from "@preact/signals";
import { useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { beatsOf } from "../clock/timeline";
import { meterOf, type Session, type Track } from "../session/state";
import { cssColour, theme, TRACK_COLOURS } from "../ui/colours";
import { drawLane } from "./draw";
import { NoteIndex } from "./notes";
import { chosen, draft, editorOf } from "./editing";
import { marks } from "./selection";
import { barWidth, left, width } from "./view";

/** The notes of one track. */
export function LaneCanvas(props: {
  session: Session;
  track: Track;
  place: number;
  height: number;
  now: number;
}) {
  const { session, track, place, height, now } = props;
  const canvas = useRef<HTMLCanvasElement>(null);
  const view = useComputed(() => ({
    left: left.value,
    barWidth: barWidth.value,
    width: width.value,
    theme: theme.value,
    marks: marks.value,
    chosen: chosen.value,
    draft: draft.value,
  }));
  const latest = useRef(props);
  latest.current = props;
  const index = useMemo(() => new NoteIndex(track.bars), [track, track.version]);
  const beats = beatsOf(meterOf(session, session.playhead));
  const draw = () => {
    const element = canvas.current;
    if (!element) return;
    const { width } = view.peek();
    const scale = devicePixelRatio;
    const [pixelWidth, pixelHeight] = [Math.round(width * scale), Math.round(height * scale)];
    if (element.width !== pixelWidth) element.width = pixelWidth;
    if (element.height !== pixelHeight) element.height = pixelHeight;
    const context = element.getContext("2d")!;
    context.setTransform(scale, 0, 0, scale, 0, 0);
    const { session, track, now } = latest.current;
    const tints = new Map<number, string>();
    if (now >= 0) tints.set(now, cssColour("--tint-now"));
    for (const mark of view.peek().marks) {
      if (mark.trackId === track.id) tints.set(mark.bar, cssColour("--tint-marked"));
    }
    drawLane(context, {
      ...view.peek(),
      index,
      isDrum: track.isDrum,
      colour: cssColour(`--track-${place % TRACK_COLOURS}`),
      height,
      beatsIn: (bar) => beatsOf(meterOf(session, bar)),
      lines: {
        bar: cssColour("--line-bar"),
        beat: cssColour("--line-beat"),
        black: cssColour("--black-key"),
        chosen: cssColour("--focus"),
      },
      tints,
      chosen: chosen.peek()?.trackId === track.id ? chosen.peek()!.note : null,
      draft: draft.peek()?.trackId === track.id ? draft.peek()!.note : null,
    });
  };
  useSignalEffect(() => {
    void view.value;
    draw();
  });
  useLayoutEffect(draw, [index, height, now, beats]);
  const editor = editorOf(track);
  return (
    <canvas
      ref={canvas}
      class={editor ? "lane-notes editable" : "lane-notes"}
      style={{ height: `${height}px` }}
      aria-hidden="true"
      onPointerDown={(event) => editor?.onPointerDown(event, { session, track, index, height })}
      onDblClick={(event) => editor?.onDoubleClick(event, { session, track, index, height })}
    />
  );
}
