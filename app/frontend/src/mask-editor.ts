// The mask editor: Konva shows, zooms and pans; the mask itself is `raster.ts` and never sees a screen pixel.
import Konva from "konva/lib/Core"
import { Circle } from "konva/lib/shapes/Circle"
import { Image as Picture } from "konva/lib/shapes/Image"
import { Line } from "konva/lib/shapes/Line"
import { EDITOR_CSS } from "./editor-style"
import { Outbox } from "./outbox"
import { History, inside, Mask, type Point, type Rect } from "./raster"
import { adopt, type Host, make } from "./style"

interface Data {
  imageId: number
  base: number
  imageUrl: string
  heatUrl: string | null
  width: number
  height: number
  mask: string | null
  isolines: { b_n?: number[][]; b_a?: number[][] }
  opacity: number
  ackRev: number
  stageHeight: number
}

type Tool = "grow" | "brush" | "erase" | "polygon" | "box"

const TOOLS: [Tool, string, string, string][] = [
  ["grow", "Grow", "V", "Take the region around the click, out to the b_n isoline"],
  ["brush", "Brush", "B", "Paint the defect"],
  ["erase", "Erase", "E", "Take paint away"],
  ["polygon", "Polygon", "P", "Click corners; double-click or Enter closes, Escape drops it"],
  ["box", "Box", "X", "Drag a rectangle"],
]
const TINT = [229, 57, 53, 130]
const DEBOUNCE = 250

class Editor {
  data: Data
  private mask: Mask
  private history: History
  private outbox: Outbox
  private tool: Tool = "brush"
  private radius: number
  private points: Point[] = []
  private drawing: { pointer: number; from: Point; last: Point } | null = null
  private panning: { pointer: number; x: number; y: number } | null = null
  private space = false
  private over = false
  private timer: number | undefined
  private readonly pixels = document.createElement("canvas")
  private readonly stageBox = make("div", { class: "stage", tabindex: "0", role: "application" })
  private readonly stage: Konva.Stage
  private readonly imageNode = new Picture({ image: undefined, listening: false })
  private readonly heatNode = new Picture({ image: undefined, listening: false })
  private readonly maskNode = new Picture({ image: undefined, listening: false, imageSmoothingEnabled: false } as never)
  private readonly lines = new Konva.Group({ listening: false })
  private readonly draft = new Line({ points: [], stroke: "#fff", strokeWidth: 1.5, strokeScaleEnabled: false, dash: [5, 4] })
  private readonly cursor = new Circle({ radius: 1, stroke: "#fff", strokeWidth: 1.2, strokeScaleEnabled: false, visible: false })
  private readonly buttons = new Map<string, HTMLButtonElement>()
  private readonly size = make("input", { type: "range", min: "1", max: "100", "aria-label": "Brush size in pixels" })
  private readonly sizeText = make("output")
  private readonly state = make("span", { class: "state", role: "status" })
  private readonly resizer: ResizeObserver
  private readonly abort = new AbortController()

  constructor(
    private readonly root: HTMLElement,
    data: Data,
    private send: (value: unknown) => void,
  ) {
    this.data = data
    this.radius = Math.max(2, Math.round(Math.max(data.width, data.height) / 80))
    root.className = "editor"
    root.append(this.toolbar(), this.stageBox)
    this.stageBox.setAttribute("aria-label", "Image with mask. Tools: V grow, B brush, E erase, P polygon, X box")
    this.stage = new Konva.Stage({ container: this.stageBox, width: 10, height: data.stageHeight })
    const below = new Konva.Layer({ listening: false })
    const above = new Konva.Layer({ listening: false })
    below.add(this.imageNode, this.heatNode)
    above.add(this.maskNode, this.lines, this.draft, this.cursor)
    this.stage.add(below, above)
    this.mask = new Mask(data.width, data.height)
    this.history = new History(this.mask)
    this.outbox = this.newOutbox()
    this.listen()
    this.resizer = new ResizeObserver(() => this.resize())
    this.resizer.observe(this.stageBox)
    this.open()
  }

  /** A rerun of the page: only what differs is taken over, so that a stroke in progress never notices. */
  update(data: Data, send: (value: unknown) => void): void {
    this.send = send
    const before = this.data
    this.data = data
    if (data.imageId !== before.imageId || data.base !== before.base || data.imageUrl !== before.imageUrl) {
      this.flush()
      this.outbox.stop()
      this.outbox = this.newOutbox()
      this.open()
      return
    }
    this.outbox.ack(data.ackRev)
    if (data.heatUrl !== before.heatUrl) this.load(this.heatNode, data.heatUrl)
    if (JSON.stringify(data.isolines) !== JSON.stringify(before.isolines)) this.drawIsolines()
    this.heatNode.opacity(data.opacity)
    this.show()
  }

