// The clock of a heartbeat: a phase in ms that runs by elapsed time, however many frames are drawn.

const isMotionReduced = () => window.matchMedia("(prefers-reduced-motion: reduce)").matches;

/**
 * `onTick(now)` is called at each frame of the screen while it plays; read `phase`, in ms of the
 * cycle from 0 to `rr`. `speed` 1 is the heart's own; bouncing goes forth and back.
 */
class CineClock {
  constructor(onTick) {
    this.onTick = onTick;
    this.rr = 1000;
    this.speed = 1;
    this.phase = 0;
    this.isBouncing = false;
    this.isPlaying = false;
    this.turn = this.turn.bind(this);
  }

  get period() { return this.rr / this.speed; }

  play(isPlaying) {
    this.isPlaying = isPlaying;
    cancelAnimationFrame(this.request);
    if (!isPlaying) return;
    this.restart();
    this.request = requestAnimationFrame(this.turn);
  }

  /** Go to a phase in ms, and on from there where it plays. */
  seek(phase) {
    this.phase = phase;
    this.restart();
  }

  /** Start the time anew at the present phase, after a pause, or when speed or way changed. */
  restart() { this.started = performance.now() - (this.phase / this.rr) * this.period; }

  /** Run another cycle length from here on, at the same share of the cycle. */
  setCycle(rr) {
    this.phase *= rr / this.rr;
    this.rr = rr;
    this.restart();
  }

  setSpeed(speed) {
    this.speed = speed;
    this.restart();
  }

  setBounce(isBouncing) {
    this.isBouncing = isBouncing;
    this.restart();
  }

  turn(now) {
    this.request = requestAnimationFrame(this.turn);
    const turns = Math.max(now - this.started, 0) / this.period;
    const isBack = this.isBouncing && Math.floor(turns) % 2 === 1;
    this.phase = (isBack ? 1 - (turns % 1) : turns % 1) * this.rr;
    this.onTick(now);
  }
}
