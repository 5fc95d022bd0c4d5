import { Help } from "./panels/Help";
import { Panel } from "./panels/Panel";
import { Piano } from "./panels/Piano";
import { TopBar } from "./panels/TopBar";
import { Welcome } from "./panels/Welcome";
import { Roll } from "./roll/Roll";
import { client, player } from "./studio";
import { Hints, Notices } from "./ui/overlays";

export function App() {
  const hasTracks = client.session.value.tracks.length > 0;
  return (
    <div class="studio" data-sound={player.state.value}>
      <TopBar />
      <main class="stage">{hasTracks ? <Roll /> : <Welcome />}</main>
      <Panel />
      <footer class="dock">
        <Piano />
      </footer>
      <Help />
      <Hints />
      <Notices />
    </div>
  );
}
