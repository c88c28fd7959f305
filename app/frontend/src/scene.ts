// What the editor shows: image, heatmap, tinted mask, isolines and the draft of a gesture, zoomed and panned by Konva.
import Konva from "konva/lib/Core"
import { Circle } from "konva/lib/shapes/Circle"
import { Image as Picture } from "konva/lib/shapes/Image"
import { Line } from "konva/lib/shapes/Line"
import { asked } from "./asking"
import { loaded, surface } from "./codec"
import type { Mask, Point, Rect } from "./raster"
import type { Guide } from "./reach"
import { tint } from "./tint"

export interface Isolines {
  b_n?: number[][]
  b_a?: number[][]
}

/** Where an event happened on the screen. */
export interface Place {
  clientX: number
  clientY: number
}

const SMOOTH_BELOW = 3
const MOST = 40
const thin = { strokeScaleEnabled: false, listening: false }

export class Scene {
  private readonly stage: Konva.Stage
  private readonly pixels = document.createElement("canvas")
  private readonly imageNode = new Picture({ image: undefined, listening: false })
  private readonly heatNode = new Picture({ image: undefined, listening: false })
  private readonly otherNode = new Picture({ image: undefined, listening: false })
  private readonly photograph = new Konva.Layer({ listening: false })
  private readonly maskNode = new Picture({ image: undefined, listening: false, imageSmoothingEnabled: false } as never)
  private readonly lines = new Konva.Group({ listening: false })
  private readonly draft = new Line({ points: [], stroke: "#fff", strokeWidth: 1.5, dash: [5, 4], ...thin })
  private readonly left = new Konva.Group({ listening: false })
  private readonly right = new Konva.Group({ listening: false })
  private readonly splitLine = new Line({ points: [], stroke: "#fff", strokeWidth: 1, ...thin })
  private readonly cursor = new Circle({ radius: 1, stroke: "#fff", strokeWidth: 1.2, visible: false, ...thin })
  private readonly wanted = new Map<Picture, string | null>()
  private width = 1
  private height = 1

  constructor(
    readonly box: HTMLDivElement,
    private stageHeight: number,
  ) {
    this.stage = new Konva.Stage({ container: box, width: 10, height: stageHeight })
    const below = new Konva.Layer({ listening: false })
    const above = new Konva.Layer({ listening: false })
    this.left.add(this.heatNode)
    this.right.add(this.otherNode)
    below.add(this.left, this.right, this.splitLine)
    this.photograph.add(this.imageNode)
    above.add(this.maskNode, this.lines, this.draft, this.cursor)
    this.stage.add(this.photograph, below, above)
  }

  get scale(): number {
    return this.stage.scaleX()
  }

  open(width: number, height: number): void {
    this.width = this.pixels.width = width
    this.height = this.pixels.height = height
    this.maskNode.setAttrs({ image: this.pixels, width, height })
    this.fit()
  }

  close(): void {
    this.wanted.clear()
    this.stage.destroy()
  }

  image(url: string): Promise<void> {
    return this.load(this.imageNode, url)
  }

  /** The photograph's brightness in a rectangle; null before it has come. */
  guide(rect: Rect): Guide | null {
    const image = this.imageNode.image()
    if (!image || rect.width === 0 || rect.height === 0) return null
    const [, context] = surface(rect.width, rect.height)
    context.drawImage(image, rect.x, rect.y, rect.width, rect.height, 0, 0, rect.width, rect.height)
    const { data } = context.getImageData(0, 0, rect.width, rect.height)
    const at = (i: number): number => (0.299 * data[i] + 0.587 * data[i + 1] + 0.114 * data[i + 2]) / 255
    return { rect, values: Float32Array.from({ length: rect.width * rect.height }, (_, i) => at(4 * i)) }
  }

  heat(url: string | null): Promise<void> {
    return this.wanted.get(this.heatNode) === url ? Promise.resolve() : this.load(this.heatNode, url)
  }

  opacity(value: number): void {
    this.heatNode.opacity(value)
    this.otherNode.opacity(value)
  }

  /** Contrast and brightness of the photograph alone, as factors; the heat keeps its scale. */
  light(contrast: number, brightness: number): void {
    const plain = contrast === 1 && brightness === 1
    this.photograph.getNativeCanvasElement().style.filter = plain ? "" : `contrast(${contrast}) brightness(${brightness})`
  }

  /** The other map to the right of a share of the width; null shows one map alone. */
  split(url: string | null, share: number): void {
    if (this.wanted.get(this.otherNode) !== url) void this.load(this.otherNode, url)
    const edge = url ? this.width * share : this.width
    this.left.clip({ x: 0, y: 0, width: edge, height: this.height })
    this.right.clip({ x: edge, y: 0, width: this.width - edge, height: this.height })
    this.splitLine.points(url ? [edge, 0, edge, this.height] : [])
  }

