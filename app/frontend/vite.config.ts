import { defineConfig } from "vite"

// One build serves both components; the file names are fixed, so that a build can be compared with the committed one.
export default defineConfig({
  base: "./",
  build: {
    outDir: process.env.BGAD_BUILD_DIR ?? "../ui/components/assets",
    emptyOutDir: true,
    target: "es2022",
    modulePreload: false,
    lib: {
      entry: { "mask-editor": "src/mask-editor.ts", gallery: "src/gallery.ts" },
      formats: ["es"],
    },
    rollupOptions: { output: { entryFileNames: "[name].js", chunkFileNames: "[name].js" } },
  },
})
