// The mask editor: gestures and keys become edits of the mask, and every edit goes to Python. The mask itself is
// `raster.ts` and never sees a screen pixel.
import { decode, encode } from "./codec"
import { EDITOR_CSS } from "./editor-style"
import { Outbox } from "./outbox"
import { History, inside, Mask, type Point, type Rect } from "./raster"
import { type Isolines, Scene } from "./scene"
import { adopt, type Host, make } from "./style"
import { type Action, type Tool, Toolbar, toolOf } from "./toolbar"

interface Data {
  imageId: number
  base: number
  imageUrl: string
  heatUrl: string | null
  width: number
  height: number
  mask: string | null
  isolines: Isolines
  opacity: number
  ackRev: number
  stageHeight: number
}

interface Commit {
  imageId: number
  base: number
  rev: number
  png: string
}

const DEBOUNCE = 250

class Editor {
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
  private readonly box = make("div", { class: "stage", tabindex: "0", role: "application" })
  private readonly state = make("span", { class: "state", role: "status" })
  private readonly bar: Toolbar
  private readonly scene: Scene
  private readonly resizer: ResizeObserver
  private readonly abort = new AbortController()

  constructor(
    private readonly root: HTMLElement,
    private data: Data,
    private send: (commit: Commit) => void,
  ) {
    this.radius = Math.max(2, Math.round(Math.max(data.width, data.height) / 80))
    this.bar = new Toolbar(
      (tool) => this.choose(tool),
      (action) => this.act(action),
      (radius) => this.resizeBrush(radius),
    )
    this.box.setAttribute("aria-label", "Image with mask. Tools: V grow, B brush, E erase, P polygon, X box")
    const frame = make("div", { class: "frame" })
    frame.append(this.box, this.state)
    root.className = "editor"
    root.append(this.bar.row, frame)
    this.scene = new Scene(this.box, data.stageHeight)
    this.mask = new Mask(data.width, data.height)
    this.history = new History(this.mask)
    this.outbox = this.newOutbox()
    this.listen()
    this.resizer = new ResizeObserver(() => this.scene.resize())
    this.resizer.observe(this.box)
    this.open()
  }

  /** A rerun of the page: only what differs is taken over, so that a stroke in progress never notices. */
  update(data: Data, send: (commit: Commit) => void): void {
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
    if (data.heatUrl !== before.heatUrl) void this.scene.heat(data.heatUrl)
    if (JSON.stringify(data.isolines) !== JSON.stringify(before.isolines)) this.scene.isolines(data.isolines)
    this.scene.opacity(data.opacity)
    this.show()
  }

  close(): void {
    this.flush()
    this.outbox.stop()
    this.abort.abort()
    this.resizer.disconnect()
    this.scene.close()
    this.root.replaceChildren()
  }

  private newOutbox(): Outbox {
    const { imageId, base } = this.data
    const outbox = new Outbox(`bgad-mask-${imageId}-${base}`, (entry) => {
      this.send({ imageId, base, ...entry })
      this.show()
    })
    outbox.ack(this.data.ackRev)
    return outbox
  }

  private open(): void {
    const { width, height, imageId, imageUrl, heatUrl, isolines, opacity } = this.data
    this.mask = new Mask(width, height)
    this.history = new History(this.mask)
    this.points = []
    this.drawing = null
    Object.assign(this.box.dataset, { ready: "false", image: String(imageId) })
    this.scene.open(width, height)
    this.scene.outline([])
    this.scene.opacity(opacity)
    this.scene.isolines(isolines)
    const stored = this.outbox.stored()
    const given = stored?.png ?? this.data.mask
    const jobs = [this.scene.image(imageUrl), this.scene.heat(heatUrl)]
    if (given) jobs.push(this.take(given, stored !== null))
    const opened = this.data
    void Promise.all(jobs).then(() => {
      if (this.data.imageId === opened.imageId) this.box.dataset.ready = "true"
    })
    this.repaint({ x: 0, y: 0, width, height })
    this.show()
  }

  /** Start from this mask; what this tab had drawn and Python may not have seen is sent at once. */
  private async take(png: string, unseen: boolean): Promise<void> {
    const mask = this.mask
    const pixels = await decode(png, mask.width, mask.height)
    if (!pixels || this.mask !== mask) return
    mask.data.set(pixels)
    this.repaint({ x: 0, y: 0, width: mask.width, height: mask.height })
    if (unseen) this.commitSoon()
    this.show()
  }