  close(): void {
    this.flush()
    this.outbox.stop()
    this.abort.abort()
    this.resizer.disconnect()
    this.stage.destroy()
    this.root.replaceChildren()
  }

  private newOutbox(): Outbox {
    const { imageId, base } = this.data
    const outbox = new Outbox(`bgad-mask-${imageId}-${base}`, (entry) => {
      this.send({ imageId, rev: entry.rev, png: entry.png })
      this.show()
    })
    outbox.ack(this.data.ackRev)
    return outbox
  }

  private open(): void {
    const { width, height } = this.data
    this.mask = new Mask(width, height)
    this.history = new History(this.mask)
    this.points = []
    this.drawing = null
    this.pixels.width = width
    this.pixels.height = height
    this.maskNode.setAttrs({ image: this.pixels, width, height })
    this.size.max = String(Math.max(20, Math.round(Math.max(width, height) / 8)))
    this.stageBox.dataset.ready = "false"
    this.stageBox.dataset.image = String(this.data.imageId)
    this.heatNode.opacity(this.data.opacity)
    this.drawIsolines()
    this.fit()
    const stored = this.outbox.stored()
    const given = stored?.png ?? this.data.mask
    const jobs = [this.load(this.imageNode, this.data.imageUrl), this.load(this.heatNode, this.data.heatUrl)]
    if (given) jobs.push(this.readMask(given, stored !== null))
    const opened = this.data
    void Promise.all(jobs).then(() => {
      if (this.data.imageId === opened.imageId) this.stageBox.dataset.ready = "true"
    })
    this.repaint({ x: 0, y: 0, width, height })
    this.show()
  }

  private load(node: Picture, url: string | null): Promise<void> {
    if (!url) {
      node.image(undefined)
      return Promise.resolve()
    }
    const { width, height } = this.data
    return new Promise((resolve) => {
      const image = new Image()
      image.onload = () => {
        if (url === this.data.imageUrl || url === this.data.heatUrl) node.setAttrs({ image, width, height })
        resolve()
      }
      image.onerror = () => resolve()
      image.src = url
    })
  }

  private readMask(png: string, unseen: boolean): Promise<void> {
    const { width, height, imageId } = this.data
    return new Promise((resolve) => {
      const image = new Image()
      image.onload = () => {
        const canvas = document.createElement("canvas")
        canvas.width = width
        canvas.height = height
        const context = canvas.getContext("2d", { willReadFrequently: true })
        if (context && image.width === width && image.height === height && this.data.imageId === imageId) {
          context.drawImage(image, 0, 0)
          const rgba = context.getImageData(0, 0, width, height).data
          for (let i = 0; i < this.mask.data.length; i++) this.mask.data[i] = rgba[4 * i] > 127 ? 1 : 0
          this.repaint({ x: 0, y: 0, width, height })
          if (unseen) this.commitSoon()
        }
        resolve()
      }
      image.onerror = () => resolve()
      image.src = `data:image/png;base64,${png}`
    })
  }

  private toolbar(): HTMLElement {
    const bar = make("div", { class: "bar", role: "toolbar", "aria-label": "Mask tools" })
    const tools = make("div", { class: "group" })
    for (const [tool, label, key, hint] of TOOLS) {
      tools.append(this.button(tool, label, key, hint, () => this.choose(tool)))
    }
    this.size.addEventListener("input", () => this.resizeBrush(Number(this.size.value)))
    const brush = make("label", {}, "Size")
    brush.append(this.size, this.sizeText)
    const edits = make("div", { class: "group" })
    edits.append(
      this.button("undo", "Undo", "Ctrl+Z", "Undo the last stroke", () => this.changed(this.history.undo())),
      this.button("redo", "Redo", "", "Redo (Ctrl+Shift+Z)", () => this.changed(this.history.redo())),
      this.button("clear", "Clear", "", "Remove the whole mask", () => this.edit(() => this.mask.fill(0))),
      this.button("fit", "Fit", "0", "Show the whole image", () => this.fit()),
    )
    bar.append(tools, brush, edits, this.state)
    return bar
  }

  private button(name: string, label: string, key: string, hint: string, act: () => void): HTMLButtonElement {
    const button = make("button", { type: "button", title: key ? `${hint} (${key})` : hint, "data-tool": name }, label)
    if (key.length === 1) button.append(make("kbd", {}, key))
    button.addEventListener("click", () => {
      act()
      this.show()
    })
    this.buttons.set(name, button)
    return button
  }

