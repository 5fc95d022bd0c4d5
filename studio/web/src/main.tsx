import { Player } from "./sound/player";
const player = new Player();
document.body.onclick = () => void player.open();