  private choose(tool: Tool): void {
    this.tool = tool
    this.points = []
    this.scene.outline([])
    this.show()
  }

  private act(action: Action): void {
    if (action === "undo") this.changed(this.history.undo())
    else if (action === "redo") this.changed(this.history.redo())
    else if (action === "clear") this.edit(() => this.mask.fill(0))
    else this.scene.fit()
  }

  private get largest(): number {
    return Math.max(20, Math.round(Math.max(this.data.width, this.data.height) / 8))
  }

  private resizeBrush(radius: number): void {
    this.radius = Math.max(1, Math.min(this.largest, radius))
    this.show()
  }

  private show(): void {
    const { history, largest, radius, tool } = this
    const can = { undo: history.canUndo, redo: history.canRedo, grow: (this.data.isolines.b_n ?? []).length > 0 }
    this.bar.show({ tool, radius, largest, can })
    const pending = this.outbox.pending || this.timer !== undefined
    const count = this.mask.count()
    const kept = pending ? "sending…" : count > 0 ? "ready to save" : ""
    this.state.textContent = count > 0 ? `${count.toLocaleString("en")} px marked · ${kept}` : kept
    this.box.dataset.pending = String(pending)
  }

  private listen(): void {
    const { signal } = this.abort
    const on = <E extends Event>(name: string, act: (event: E) => void, target: EventTarget = this.box): void =>
      target.addEventListener(name, act as EventListener, { signal, passive: false } as AddEventListenerOptions)
    on<PointerEvent>("pointerdown", (event) => this.down(event))
    on<PointerEvent>("pointermove", (event) => this.move(event))
    on<PointerEvent>("pointerup", (event) => this.up(event))
    on<PointerEvent>("pointercancel", (event) => this.up(event))
    on<PointerEvent>("pointerenter", () => this.hover(true))
    on<PointerEvent>("pointerleave", () => this.hover(false))
    on<MouseEvent>("dblclick", (event) => {
      event.preventDefault()
      this.closePolygon()
    })
    on<WheelEvent>("wheel", (event) => {
      event.preventDefault()
      this.scene.zoom(Math.exp(-event.deltaY * 0.0015), event)
    })
    // A verdict by key or button must not overtake the stroke before it.
    const before = { signal, capture: true }
    for (const name of ["keydown", "pointerdown"]) window.addEventListener(name, () => this.flush(), before)
    on<KeyboardEvent>("keydown", (event) => this.key(event), window)
    on<KeyboardEvent>("keyup", (event) => event.code === "Space" && this.setSpace(false), window)
  }

  private hover(over: boolean): void {
    this.over = over
    if (!over) this.scene.pointer(null, this.radius)
  }

  private setSpace(on: boolean): void {
    this.space = on
    this.box.classList.toggle("panning", on)
  }

  private down(event: PointerEvent): void {
    this.box.focus({ preventScroll: true })
    if (event.button === 1 || this.space) {
      event.preventDefault()
      this.panning = { pointer: event.pointerId, x: event.clientX, y: event.clientY }
    } else if (event.button === 0 && !this.drawing) this.begin(this.scene.at(event), event.pointerId)
    this.box.setPointerCapture(event.pointerId)
  }

  private begin(point: Point, pointer: number): void {
    if (this.tool === "grow") this.grow(point)
    else if (this.tool === "polygon") this.corner(point)
    else {
      this.drawing = { pointer, from: point, last: point }
      this.history.begin()
      if (this.tool !== "box") this.stroke(point, point)
    }
  }

  private move(event: PointerEvent): void {
    const point = this.scene.at(event)
    const brush = this.tool === "brush" || this.tool === "erase"
    this.scene.pointer(brush && this.over ? point : null, this.radius)
    if (this.panning?.pointer === event.pointerId) {
      this.scene.pan(event.clientX - this.panning.x, event.clientY - this.panning.y)
      this.panning = { pointer: event.pointerId, x: event.clientX, y: event.clientY }
    } else if (this.drawing?.pointer === event.pointerId) this.draw(event, this.drawing)
    else if (this.tool === "polygon" && this.points.length > 0) this.scene.outline([...this.points, point])
  }