  private choose(tool: Tool): void {
    this.tool = tool
    this.points = []
    this.drawDraft()
    this.show()
  }

  private resizeBrush(radius: number): void {
    this.radius = Math.max(1, Math.min(Number(this.size.max), radius))
    this.show()
  }

  private show(): void {
    for (const [tool] of TOOLS) this.buttons.get(tool)?.setAttribute("aria-pressed", String(tool === this.tool))
    const set = (name: string, on: boolean): void => {
      const button = this.buttons.get(name)
      if (button) button.disabled = !on
    }
    set("undo", this.history.canUndo)
    set("redo", this.history.canRedo)
    set("grow", (this.data.isolines.b_n ?? []).length > 0)
    this.size.value = String(this.radius)
    this.sizeText.textContent = `${this.radius * 2} px`
    const count = this.mask.count()
    const kept = this.outbox.pending || this.timer !== undefined ? "sending…" : count > 0 ? "ready to save" : ""
    this.state.textContent = count > 0 ? `${count.toLocaleString("en")} px marked · ${kept}` : kept
    this.stageBox.dataset.pending = String(this.outbox.pending || this.timer !== undefined)
    this.cursor.radius(this.radius)
  }

  private resize(): void {
    const width = this.stageBox.clientWidth
    if (width > 0 && width !== this.stage.width()) {
      this.stage.width(width)
      this.fit()
    }
  }

  private fit(): void {
    const width = this.stageBox.clientWidth || this.stage.width()
    const height = this.data.stageHeight
    this.stage.size({ width, height })
    const scale = Math.min(width / this.data.width, height / this.data.height)
    this.view(scale, (width - this.data.width * scale) / 2, (height - this.data.height * scale) / 2)
  }

  private view(scale: number, x: number, y: number): void {
    this.stage.scale({ x: scale, y: scale })
    this.stage.position({ x, y })
    this.imageNode.setAttr("imageSmoothingEnabled", scale < 3)
    Object.assign(this.stageBox.dataset, { scale: String(scale), x: String(x), y: String(y) })
  }

  private zoom(factor: number, clientX: number, clientY: number): void {
    const box = this.stageBox.getBoundingClientRect()
    const [px, py] = [clientX - box.left - this.stageBox.clientLeft, clientY - box.top - this.stageBox.clientTop]
    const before = this.stage.scaleX()
    const least = Math.min(box.width / this.data.width, this.data.stageHeight / this.data.height) / 2
    const scale = Math.max(least, Math.min(40, before * factor))
    const [x, y] = [this.stage.x(), this.stage.y()]
    this.view(scale, px - ((px - x) / before) * scale, py - ((py - y) / before) * scale)
  }

  private at(event: PointerEvent | MouseEvent): Point {
    const box = this.stageBox.getBoundingClientRect()
    const scale = this.stage.scaleX()
    return [
      (event.clientX - box.left - this.stageBox.clientLeft - this.stage.x()) / scale,
      (event.clientY - box.top - this.stageBox.clientTop - this.stage.y()) / scale,
    ]
  }

  private listen(): void {
    const signal = this.abort.signal
    const on = <E extends Event>(name: string, act: (event: E) => void, target: EventTarget = this.stageBox): void =>
      target.addEventListener(name, act as EventListener, { signal, passive: false } as AddEventListenerOptions)
    on<PointerEvent>("pointerdown", (event) => this.down(event))
    on<PointerEvent>("pointermove", (event) => this.move(event))
    on<PointerEvent>("pointerup", (event) => this.up(event))
    on<PointerEvent>("pointercancel", (event) => this.up(event))
    on<PointerEvent>("pointerenter", () => {
      this.over = true
    })
    on<PointerEvent>("pointerleave", () => {
      this.over = false
      this.cursor.visible(false)
    })
    on<MouseEvent>("dblclick", (event) => {
      event.preventDefault()
      this.closePolygon()
    })
    on<WheelEvent>("wheel", (event) => {
      event.preventDefault()
      this.zoom(Math.exp(-event.deltaY * 0.0015), event.clientX, event.clientY)
    })
    on<KeyboardEvent>("keydown", (event) => this.key(event), window)
    on<KeyboardEvent>(
      "keyup",
      (event) => {
        if (event.code === "Space") this.setSpace(false)
      },
      window,
    )
  }

