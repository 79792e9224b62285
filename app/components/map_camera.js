// Camera of a latent map: which part of the unit square the stage shows, kept while the page redraws.

const MOST_ZOOM = 400;
const cameras = new Map();

/** `zoom` 1 shows the whole unit square; screen pixels have y down, the map y up. */
class Camera {
  constructor(stage, geometry) {
    this.stage = stage;
    this.geometry = geometry;
    this.home();
  }

  /** Return the camera of a map, where it was left if the geometry is the same. */
  static of(key, stage, geometry) {
    const kept = cameras.get(key);
    const camera = kept?.geometry === geometry ? kept : new Camera(stage, geometry);
    camera.stage = stage;
    cameras.set(key, camera);
    return camera;
  }

  get size() { return [this.stage.clientWidth, this.stage.clientHeight]; }
  get side() { return Math.min(...this.size) * 0.92 * this.zoom; }

  screen([x, y]) {
    const [width, height] = this.size;
    return [width / 2 + (x - this.x) * this.side, height / 2 - (y - this.y) * this.side];
  }

  unit([left, top]) {
    const [width, height] = this.size;
    return [this.x + (left - width / 2) / this.side, this.y - (top - height / 2) / this.side];
  }

  home() { Object.assign(this, { x: 0.5, y: 0.5, zoom: 1 }); }

  move(dx, dy) {
    this.x = Math.min(Math.max(this.x + dx, -0.25), 1.25);
    this.y = Math.min(Math.max(this.y + dy, -0.25), 1.25);
  }

  /** Zoom about a place of the stage that stays where it is; by default its middle. */
  magnify(factor, place = this.size.map((length) => length / 2)) {
    const before = this.unit(place);
    this.zoom = Math.min(Math.max(this.zoom * factor, 0.5), MOST_ZOOM);
    const after = this.unit(place);
    this.move(before[0] - after[0], before[1] - after[1]);
  }

  /** Show the middle of a point that lies outside the stage, at the same zoom. */
  bring(place) {
    const [x, y] = this.screen(place);
    const [width, height] = this.size;
    if (x < 0 || y < 0 || x > width || y > height) Object.assign(this, { x: place[0], y: place[1] });
  }
}
