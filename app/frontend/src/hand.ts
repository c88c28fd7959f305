// What pointers do on the stage: strokes, boxes, polygons and panning; a second finger zooms, and takes back what the
// first one had begun.
import { corners } from "./gestures"
import { Pinch } from "./pinch"
import { NOTHING, type Point, type Rect } from "./raster"
import type { Scene } from "./scene"
import type { Sheet } from "./sheet"
import type { Tool } from "./toolbar"

/** What a hand draws on. */
export interface Easel {
  readonly scene: Scene
  readonly sheet: Sheet
  readonly tool: Tool
  readonly radius: number
  /** The wheel with Shift while growing, in notches. */
  notch: (by: number) => void
  /** A click with a tool that works by clicks. */
  click: (tool: "grow" | "fill", point: Point) => void
  repaint: (rect: Rect) => void
  changed: (rect: Rect | null) => void
  show: () => void
}

export class Hand {
  /** The pointer is over the stage: keys are meant for it. */
  over = false
  private points: Point[] = []
  private drawing: { pointer: number; from: Point; last: Point; value: 0 | 1 } | null = null
  private panning: { pointer: number; x: number; y: number } | null = null
  private before = { edits: 0, corners: 0 }
  private space = false
  private readonly pinch: Pinch

  constructor(
    private readonly easel: Easel,
    private readonly box: HTMLElement,
    signal: AbortSignal,
  ) {
    this.pinch = new Pinch(easel.scene)
    const on = <E extends Event>(name: string, act: (event: E) => void, target: EventTarget = box): void =>
      target.addEventListener(name, act as EventListener, { signal, passive: false } as AddEventListenerOptions)
    on<PointerEvent>("pointerdown", (event) => this.down(event))
    on<PointerEvent>("pointermove", (event) => this.move(event))
    on<PointerEvent>("pointerup", (event) => this.up(event))
    on<PointerEvent>("pointercancel", (event) => this.up(event))
    on<PointerEvent>("pointerenter", () => this.hover(true))
    on<PointerEvent>("pointerleave", () => this.hover(false))
    on<WheelEvent>("wheel", (event) => this.wheel(event))
    on<MouseEvent>("dblclick", (event) => {
      event.preventDefault()
      this.closePolygon()
    })
    on<KeyboardEvent>("keyup", (event) => event.code === "Space" && this.hold(false), window)
  }

  /** Forget the corners of a polygon that is not closed. */
  dropCorners(): void {
    this.points = []
    this.easel.scene.outline([])
  }

  /** Let go in mid-stroke. */
  lift(): void {
    this.drawing = null
  }

  /** The space bar turns the pointer into a hand that pans. */
  hold(on: boolean): void {
    this.space = on
    this.box.classList.toggle("panning", on)
  }

  get hasCorners(): boolean {
    return this.points.length > 0
  }

  closePolygon(value: 0 | 1 = 1): void {
    const { points, easel } = this
    this.dropCorners()
    if (points.length > 2) easel.changed(easel.sheet.edit((mask) => mask.polygon(points, value)))
    easel.show()
  }

  /** The wheel zooms; with Shift it moves the level that regions grow to. */
  private wheel(event: WheelEvent): void {
    event.preventDefault()
    if (this.easel.tool === "grow" && event.shiftKey) this.easel.notch(Math.sign(event.deltaY || event.deltaX))
    else this.easel.scene.zoom(Math.exp(-event.deltaY * 0.0015), event)
  }

  private hover(over: boolean): void {
    this.over = over
    if (!over) this.easel.scene.pointer(null, this.easel.radius)
  }

  private down(event: PointerEvent): void {
    this.box.focus({ preventScroll: true })
    if (event.pointerType === "touch") {
      const fingers = this.pinch.down(event)
      if (fingers === "two") this.takeBack()
      if (fingers !== "one") return
      this.before = { edits: this.easel.sheet.history.length, corners: this.points.length }
    }
    if (event.button === 1 || this.space) {
      event.preventDefault()
      this.panning = { pointer: event.pointerId, x: event.clientX, y: event.clientY }
    } else if (event.button === 0 && !this.drawing) this.begin(this.easel.scene.at(event), event.pointerId, event.altKey ? 0 : 1)
    this.box.setPointerCapture(event.pointerId)
  }

  /** The finger that came first was the first of two: nothing that it did was meant. */
  private takeBack(): void {
    const { sheet, scene } = this.easel
    this.drawing = null
    this.points.length = Math.min(this.points.length, this.before.corners)
    scene.outline(this.points)
    sheet.history.end()
    while (sheet.history.length > this.before.edits) this.easel.changed(sheet.history.drop()?.rect ?? null)
    this.easel.show()
  }

  private begin(point: Point, pointer: number, value: 0 | 1): void {
    const { tool, sheet } = this.easel
    if (tool === "grow" || tool === "fill") this.easel.click(tool, point)
    else if (tool === "polygon") this.corner(point)
    else {
      this.drawing = { pointer, from: point, last: point, value: tool === "erase" ? 0 : value }
      sheet.begin()
      if (tool !== "box") this.stroke(point, point)
    }
  }

  private move(event: PointerEvent): void {
    if (this.pinch.move(event)) return
    const { scene, tool, radius } = this.easel
    const point = scene.at(event)
    const brush = tool === "brush" || tool === "erase"
    scene.pointer(brush && this.over ? point : null, radius)
    if (this.panning?.pointer === event.pointerId) {
      scene.pan(event.clientX - this.panning.x, event.clientY - this.panning.y)
      this.panning = { pointer: event.pointerId, x: event.clientX, y: event.clientY }
    } else if (this.drawing?.pointer === event.pointerId) this.draw(event, this.drawing)
    else if (tool === "polygon" && this.points.length > 0) scene.outline([...this.points, point])
  }

  private draw(event: PointerEvent, drawing: { from: Point; last: Point }): void {
    const { scene, tool } = this.easel
    if (tool === "box") {
      scene.outline(corners(drawing.from, scene.at(event)), true)
      return
    }
    const coalesced = event.getCoalescedEvents?.() ?? []
    for (const part of coalesced.length > 0 ? coalesced : [event]) {
      const next = scene.at(part)
      this.stroke(drawing.last, next)
      drawing.last = next
    }
  }

  private up(event: PointerEvent): void {
    this.pinch.up(event)
    if (this.panning?.pointer === event.pointerId) this.panning = null
    if (this.drawing?.pointer !== event.pointerId) return
    const { from, value } = this.drawing
    const { sheet, scene, tool } = this.easel
    this.drawing = null
    if (tool === "box") {
      scene.outline([])
      const rect = sheet.layer.box(from, scene.at(event), value)
      sheet.history.touched(rect)
      this.easel.repaint(rect)
    }
    if (sheet.history.end()) this.easel.changed(NOTHING) // it is painted already
    this.easel.show()
  }

  private stroke(from: Point, to: Point): void {
    const { sheet, radius } = this.easel
    this.easel.repaint(sheet.stroke(from, to, radius, this.drawing?.value ?? 1))
  }

  private corner(point: Point): void {
    const { scene } = this.easel
    const first = this.points[0]
    const close = 8 / scene.scale
    if (first && this.points.length > 2 && Math.hypot(first[0] - point[0], first[1] - point[1]) < close) {
      this.closePolygon()
      return
    }
    const last = this.points[this.points.length - 1]
    if (!last || last[0] !== point[0] || last[1] !== point[1]) this.points.push(point)
    scene.outline(this.points)
  }
}