  private setSpace(on: boolean): void {
    this.space = on
    this.stageBox.classList.toggle("panning", on)
  }

  private down(event: PointerEvent): void {
    this.stageBox.focus({ preventScroll: true })
    if (event.button === 1 || this.space) {
      event.preventDefault()
      this.panning = { pointer: event.pointerId, x: event.clientX, y: event.clientY }
    } else if (event.button === 0 && !this.drawing) {
      const point = this.at(event)
      if (this.tool === "grow") this.grow(point)
      else if (this.tool === "polygon") this.corner(point)
      else {
        this.drawing = { pointer: event.pointerId, from: point, last: point }
        this.history.begin()
        if (this.tool !== "box") this.stroke(point, point)
      }
    }
    this.stageBox.setPointerCapture(event.pointerId)
  }

  private move(event: PointerEvent): void {
    const point = this.at(event)
    const brush = this.tool === "brush" || this.tool === "erase"
    this.cursor.setAttrs({ x: point[0], y: point[1], visible: brush && this.over })
    if (this.panning?.pointer === event.pointerId) {
      const [dx, dy] = [event.clientX - this.panning.x, event.clientY - this.panning.y]
      this.panning = { pointer: event.pointerId, x: event.clientX, y: event.clientY }
      this.view(this.stage.scaleX(), this.stage.x() + dx, this.stage.y() + dy)
    } else if (this.drawing?.pointer === event.pointerId) {
      if (this.tool === "box") this.drawBox(this.drawing.from, point)
      else {
        const coalesced = event.getCoalescedEvents?.() ?? []
        for (const part of coalesced.length > 0 ? coalesced : [event]) {
          const next = this.at(part)
          this.stroke(this.drawing.last, next)
          this.drawing.last = next
        }
      }
    } else if (this.tool === "polygon" && this.points.length > 0) this.drawDraft(point)
  }

  private up(event: PointerEvent): void {
    if (this.panning?.pointer === event.pointerId) this.panning = null
    if (this.drawing?.pointer !== event.pointerId) return
    const { from } = this.drawing
    this.drawing = null
    if (this.tool === "box") {
      this.draft.points([])
      const rect = this.mask.box(from, this.at(event), 1)
      this.history.touched(rect)
      this.repaint(rect)
    }
    if (this.history.end()) this.commitSoon()
    this.show()
  }

  private stroke(from: Point, to: Point): void {
    const rect = this.mask.stroke(from, to, this.radius, this.tool === "erase" ? 0 : 1)
    this.history.touched(rect)
    this.repaint(rect)
  }

  private edit(act: () => Rect): void {
    this.history.begin()
    const rect = act()
    this.history.touched(rect)
    this.repaint(rect)
    if (this.history.end()) this.commitSoon()
    this.show()
  }

  private changed(rect: Rect | null): void {
    this.drawing = null
    if (!rect) return
    this.repaint(rect)
    this.commitSoon()
    this.show()
  }

  /** One gesture: the smallest b_n region around the click becomes mask. */
  private grow(point: Point): void {
    const rings = (this.data.isolines.b_n ?? []).map(pairs).filter((ring) => inside(ring, point))
    const area = (ring: Point[]): number =>
      Math.abs(ring.reduce((sum, [x, y], i) => sum + x * ring[(i + 1) % ring.length][1] - ring[(i + 1) % ring.length][0] * y, 0))
    const ring = rings.sort((a, b) => area(a) - area(b))[0]
    if (ring) this.edit(() => this.mask.polygon(ring, 1))
    else this.state.textContent = "No region below b_n here: click inside a solid line, or use the brush"
  }

  private corner(point: Point): void {
    const first = this.points[0]
    const close = 8 / this.stage.scaleX()
    if (first && this.points.length > 2 && Math.hypot(first[0] - point[0], first[1] - point[1]) < close) {
      this.closePolygon()
      return
    }
    const last = this.points[this.points.length - 1]
    if (!last || last[0] !== point[0] || last[1] !== point[1]) this.points.push(point)
    this.drawDraft()
  }

  private closePolygon(): void {
    const points = this.points
    this.points = []
    this.drawDraft()
    if (points.length > 2) this.edit(() => this.mask.polygon(points, 1))
  }

  private drawDraft(next?: Point): void {
    const points = next ? [...this.points, next] : this.points
    this.draft.points(points.flatMap(([x, y]) => [x, y]))
    this.draft.closed(false)
  }

  private drawBox(a: Point, b: Point): void {
    this.draft.points([a[0], a[1], b[0], a[1], b[0], b[1], a[0], b[1]])
    this.draft.closed(true)
  }