  /** Takes the picture over when it has come, unless another was wanted meanwhile. */
  private async load(node: Picture, url: string | null): Promise<void> {
    this.wanted.set(node, url)
    const wanted = (): boolean => this.wanted.get(node) === url
    const image = url ? await picture(url, wanted) : null
    if (wanted()) node.setAttrs({ image: image ?? undefined, width: this.width, height: this.height })
  }

  isolines(isolines: Isolines): void {
    this.lines.destroyChildren()
    for (const name of ["b_a", "b_n"] as const) {
      for (const points of isolines[name] ?? []) {
        const line = { points, closed: true, dash: name === "b_a" ? [7, 5] : undefined, ...thin }
        this.lines.add(new Line({ ...line, stroke: "rgba(0,0,0,0.55)", strokeWidth: 3 }))
        this.lines.add(new Line({ ...line, stroke: "#fff", strokeWidth: 1.4 }))
      }
    }
  }

  /** Only the touched rectangle of the tinted picture is written; Konva then redraws one layer. */
  repaint(mask: Mask, ignored: Mask, rect: Rect): void {
    const context = this.pixels.getContext("2d")
    if (!context || rect.width === 0 || rect.height === 0) return
    const words = tint(mask, ignored, rect)
    const tinted = new ImageData(new Uint8ClampedArray(words.buffer), rect.width, rect.height)
    context.putImageData(tinted, rect.x, rect.y)
    this.maskNode.getLayer()?.batchDraw()
  }

  /** The corners of a gesture in progress; `closed` for a box. */
  outline(points: readonly Point[], closed = false): void {
    this.draft.points(points.flatMap(([x, y]) => [x, y]))
    this.draft.closed(closed)
  }

  pointer(point: Point | null, radius: number): void {
    this.cursor.setAttrs(point ? { x: point[0], y: point[1], radius, visible: true } : { visible: false })
  }

  resize(): void {
    const width = this.box.clientWidth
    if (width > 0 && width !== this.stage.width()) this.fit()
  }

  /** Show a box of the image, with some room around it. */
  look(x: number, y: number, width: number, height: number): void {
    const [w, h] = [this.stage.width(), this.stageHeight]
    const scale = Math.max(0.05, Math.min(12, w / (2.5 * width), h / (2.5 * height)))
    this.view(scale, w / 2 - (x + width / 2) * scale, h / 2 - (y + height / 2) * scale)
  }

  fit(): void {
    const width = this.box.clientWidth || this.stage.width()
    this.stage.size({ width, height: this.stageHeight })
    const scale = Math.min(width / this.width, this.stageHeight / this.height)
    this.view(scale, (width - this.width * scale) / 2, (this.stageHeight - this.height * scale) / 2)
  }

  pan(dx: number, dy: number): void {
    this.view(this.scale, this.stage.x() + dx, this.stage.y() + dy)
  }

  /** Zoom so that what lies under the pointer stays there. */
  zoom(factor: number, event: Place): void {
    const [px, py] = this.offset(event)
    const before = this.scale
    const least = Math.min(this.stage.width() / this.width, this.stageHeight / this.height) / 2
    const scale = Math.max(least, Math.min(MOST, before * factor))
    const [x, y] = [this.stage.x(), this.stage.y()]
    this.view(scale, px - ((px - x) / before) * scale, py - ((py - y) / before) * scale)
  }

  /** The place of an event in image pixels. */
  at(event: Place): Point {
    const [px, py] = this.offset(event)
    return [(px - this.stage.x()) / this.scale, (py - this.stage.y()) / this.scale]
  }

  private offset(event: Place): Point {
    const box = this.box.getBoundingClientRect()
    return [event.clientX - box.left - this.box.clientLeft, event.clientY - box.top - this.box.clientTop]
  }

  private view(scale: number, x: number, y: number): void {
    this.stage.scale({ x: scale, y: scale })
    this.stage.position({ x, y })
    this.imageNode.setAttr("imageSmoothingEnabled", scale < SMOOTH_BELOW)
    Object.assign(this.box.dataset, { scale: String(scale), x: String(x), y: String(y) })
  }
}

/** A picture; while the server is away, as soon as it is back. Null when it has none, or nobody wants it any more. */
async function picture(url: string, wanted: () => boolean): Promise<HTMLImageElement | null> {
  return (await loaded(url)) ?? ((await asked(url, (answer) => answer.blob(), wanted)) && loaded(url))
}
