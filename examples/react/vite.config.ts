import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

export default defineConfig({
  // Wherever the app is served.
  base: './',
  plugins: [react()],
  // Both only because the package lies outside of this directory, with a React of its own; one from a registry does not.
  server: { fs: { allow: ['.', '../../bindings/npm'] } },
  resolve: { dedupe: ['react'] },
})
