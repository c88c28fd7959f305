// Whole regions of a mask: grown from the log-likelihood, filled, cleaned. Like `raster.ts` it never sees a screen pixel.
import { type Mask, NOTHING, type Point, type Rect, union } from "./raster"

/** Log-likelihoods on the model's grid; a higher value is more normal. */
export interface Field {
  width: number
  height: number
  values: Float32Array
}

const EIGHT = [-1, 0, 1].flatMap((dy) => [-1, 0, 1].map((dx) => [dx, dy])).filter(([dx, dy]) => dx !== 0 || dy !== 0)
const FOUR = EIGHT.filter(([dx, dy]) => dx === 0 || dy === 0)
const NEAR = 2 // grid cells that a click may miss a region by

/** The field at the centre of pixel (x, y) of an image of this size: bilinear, clamped at the border. */
export function valueAt(field: Field, mask: { width: number; height: number }, x: number, y: number): number {
  const fx = Math.min(field.width - 1, Math.max(0, ((x + 0.5) * field.width) / mask.width - 0.5))
  const fy = Math.min(field.height - 1, Math.max(0, ((y + 0.5) * field.height) / mask.height - 0.5))
  const [left, top] = [Math.floor(fx), Math.floor(fy)]
  const [right, bottom] = [Math.min(left + 1, field.width - 1), Math.min(top + 1, field.height - 1)]
  const [u, v] = [fx - left, fy - top]
  const cell = (column: number, row: number): number => field.values[row * field.width + column]
  const upper = cell(left, top) * (1 - u) + cell(right, top) * u
  const lower = cell(left, bottom) * (1 - u) + cell(right, bottom) * u
  return upper * (1 - v) + lower * v
}

/** Mark the connected pixels below `level` around a click, or those next to it; nothing when there are none. */
export function grow(mask: Mask, field: Field, point: Point, level: number): Rect {
  return connected(mask, field, point, (x, y) => valueAt(field, mask, x, y) < level)
}

/** Mark the pixels that pass a test and hang together with the click, or with what is next to it on the field's grid. */
export function connected(mask: Mask, field: Field, point: Point, test: (x: number, y: number) => boolean): Rect {
  const start = nearest(mask, point, (NEAR * mask.width) / field.width, test)
  return start < 0 ? NOTHING : write(mask, flood(mask, start, EIGHT, test), mask.ink)
}

/** Mark every pixel below `level`: the keyboard's way to a mask. */
export function threshold(mask: Mask, field: Field, level: number): Rect {
  return change(mask, (x, y) => (valueAt(field, mask, x, y) < level ? mask.ink : mask.data[y * mask.width + x]))
}

/** Mark the unmarked area around a click; null when it is open to the image's border. */
export function fill(mask: Mask, point: Point): Rect | null {
  const [x, y] = [Math.floor(point[0]), Math.floor(point[1])]
  if (x < 0 || y < 0 || x >= mask.width || y >= mask.height || mask.data[y * mask.width + x]) return NOTHING
  const area = flood(mask, y * mask.width + x, FOUR, (px, py) => !mask.data[py * mask.width + px])
  return area.some((at) => onBorder(mask, at)) ? null : write(mask, area, mask.ink)
}

/** Mark every hole: unmarked areas that no way leads out of, corners not counting as ways. */
export function fillHoles(mask: Mask): Rect {
  const outside = new Uint8Array(mask.data.length)
  const open = (x: number, y: number): boolean => !mask.data[y * mask.width + x]
  for (const start of border(mask)) {
    if (!mask.data[start] && !outside[start]) flood(mask, start, FOUR, open, outside)
  }
  return change(mask, (x, y) => (outside[y * mask.width + x] ? 0 : mask.data[y * mask.width + x] || mask.ink))
}

/** Remove marked regions of fewer than `least` pixels; corners hold a region together. */
export function dropSmall(mask: Mask, least: number): Rect {
  const seen = new Uint8Array(mask.data.length)
  const marked = (x: number, y: number): boolean => mask.data[y * mask.width + x] > 0
  let rect: Rect | null = null
  for (let start = 0; start < mask.data.length; start++) {
    if (!mask.data[start] || seen[start]) continue
    const region = flood(mask, start, EIGHT, marked, seen)
    if (region.length < least) rect = union(rect, write(mask, region, 0))
  }
  return rect ?? NOTHING
}

