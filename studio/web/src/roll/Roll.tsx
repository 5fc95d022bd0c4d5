import { signal, useSignalEffect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { isPlaying, position, shown, shownBar, shownLoop, song, view } from "../desk";
import { meterOf, type Session } from "../session/state";
import { barTempo } from "../song/take";
import { Button } from "../ui/controls";
import { keptWidth, Splitter } from "../ui/Splitter";
import { BarRow } from "./BarRow";
import { LaneCanvas } from "./LaneCanvas";
import { Legend } from "./Legend";
import { SelectionTools } from "./SelectionTools";
import { TrackHeader } from "./TrackHeader";
import { barWidth, follow, follows, isModelView, left, scrollTo, visibleBars, width, zoom } from "./view";

const headerWidth = keptWidth("--wide-header", 196, 140, 420);
const LEAST_LANE = 76;
const CELLS = 22;
/** Height that the window leaves for lanes. */
const laneRoom = signal(400);

/** All tracks, bar by bar, as the server tells them. */
export function Roll() {
  const lanes = useRef<HTMLDivElement>(null);
  const session = shown.value;
  const now = shownBar.value;
  useMeasuredWidth(lanes);
  const tall = Math.max(LEAST_LANE, laneRoom.value / Math.max(1, session.tracks.length) - 1);
  const height = Math.min(220, tall) - CELLS;
  return (
    <section class="roll" aria-label="Piano roll" onWheel={onWheel}>
      <div class="roll-head">
        <div class="roll-tools" role="group" aria-label="View">
          <Button label="Zoom out" icon="minus" kind="quiet" onClick={() => zoom(0.8)} />
          <Button label="Zoom in" icon="plus" kind="quiet" onClick={() => zoom(1.25)} />
          <Button
            label="Follow"
            kind="quiet"
            isOn={follows.value}
            title="Turn the page with the music"
            onClick={() => (follows.value = !follows.value)}
          />
          <SelectionTools />
          {view.value === "live" && (
            <>
              <Button
                label="Model view"
                kind="quiet"
                isOn={isModelView.value}
                title="Bars show only what the model was shown last: context, hidden, to be written"
                onClick={() => (isModelView.value = !isModelView.value)}
              />
              <Legend />
            </>
          )}
        </div>
        <Ruler />
      </div>
      <div class="lanes" ref={lanes}>
        <div role="grid" aria-label="Bars" class="lane-grid">
          {session.tracks.map((track, place) => (
            <div class="lane" role="row" key={track.id} style={{ "--track": `var(--track-${place % 8})` }}>
              <TrackHeader track={track} />
              <div class="lane-body">
                <BarRow session={session} track={track} now={now} />
                <LaneCanvas {...{ session, track, place, height, now }} />
              </div>
            </div>
          ))}
        </div>
        <Playhead />
      </div>
      <Splitter label="Width of the track names" width={headerWidth} grows={-1} />
    </section>
  );
}

function useMeasuredWidth(lanes: { current: HTMLDivElement | null }): void {
  useEffect(() => {
    const measure = () => {
      const { clientWidth, clientHeight } = lanes.current!;
      const header = lanes.current!.querySelector(".track-header");
      width.value = Math.max(100, clientWidth - (header?.clientWidth ?? 0));
      laneRoom.value = clientHeight;
    };
    const observer = new ResizeObserver(measure);
    observer.observe(lanes.current!);
    const unsubscribe = headerWidth.pixels.subscribe(measure);
    return () => {
      observer.disconnect();
      unsubscribe();
    };
  }, []);
}

function onWheel(event: WheelEvent): void {
  if (event.ctrlKey) {
    event.preventDefault();
    zoom(event.deltaY < 0 ? 1.1 : 0.9);
  } else if (event.deltaX || event.shiftKey) {
    event.preventDefault();
    follows.value = false;
    scrollTo(left.value + (event.deltaX || event.deltaY) / barWidth.value);
  }
}

/** Bar numbers; drag to scroll. */
function Ruler() {
  const first = Math.floor(left.value);
  const every = barWidth.value < 48 ? 4 : 1;
  const bars = Array.from({ length: Math.ceil(visibleBars()) + 1 }, (_, i) => first + i);
  return (
    <div
      class="ruler"
      onPointerDown={(event) => {
        const [startX, startLeft] = [event.clientX, left.value];
        const element = event.currentTarget;
        element.setPointerCapture(event.pointerId);
        element.onpointermove = (move) => {
          follows.value = false;
          scrollTo(startLeft - (move.clientX - startX) / barWidth.value);
        };
        element.onpointerup = () => (element.onpointermove = null);
      }}
    >
      <LoopBrace />
      {bars
        .filter((bar) => bar % every === 0)
        .map((bar) => (
          <span
            key={bar}
            style={{ transform: `translateX(${(bar - left.value) * barWidth.value}px)` }}
          >
            {bar + 1}
            <em>{changesAt(shown.value, bar)}</em>
          </span>
        ))}
    </div>
  );
}

/** The meter and the tempo of a song where they are others than in the bar before. */
function changesAt(session: Session, bar: number): string {
  if (view.value === "live") return "";
  const [meter, before] = [meterOf(session, bar), meterOf(session, bar - 1)];
  const [tempo, tempoBefore] = [barTempo(song.tempos, bar), barTempo(song.tempos, bar - 1)];
  const isNewMeter =
    bar === 0 || meter.numerator !== before.numerator || meter.denominator !== before.denominator;
  const isNewTempo = bar === 0 || Math.abs(tempo - tempoBefore) > 0.5;
  return [
    isNewMeter ? `${meter.numerator}/${meter.denominator}` : "",
    isNewTempo ? `♩ ${Math.round(tempo)}` : "",
  ].join(" ");
}

/** The bars that go round. */
function LoopBrace() {
  const loop = shownLoop.value;
  if (!loop) return null;
  const x = (loop[0] - left.value) * barWidth.value;
  const breadth = (loop[1] - loop[0]) * barWidth.value;
  return <i class="loop-brace" style={{ transform: `translateX(${x}px)`, width: `${breadth}px` }} />;
}

/** A line over all lanes, moved by the compositor; nothing else is drawn again. */
function Playhead() {
  const line = useRef<HTMLDivElement>(null);
  useSignalEffect(() => {
    if (!isPlaying.value) {
      line.current?.setAttribute("hidden", "");
      return;
    }
    let wanted = 0;
    const step = () => {
      const at = position();
      if (at !== undefined && line.current) {
        follow(at);
        const x = (at - left.peek()) * barWidth.peek();
        line.current.toggleAttribute("hidden", x < 0 || x > width.peek());
        line.current.style.transform = `translateX(${x}px)`;
      }
      wanted = requestAnimationFrame(step);
    };
    wanted = requestAnimationFrame(step);
    return () => cancelAnimationFrame(wanted);
  });
  return <div class="playhead" ref={line} hidden aria-hidden="true" />;
}
