// Masks as PNG and back, through the browser's own decoder.
import type { Mask } from "./raster"

/** The mask as a black and white PNG, base64; opaque, so that no browser premultiplies a value away. */
export function encode(mask: Mask): string {
  return encoded(mask, (value) => (value ? 0xffffffff : 0xff000000))
}

/** The numbers of the mask's pixels as the grey values of a PNG, base64. */
export function encodeNumbers(mask: Mask): string {
  return encoded(mask, (value) => 0xff000000 | (value << 16) | (value << 8) | value)
}

function encoded(mask: Mask, word: (value: number) => number): string {
  const [canvas, context] = surface(mask.width, mask.height)
  const image = context.createImageData(mask.width, mask.height)
  const words = new Uint32Array(image.data.buffer)
  for (let i = 0; i < mask.data.length; i++) words[i] = word(mask.data[i])
  context.putImageData(image, 0, 0)
  return canvas.toDataURL("image/png").slice("data:image/png;base64,".length)
}

/** The pixels of a PNG of this size, 1 where it is white; null when it cannot be read or has another size. */
export async function decode(png: string, width: number, height: number): Promise<Uint8Array | null> {
  return (await decodeNumbers(png, width, height))?.map((value) => (value > 127 ? 1 : 0)) ?? null
}

/** The grey values of a PNG of this size; null when it cannot be read or has another size. */
export async function decodeNumbers(png: string, width: number, height: number): Promise<Uint8Array | null> {
  const image = await loaded(`data:image/png;base64,${png}`)
  if (!image || image.width !== width || image.height !== height) return null
  const [, context] = surface(width, height)
  context.drawImage(image, 0, 0)
  const rgba = context.getImageData(0, 0, width, height).data
  return Uint8Array.from({ length: width * height }, (_, i) => rgba[4 * i])
}

export function loaded(url: string): Promise<HTMLImageElement | null> {
  return new Promise((resolve) => {
    const image = new Image()
    image.onload = () => resolve(image)
    image.onerror = () => resolve(null)
    image.src = url
  })
}

export function surface(width: number, height: number): [HTMLCanvasElement, CanvasRenderingContext2D] {
  const canvas = document.createElement("canvas")
  canvas.width = width
  canvas.height = height
  const context = canvas.getContext("2d", { willReadFrequently: true })
  if (!context) throw new Error("this browser gives no canvas")
  return [canvas, context]
}
