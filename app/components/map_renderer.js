// Draws the points of a latent map with WebGL 2: positions once, colors by a table of 256.

const VERTEX = `#version 300 es
in vec2 position; in float value; in float marker; in float chosen;
uniform vec4 place; uniform vec3 scale; uniform vec2 span; uniform mediump float size; uniform float step_; uniform vec2 markers;
out float level; flat out float shape; flat out float dim;
void main() {
  level = value >= scale.z ? 255.0 : clamp((value - scale.x) * scale.y, 0.0, 254.0);
  shape = marker;
  bool isOut = value < scale.z && (value < span.x || value > span.y);
  bool isHidden = isOut || marker > 1.5 || (marker < 0.5 ? markers.x : markers.y) < 0.5;
  bool isOther = step_ > 0.5 && (step_ < 1.5) == (chosen > 0.5);
  dim = step_ > 0.5 && step_ < 1.5 ? 1.0 : 0.0;
  gl_Position = isHidden || isOther ? vec4(2.0, 2.0, 2.0, 1.0) : vec4(position * place.xy + place.zw, 0.0, 1.0);
  gl_PointSize = (marker > 0.5 ? size * 1.18 : size) + 1.0;
}`;
const FRAGMENT = `#version 300 es
precision mediump float;
in float level; flat in float shape; flat in float dim;
uniform sampler2D table; uniform float opacity; uniform float size; uniform vec3 edge;
out vec4 color;
void main() {
  vec2 at = gl_PointCoord * 2.0 - 1.0;
  float reach = shape > 0.5 ? abs(at.x) + abs(at.y) : length(at);
  float soft = 2.0 / (size + 1.0);
  float cover = 1.0 - smoothstep(1.0 - soft, 1.0, reach);
  vec4 ink = texture(table, vec2((floor(level + 0.5) + 0.5) / 256.0, 0.5));
  if (cover * ink.a < 0.01) discard;
  float rim = size < 5.0 ? 0.0 : smoothstep(1.0 - 2.2 * soft, 1.0 - 1.2 * soft, reach) * 0.75;
  vec3 paint = mix(ink.rgb, edge, rim);
  float alpha = cover * opacity * (dim > 0.5 ? 0.16 : 1.0);
  color = vec4(paint * alpha, alpha);
}`;

class Renderer {
  /** Return a renderer, or null where the browser has no WebGL 2. */
  static on(canvas) {
    const gl = canvas.getContext("webgl2", { antialias: false, alpha: true, premultipliedAlpha: true, preserveDrawingBuffer: true });
    return gl ? new Renderer(canvas, gl) : null;
  }

  constructor(canvas, gl) {
    this.canvas = canvas;
    this.gl = gl;
    this.build();
  }

  build() {
    const { gl } = this;
    const program = gl.createProgram();
    for (const [type, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
      const shader = gl.createShader(type);
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error(`The map's shader failed: ${gl.getProgramInfoLog(program)}`);
    gl.useProgram(program);
    this.at = (name) => gl.getUniformLocation(program, name);
    this.slot = (name) => gl.getAttribLocation(program, name);
    this.uniforms = Object.fromEntries(["place", "scale", "span", "size", "step_", "markers", "opacity", "edge"].map((name) => [name, this.at(name)]));
    this.buffers = {};
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
    for (const name of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(gl.TEXTURE_2D, name, gl.NEAREST);
    for (const name of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T]) gl.texParameteri(gl.TEXTURE_2D, name, gl.CLAMP_TO_EDGE);
  }

  fill(name, array, size, type, isShare = false) {
    const { gl } = this;
    this.buffers[name] ??= gl.createBuffer();
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffers[name]);
    gl.bufferData(gl.ARRAY_BUFFER, array, gl.STATIC_DRAW);
    const slot = this.slot(name);
    gl.enableVertexAttribArray(slot);
    gl.vertexAttribPointer(slot, size, type, isShare, 0, 0);
  }

  setGeometry(geometry) {
    const { gl } = this;
    this.points = geometry.points;
    this.fill("position", geometry.positions, 2, gl.UNSIGNED_SHORT, true);
    this.fill("marker", geometry.classes ?? new Uint8Array(geometry.points), 1, gl.UNSIGNED_BYTE);
    this.fill("chosen", new Uint8Array(geometry.points), 1, gl.UNSIGNED_BYTE);
    this.order(geometry.points);
  }

  /** Draw in an order that favors neither the first nor the last points of the table. */
  order(points) {
    const { gl } = this;
    const order = new Uint32Array(points);
    let stride = Math.max(1, Math.round(points * 0.6180339887));
    const common = (a, b) => (b ? common(b, a % b) : a);
    while (common(stride, points) !== 1) stride += 1;
    for (let k = 0, at = 0; k < points; k++, at = (at + stride) % points) order[k] = at;
    this.buffers.order ??= gl.createBuffer();
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, this.buffers.order);
    gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, order, gl.STATIC_DRAW);
  }

  setColumn(column) {
    const { gl } = this;
    this.fill("value", column, 1, column instanceof Uint16Array ? gl.UNSIGNED_SHORT : gl.UNSIGNED_BYTE);
  }

  setChosen(mask) { this.fill("chosen", mask, 1, this.gl.UNSIGNED_BYTE, true); }

  /** Take 256 colors as RGBA bytes; an alpha of 0 hides. The last is for missing values. */
  setTable(table) {
    const { gl } = this;
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, 256, 1, 0, gl.RGBA, gl.UNSIGNED_BYTE, table);
  }

  /** Clear the canvas and set how points are drawn: `slice` draws them. */
  begin({ place, scale, span, size, opacity, edge, markers }) {
    const { gl, uniforms } = this;
    if (gl.isContextLost() || !this.points) return;
    gl.viewport(0, 0, this.canvas.width, this.canvas.height);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    gl.uniform4fv(uniforms.place, place);
    gl.uniform3fv(uniforms.scale, scale);
    gl.uniform2fv(uniforms.span, span);
    gl.uniform1f(uniforms.size, size);
    gl.uniform2fv(uniforms.markers, markers);
    gl.uniform1f(uniforms.opacity, opacity);
    gl.uniform3fv(uniforms.edge, edge);
  }

  /** Draw some points in their even order: all of them (step 0), those left out (1), the chosen (2). */
  slice(step, from, to) {
    const { gl, uniforms } = this;
    if (gl.isContextLost() || !this.points) return;
    gl.uniform1f(uniforms.step_, step);
    gl.drawElements(gl.POINTS, to - from, gl.UNSIGNED_INT, 4 * from);
  }

  destroy() { this.gl.getExtension("WEBGL_lose_context")?.loseContext(); }
}
