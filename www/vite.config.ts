import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'
import { offline } from './build/offline.ts'
import { samples } from './build/samples.ts'
import { thirdParty } from './build/third-party.ts'

const others = thirdParty()

export default defineConfig({
  // Wherever the page is served.
  base: './',
  plugins: [react(), samples(), offline(), others.page],
  // The package lies outside of this directory, with a React of its own.
  server: { fs: { allow: ['.', '../bindings/npm'] } },
  resolve: { dedupe: ['react'] },
  worker: { format: 'es', plugins: () => [others.worker] },
  build: { target: 'es2022', chunkSizeWarningLimit: 1024 },
})