  private draw(event: PointerEvent, drawing: { from: Point; last: Point }): void {
    if (this.tool === "box") {
      const [[left, top], [right, bottom]] = [drawing.from, this.scene.at(event)]
      const corners: Point[] = [[left, top], [right, top], [right, bottom], [left, bottom]]
      this.scene.outline(corners, true)
      return
    }
    const coalesced = event.getCoalescedEvents?.() ?? []
    for (const part of coalesced.length > 0 ? coalesced : [event]) {
      const next = this.scene.at(part)
      this.stroke(drawing.last, next)
      drawing.last = next
    }
  }

  private up(event: PointerEvent): void {
    if (this.panning?.pointer === event.pointerId) this.panning = null
    if (this.drawing?.pointer !== event.pointerId) return
    const { from } = this.drawing
    this.drawing = null
    if (this.tool === "box") {
      this.scene.outline([])
      this.touch(this.mask.box(from, this.scene.at(event), 1))
    }
    if (this.history.end()) this.commitSoon()
    this.show()
  }

  private stroke(from: Point, to: Point): void {
    this.touch(this.mask.stroke(from, to, this.radius, this.tool === "erase" ? 0 : 1))
  }

  private touch(rect: Rect): void {
    this.history.touched(rect)
    this.repaint(rect)
  }

  private repaint(rect: Rect): void {
    this.scene.repaint(this.mask, rect)
  }

  private edit(act: () => Rect): void {
    this.history.begin()
    this.touch(act())
    if (this.history.end()) this.commitSoon()
    this.show()
  }

  private changed(rect: Rect | null): void {
    this.drawing = null
    if (!rect) return
    this.repaint(rect)
    this.commitSoon()
  }

  /** One gesture: the smallest b_n region around the click becomes mask. */
  private grow(point: Point): void {
    const rings = (this.data.isolines.b_n ?? []).map(pairs).filter((ring) => inside(ring, point))
    const ring = rings.sort((a, b) => area(a) - area(b))[0]
    if (ring) this.edit(() => this.mask.polygon(ring, 1))
    else this.state.textContent = "No region below b_n here: click inside a solid line, or use the brush"
  }

  private corner(point: Point): void {
    const first = this.points[0]
    const close = 8 / this.scene.scale
    if (first && this.points.length > 2 && Math.hypot(first[0] - point[0], first[1] - point[1]) < close) {
      this.closePolygon()
      return
    }
    const last = this.points[this.points.length - 1]
    if (!last || last[0] !== point[0] || last[1] !== point[1]) this.points.push(point)
    this.scene.outline(this.points)
  }

  private closePolygon(): void {
    const points = this.points
    this.points = []
    this.scene.outline([])
    if (points.length > 2) this.edit(() => this.mask.polygon(points, 1))
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
    if (!mine || event.altKey || !this.did(event, event.key.toLowerCase())) return
    event.preventDefault()
    event.stopPropagation()
  }

  /** Do what a key stands for; false when it stands for nothing here. */
  private did(event: KeyboardEvent, key: string): boolean {
    const step = Math.max(1, Math.round(this.radius / 5))
    const tool = toolOf(key)
    if (event.ctrlKey || event.metaKey) {
      if (key !== "z") return false
      this.act(event.shiftKey ? "redo" : "undo")
    } else if (event.code === "Space") this.setSpace(true)
    else if (key === "[") this.resizeBrush(this.radius - step)
    else if (key === "]") this.resizeBrush(this.radius + step)
    else if (key === "0") this.scene.fit()
    else if (key === "enter" && this.points.length > 0) this.closePolygon()
    else if (key === "escape") this.choose(this.tool)
    else if (tool && (tool !== "grow" || this.data.isolines.b_n?.length)) this.choose(tool)
    else return false
    return true
  }
}

function pairs(flat: number[]): Point[] {
  return Array.from({ length: flat.length / 2 }, (_, i) => [flat[2 * i], flat[2 * i + 1]] as const)
}

function area(ring: Point[]): number {
  const next = (i: number): Point => ring[(i + 1) % ring.length]
  return Math.abs(ring.reduce((sum, [x, y], i) => sum + x * next(i)[1] - next(i)[0] * y, 0))
}

const editors = new WeakMap<object, Editor>()

export default function render({ data, parentElement, setTriggerValue, setStateValue }: Host<Data>): () => void {
  const send = (commit: Commit): void => {
    // The mask travels once; that there is one rides with every later run, so that none is saved without it.
    setStateValue("drawn", [commit.imageId, commit.base, commit.rev])
    setTriggerValue("commit", commit)
  }
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
