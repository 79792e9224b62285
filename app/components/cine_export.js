// What is on the screens of a cine player as a picture or a video, made in the browser.

const SIDE = 320;
const GAP = 12;
const LINE = 22;
const BEATS = 3;
const VIDEO_TYPES = ["video/mp4;codecs=avc1.42E01E", "video/mp4", "video/webm;codecs=vp9", "video/webm"];

/** Return the first type of video that this browser can write, MP4 before WebM, or undefined. */
function videoType() {
  return window.MediaRecorder && VIDEO_TYPES.find((type) => MediaRecorder.isTypeSupported(type));
}

/** Draw the screens, their captions and notes and the footer onto a canvas. */
function compose({ screens, header }, canvas = document.createElement("canvas")) {
  const columns = Map.groupBy(screens, (screen) => screen.entry.of ?? screens.indexOf(screen));
  const most = Math.max(...[...columns.values()].map((column) => column.length));
  const width = GAP + columns.size * (SIDE + GAP);
  const height = most * (SIDE + 2 * LINE + GAP) + LINE + GAP;
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d", { alpha: false });
  context.fillStyle = "#10151b";
  context.fillRect(0, 0, width, height);
  context.textBaseline = "middle";
  const write = (text, x, y, font) => {
    context.font = `${font} system-ui, sans-serif`;
    context.fillStyle = "#e4e9ee";
    context.fillText(text, x, y, SIDE);
  };
  [...columns.values()].forEach((column, across) => column.forEach((screen, down) => {
    const { label, note, kind, high, unit } = screen.entry;
    const [x, y] = [GAP + across * (SIDE + GAP), GAP + down * (SIDE + 2 * LINE + GAP)];
    write(label, x, y + LINE / 2, "600 14px");
    context.drawImage(screen.canvas, x, y + LINE, SIDE, SIDE);
    write(kind === "difference" ? `blue −${short(high)} to red +${short(high)} ${unit}` : note, x, y + LINE * 1.5 + SIDE, "12px");
  }));
  context.font = "12px system-ui, sans-serif";
  context.fillText(header.footer, GAP, height - LINE / 2 - 2);
  return canvas;
}

function download(blob, name) {
  const link = make("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

function savePicture(player) {
  const name = `${player.header.name}-frame-${player.frame + 1}.png`;
  compose(player).toBlob((blob) => download(blob, name), "image/png");
}

/** Record some beats as they are seen, at the speed that is set. */
function saveVideo(player, button) {
  const canvas = compose(player);
  const type = videoType();
  const recorder = new MediaRecorder(canvas.captureStream(), { mimeType: type, videoBitsPerSecond: 8_000_000 });
  const parts = [];
  recorder.ondataavailable = ({ data }) => parts.push(data);
  button.disabled = true;
  let isRunning = true;
  const follow = () => {
    if (!isRunning) return;
    compose(player, canvas);
    requestAnimationFrame(follow);
  };
  recorder.onstop = () => {
    isRunning = false;
    button.disabled = false;
    player.play(false);
    const kind = type.startsWith("video/mp4") ? "mp4" : "webm";
    download(new Blob(parts, { type }), `${player.header.name}-cine.${kind}`);
  };
  player.go(0);
  player.play(true);
  follow();
  recorder.start();
  setTimeout(() => recorder.stop(), BEATS * player.clock.period);
}