  private drawIsolines(): void {
    this.lines.destroyChildren()
    for (const name of ["b_a", "b_n"] as const) {
      for (const points of this.data.isolines[name] ?? []) {
        const dash = name === "b_a" ? [7, 5] : undefined
        const line = { points, closed: true, strokeScaleEnabled: false, dash }
        this.lines.add(new Line({ ...line, stroke: "rgba(0,0,0,0.55)", strokeWidth: 3 }))
        this.lines.add(new Line({ ...line, stroke: "#fff", strokeWidth: 1.4 }))
      }
    }
  }

  /** Only the touched rectangle of the tinted picture is written; Konva then redraws one layer. */
  private repaint(rect: Rect): void {
    const context = this.pixels.getContext("2d")
    if (!context || rect.width === 0 || rect.height === 0) return
    const tinted = context.createImageData(rect.width, rect.height)
    const words = new Uint32Array(tinted.data.buffer)
    const ink = new Uint32Array(new Uint8Array(TINT).buffer)[0]
    for (let row = 0; row < rect.height; row++) {
      const start = (rect.y + row) * this.mask.width + rect.x
      for (let column = 0; column < rect.width; column++) {
        if (this.mask.data[start + column]) words[row * rect.width + column] = ink
      }
    }
    context.putImageData(tinted, rect.x, rect.y)
    this.maskNode.getLayer()?.batchDraw()
  }

  private commitSoon(): void {
    clearTimeout(this.timer)
    this.timer = setTimeout(() => this.flush(), DEBOUNCE) as unknown as number
    this.show()
  }

  /** Hand the mask over now, if a commit was waiting for its pause. */
  private flush(): void {
    if (this.timer === undefined) return
    clearTimeout(this.timer)
    this.timer = undefined
    this.outbox.commit(encode(this.mask))
    this.show()
  }

  private key(event: KeyboardEvent): void {
    const target = event.composedPath()[0]
    if (target instanceof HTMLElement && target.closest("input:not([type=range]), textarea, select, [contenteditable]")) return
    const mine = this.over || event.composedPath().includes(this.root)
    if (!mine || event.altKey) return
    const key = event.key.toLowerCase()
    if (event.ctrlKey || event.metaKey) {
      if (key !== "z") return
      this.changed(event.shiftKey ? this.history.redo() : this.history.undo())
    } else if (event.code === "Space") this.setSpace(true)
    else if (key === "[") this.resizeBrush(this.radius - Math.max(1, Math.round(this.radius / 5)))
    else if (key === "]") this.resizeBrush(this.radius + Math.max(1, Math.round(this.radius / 5)))
    else if (key === "0") this.fit()
    else if (key === "enter" && this.points.length > 0) this.closePolygon()
    else if (key === "escape") this.choose(this.tool)
    else {
      const tool = TOOLS.find((entry) => entry[2].toLowerCase() === key)
      if (!tool || (tool[0] === "grow" && this.buttons.get("grow")?.disabled)) return
      this.choose(tool[0])
    }
    event.preventDefault()
    event.stopPropagation()
    this.show()
  }
}

function pairs(flat: number[]): Point[] {
  return Array.from({ length: flat.length / 2 }, (_, i) => [flat[2 * i], flat[2 * i + 1]] as const)
}

/** The mask as a black and white PNG, base64; opaque, so that no browser premultiplies a value away. */
function encode(mask: Mask): string {
  const canvas = document.createElement("canvas")
  canvas.width = mask.width
  canvas.height = mask.height
  const context = canvas.getContext("2d")
  if (!context) return ""
  const image = context.createImageData(mask.width, mask.height)
  const words = new Uint32Array(image.data.buffer)
  for (let i = 0; i < mask.data.length; i++) words[i] = mask.data[i] ? 0xffffffff : 0xff000000
  context.putImageData(image, 0, 0)
  return canvas.toDataURL("image/png").slice("data:image/png;base64,".length)
}

const editors = new WeakMap<object, Editor>()

export default function render({ data, parentElement, setTriggerValue }: Host<Data>): () => void {
  const send = (value: unknown): void => setTriggerValue("commit", value)
  const existing = editors.get(parentElement)
  if (existing) existing.update(data, send)
  else {
    const root = make("div")
    parentElement.append(root)
    adopt(root, EDITOR_CSS)
    editors.set(parentElement, new Editor(root, data, send))
  }
  return () => {
    editors.get(parentElement)?.close()
    editors.delete(parentElement)
  }
}
