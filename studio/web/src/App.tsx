import { openFiles, show, shown, song, view } from "./desk";
import { Help } from "./panels/Help";
import { Panel } from "./panels/Panel";
import { Piano } from "./panels/Piano";
import { TopBar } from "./panels/TopBar";
import { Welcome } from "./panels/Welcome";
import { Roll } from "./roll/Roll";
import { player } from "./studio";
import { Hints, Notices } from "./ui/overlays";
import { keptWidth, Splitter } from "./ui/Splitter";

const panelWidth = keptWidth("--wide-panel", 320, 260, 560);

export function App() {
  return (
    <div
      class="studio"
      data-sound={player.state.value}
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault();
        openFiles(event.dataTransfer?.files ?? []);
      }}
    >
      <TopBar />
      <main class="stage">
        {song.session.value && <Views />}
        {shown.value.tracks.length > 0 ? <Roll /> : <Welcome />}
      </main>
      <Panel />
      <Splitter label="Width of the settings" width={panelWidth} grows={1} />
      <footer class="dock">
        <Piano />
      </footer>
      <Help />
      <Hints />
      <Notices />
    </div>
  );
}

/** Between the band and the song on the desk. */
function Views() {
  return (
    <div class="views" role="group" aria-label="What is shown">
      <button type="button" aria-pressed={view.value === "live"} onClick={() => show("live")}>
        Band
      </button>
      <button type="button" aria-pressed={view.value === "song"} onClick={() => show("song")}>
        Song: {song.session.value?.name}
      </button>
    </div>
  );
}
