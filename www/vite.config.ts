import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'
import { offline } from './build/offline.ts'
import { samples } from './build/samples.ts'

export default defineConfig({
  // Wherever the page is served.
  base: './',
  plugins: [react(), samples(), offline()],
  // The package lies outside of this directory, with a React of its own.
  server: { fs: { allow: ['.', '../bindings/npm'] } },
  resolve: { dedupe: ['react'] },
  worker: { format: 'es' },
  build: { target: 'es2022', chunkSizeWarningLimit: 1024 },
})