/** Each pixel becomes what most of its 3x3 neighbourhood is, a new one of its neighbours' type; beyond the border nothing is. */
export function smooth(mask: Mask): Rect {
  const before = mask.data.slice()
  const at = (x: number, y: number): number =>
    x < 0 || y < 0 || x >= mask.width || y >= mask.height ? 0 : before[y * mask.width + x]
  return change(mask, (x, y) => {
    const own = before[y * mask.width + x]
    const marked = [own, ...EIGHT.map(([dx, dy]) => at(x + dx, y + dy))].filter((value) => value > 0)
    return marked.length < 5 ? 0 : own || marked[0]
  })
}

/** The pixel nearest to a point that passes a test, at most `reach` pixels away; -1 when none does. */
function nearest(mask: Mask, point: Point, reach: number, test: (x: number, y: number) => boolean): number {
  let [best, found] = [reach * reach, -1]
  const rect = mask.clip(point[0] - reach, point[1] - reach, point[0] + reach, point[1] + reach)
  for (let y = rect.y; y < rect.y + rect.height; y++) {
    for (let x = rect.x; x < rect.x + rect.width; x++) {
      const far = (x + 0.5 - point[0]) ** 2 + (y + 0.5 - point[1]) ** 2
      if (far <= best && test(x, y)) [best, found] = [far, y * mask.width + x]
    }
  }
  return found
}

/** Every pixel that can be reached from the first through pixels that pass the test; `seen` is shared between calls. */
function flood(
  mask: Mask,
  start: number,
  ways: number[][],
  test: (x: number, y: number) => boolean,
  seen: Uint8Array = new Uint8Array(mask.data.length),
): number[] {
  const area = [start]
  seen[start] = 1
  for (let i = 0; i < area.length; i++) {
    const [x, y] = [area[i] % mask.width, Math.floor(area[i] / mask.width)]
    for (const [dx, dy] of ways) {
      const [nx, ny] = [x + dx, y + dy]
      if (nx < 0 || ny < 0 || nx >= mask.width || ny >= mask.height) continue
      const next = ny * mask.width + nx
      if (seen[next] || !test(nx, ny)) continue
      seen[next] = 1
      area.push(next)
    }
  }
  return area
}

function write(mask: Mask, area: readonly number[], value: number): Rect {
  let [left, top, right, bottom] = [mask.width, mask.height, -1, -1]
  for (const at of area) {
    const [x, y] = [at % mask.width, Math.floor(at / mask.width)]
    mask.data[at] = value
    ;[left, top, right, bottom] = [Math.min(left, x), Math.min(top, y), Math.max(right, x), Math.max(bottom, y)]
  }
  return right < 0 ? NOTHING : { x: left, y: top, width: right - left + 1, height: bottom - top + 1 }
}

/** Write a new value for every pixel; the box around those that differ. */
function change(mask: Mask, value: (x: number, y: number) => number): Rect {
  let [left, top, right, bottom] = [mask.width, mask.height, -1, -1]
  for (let y = 0; y < mask.height; y++) {
    for (let x = 0; x < mask.width; x++) {
      const [at, next] = [y * mask.width + x, value(x, y)]
      if (mask.data[at] === next) continue
      mask.data[at] = next
      ;[left, top, right, bottom] = [Math.min(left, x), Math.min(top, y), Math.max(right, x), Math.max(bottom, y)]
    }
  }
  return right < 0 ? NOTHING : { x: left, y: top, width: right - left + 1, height: bottom - top + 1 }
}

function border(mask: Mask): number[] {
  const { width, height } = mask
  const rows = Array.from({ length: height }, (_, y) => [y * width, y * width + width - 1]).flat()
  return [...Array.from({ length: width }, (_, x) => [x, (height - 1) * width + x]).flat(), ...rows]
}

function onBorder(mask: Mask, at: number): boolean {
  const [x, y] = [at % mask.width, Math.floor(at / mask.width)]
  return x === 0 || y === 0 || x === mask.width - 1 || y === mask.height - 1
}
